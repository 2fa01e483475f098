package fix

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

const exe = ".exe"

var inherited = []string{"PATH", "HOME", "USERPROFILE", "TEMP", "TMP", "SystemRoot"}

func bounded(argv []string, _, _ int64) *exec.Cmd { return exec.Command(argv[0], argv[1:]...) }

// group is a job object: what starts in it stays in it, its memory is bounded,
// and it ends with its handle, which the harness holds.
type group struct{ job windows.Handle }

func (g *group) start(cmd *exec.Cmd, memory int64) error {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return err
	}
	info := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{ProcessMemoryLimit: uintptr(memory)}
	info.BasicLimitInformation.LimitFlags = windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE | windows.JOB_OBJECT_LIMIT_PROCESS_MEMORY
	if _, err := windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info))); err != nil {
		return errors.Join(err, windows.CloseHandle(job))
	}
	if err := cmd.Start(); err != nil {
		return errors.Join(err, windows.CloseHandle(job))
	}
	var assigned error
	err = cmd.Process.WithHandle(func(h uintptr) {
		assigned = windows.AssignProcessToJobObject(job, windows.Handle(h))
	})
	if err := errors.Join(err, assigned); err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return errors.Join(err, windows.CloseHandle(job))
	}
	g.job = job
	return nil
}

func (g *group) signal(sig syscall.Signal) error {
	if sig != syscall.SIGKILL {
		return errors.ErrUnsupported
	}
	return windows.TerminateJobObject(g.job, 1)
}

func (g *group) close() { _ = windows.CloseHandle(g.job) }

// peak is not known.
func peak(*os.ProcessState) int64 { return 0 }

// endedBy is the signal that ended it; here an end by the harness looks like
// exit status 1.
func endedBy(s *os.ProcessState) syscall.Signal {
	if s.ExitCode() == 1 {
		return syscall.SIGKILL
	}
	return 0
}
