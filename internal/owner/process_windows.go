package owner

import (
	"errors"
	"os"
	"strconv"

	"golang.org/x/sys/windows"
)

// bootID is empty: a process's start is absolute here, so it tells two boots apart.
func bootID() string { return "" }

// pidSpace is empty: there is one.
func pidSpace() string { return "" }

// processStart is when a process was started. The error is fs.ErrNotExist when
// there is no such process.
func processStart(pid int) (string, error) {
	h, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, uint32(pid))
	if errors.Is(err, windows.ERROR_INVALID_PARAMETER) {
		return "", os.ErrNotExist
	}
	if err != nil {
		return "", err
	}
	defer windows.CloseHandle(h)
	const stillActive = 259
	var code uint32
	if err := windows.GetExitCodeProcess(h, &code); err == nil && code != stillActive {
		return "", os.ErrNotExist // dead; somebody still holds a handle
	}
	var created, exited, kernel, user windows.Filetime
	if err := windows.GetProcessTimes(h, &created, &exited, &kernel, &user); err != nil {
		return "", err
	}
	return strconv.FormatInt(created.Nanoseconds(), 10), nil
}
