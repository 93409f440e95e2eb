// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// mounts are the file systems that a booted distribution has. The root itself is
// in memory, so /tmp and /run are directories in it.
var mounts = []struct{ kind, dir, options string }{
	{"proc", "/proc", ""},
	{"sysfs", "/sys", ""},
	{"devtmpfs", "/dev", ""},
	{"devpts", "/dev/pts", ""},
	{"tmpfs", "/dev/shm", ""},
	{"bpf", "/sys/fs/bpf", ""},
	{"cgroup2", "/sys/fs/cgroup", ""},
	{"tracefs", "/sys/kernel/tracing", ""},
	{"debugfs", "/sys/kernel/debug", ""},
	{"securityfs", "/sys/kernel/security", ""},
}

// mountAll mounts what the kernel knows; a file system that it was built without
// has no mount point in sysfs or is ENODEV, and is passed over.
func mountAll() error {
	var errs []error
	for _, m := range mounts {
		if m.dir == "/dev/pts" || m.dir == "/dev/shm" {
			os.MkdirAll(m.dir, 0o755)
		}
		err := unix.Mount(m.kind, m.dir, m.kind, unix.MS_NOSUID|unix.MS_NODEV*b2u(m.dir[:4] != "/dev"), m.options)
		if err != nil && err != unix.ENODEV && err != unix.ENOENT && err != unix.EBUSY {
			errs = append(errs, fmt.Errorf("mount %s: %w", m.dir, err))
		}
	}
	for link, target := range map[string]string{
		"/dev/fd": "/proc/self/fd", "/dev/stdin": "/proc/self/fd/0",
		"/dev/stdout": "/proc/self/fd/1", "/dev/stderr": "/proc/self/fd/2",
	} {
		os.Symlink(target, link)
	}
	return errors.Join(errs...)
}

func b2u(b bool) uintptr {
	if b {
		return 1
	}
	return 0
}

// raiseLimits raises the locked-memory limit for kernels that charge BPF to it.
func raiseLimits() error {
	unlimited := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
	files := unix.Rlimit{Cur: 1 << 20, Max: 1 << 20}
	return errors.Join(
		unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unlimited),
		unix.Setrlimit(unix.RLIMIT_NOFILE, &files))
}

func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("set lo up: %w", err)
	}
	defer unix.Close(fd)
	ifr, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	ifr.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, ifr); err != nil {
		return fmt.Errorf("set lo up: %w", err)
	}
	return nil
}

func release() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return ""
	}
	return unix.ByteSliceToString(u.Release[:])
}

// powerOff ends the machine: QEMU exits on either, as it runs with -no-reboot.
func powerOff() {
	unix.Sync()
	unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART)
}
