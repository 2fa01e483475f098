package owner

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// bootID changes whenever the machine is started.
func bootID() string {
	id, _ := unix.Sysctl("kern.bootsessionuuid")
	return id
}

// pidSpace is empty: there is one.
func pidSpace() string { return "" }

// processStart is when a process was started. The error is fs.ErrNotExist when
// there is no such process.
func processStart(pid int) (string, error) {
	p, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if errors.Is(err, unix.EIO) || errors.Is(err, unix.ESRCH) { // an empty answer is EIO here
		return "", os.ErrNotExist
	}
	if err != nil {
		return "", err
	}
	t := p.Proc.P_starttime
	return fmt.Sprintf("%d.%06d", t.Sec, t.Usec), nil
}
