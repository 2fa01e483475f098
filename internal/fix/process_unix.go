//go:build unix

package fix

import (
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

const exe = ""

var inherited = []string{"PATH", "HOME", "TMPDIR"}

// bounded is the command with its memory, and the size of its files if that is not
// 0, limited before it begins. Limited is RLIMIT_DATA, which on Linux counts private
// writable memory: RLIMIT_AS would count the address space that Go only reserves, and
// a Go program would not even start under a quarter of a gigabyte. macOS does not
// enforce it; there GOMEMLIMIT is all that holds a program.
func bounded(argv []string, memory, file int64) *exec.Cmd {
	const limits = `ulimit -c 0; ulimit -d "$1" 2>/dev/null; [ "$2" = 0 ] || ulimit -f "$2"; shift 2; exec "$@"`
	const block = 512 // bytes, which POSIX counts files in
	return exec.Command("/bin/sh", append([]string{
		"-c", limits, "sh", strconv.FormatInt(memory>>10, 10), strconv.FormatInt(file/block, 10),
	}, argv...)...)
}

// group is the program's process group.
type group struct{ id int }

func (g *group) start(cmd *exec.Cmd, _ int64) error {
	cmd.SysProcAttr = attributes()
	if err := cmd.Start(); err != nil {
		return err
	}
	g.id = cmd.Process.Pid
	return nil
}

func (g *group) signal(sig syscall.Signal) error { return syscall.Kill(-g.id, sig) }

func (g *group) close() {}

// peak is the most memory that it held at once, in bytes; 0 if not known.
func peak(s *os.ProcessState) int64 {
	u, ok := s.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	// Until it executed its own program it was a copy of the harness, and that
	// counts too.
	var own syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &own) != nil || u.Maxrss <= own.Maxrss {
		return 0
	}
	return int64(u.Maxrss) * rssUnit //nolint:unconvert // an int32 on some systems
}

// endedBy is the signal that ended it, or 0.
func endedBy(s *os.ProcessState) syscall.Signal {
	if w, ok := s.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return w.Signal()
	}
	return 0
}
