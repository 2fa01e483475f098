// tries: to become root, to take hold of the sandbox's first process, and to break out
// must: fail oversold
package main

import (
	"os"
	"syscall"
)

func init() {
	var did []string
	try := func(what string, err error) {
		if err == nil {
			did = append(did, what)
		}
	}
	try("setuid", syscall.Setuid(0))
	try("mount", syscall.Mount("none", "/tmp", "tmpfs", 0, ""))
	try("remount", syscall.Mount("", "/", "", syscall.MS_REMOUNT, ""))
	try("chroot", syscall.Chroot("/tmp"))
	try("user namespace", syscall.Unshare(syscall.CLONE_NEWUSER))
	try("mknod", syscall.Mknod("/tmp/disk", syscall.S_IFBLK|0o666, 254<<8))
	try("host name", syscall.Sethostname([]byte("x")))
	try("clock", syscall.Settimeofday(&syscall.Timeval{Sec: 1}))
	try("reboot", syscall.Reboot(syscall.LINUX_REBOOT_CMD_CAD_OFF))
	try("priority", syscall.Setpriority(syscall.PRIO_PROCESS, 0, -10))
	try("processes", syscall.Setrlimit(6, &syscall.Rlimit{Cur: 1 << 20, Max: 1 << 20}))
	_, err := os.OpenFile("/proc/sysrq-trigger", os.O_WRONLY, 0)
	try("sysrq", err)
	_, err = os.OpenFile("/proc/sys/kernel/core_pattern", os.O_WRONLY, 0)
	try("core pattern", err)
	_, err = os.OpenFile("/sys/fs/cgroup/memory/release_agent", os.O_WRONLY, 0)
	try("release agent", err)
	_ = syscall.Kill(1, syscall.SIGKILL) // itself alone would suffer
	gain(len(did) > 0, did)
}
