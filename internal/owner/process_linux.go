package owner

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// bootID changes whenever the machine is started.
func bootID() string {
	b, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(b))
}

// pidSpace names the namespace that our process numbers belong to: two
// containers on one machine may have the same host name and count on their own.
func pidSpace() string {
	s, _ := os.Readlink("/proc/self/ns/pid")
	return s
}

// processStart is when a process was started, in clock ticks since boot. The
// error is fs.ErrNotExist when there is no such process.
func processStart(pid int) (string, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if errors.Is(err, syscall.ESRCH) { // it went while we read
		err = os.ErrNotExist
	}
	if err != nil {
		return "", err
	}
	// The second field is the program's name in parentheses and may hold
	// anything; the start is the 20th field after it (proc_pid_stat(5), field 22).
	f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	if len(f) < 20 {
		return "", fmt.Errorf("read start of process %d: %d fields", pid, len(f))
	}
	if f[0] == "Z" || f[0] == "X" { // dead; only its parent has not looked yet
		return "", os.ErrNotExist
	}
	return f[19], nil
}
