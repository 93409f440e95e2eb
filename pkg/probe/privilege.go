// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/features"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"
)

// checkPrivilege returns an error if the process lacks a privilege, before the kernel
// refuses for another reason: CAP_BPF and CAP_PERFMON load and attach tracing
// programs, CAP_SYS_ADMIN includes both.
func checkPrivilege() error {
	caps, err := effectiveCapabilities()
	if err != nil {
		return fmt.Errorf("read capabilities: %w", err)
	}
	has := func(c int) bool { return caps&(1<<c) != 0 }
	if has(unix.CAP_SYS_ADMIN) || has(unix.CAP_BPF) && has(unix.CAP_PERFMON) {
		return nil
	}
	return fmt.Errorf("%w: not enough privilege: run as root, or grant CAP_BPF and CAP_PERFMON", ErrCannot)
}

func effectiveCapabilities() (uint64, error) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return 0, err
	}
	return uint64(data[0].Effective) | uint64(data[1].Effective)<<32, nil
}

// raiseMemlock lifts the locked-memory limit, to which kernels before 5.11 charge
// maps and programs (commit 3ac1f01b43b6 and others); later ones do not need it.
func raiseMemlock() error { return memlockRefusal(rlimit.RemoveMemlock()) }

// memlockRefusal names the privilege that only raising the limit takes.
func memlockRefusal(err error) error {
	if errors.Is(err, unix.EPERM) {
		return fmt.Errorf("%w: this kernel charges BPF maps to the locked-memory limit: run as root, grant CAP_SYS_RESOURCE too, or start it with \"ulimit -l unlimited\"", ErrCannot)
	}
	if err != nil {
		return fmt.Errorf("raise the locked-memory limit: %w", err)
	}
	return nil
}

func checkRingbuf() error {
	err := features.HaveMapType(ebpf.RingBuf)
	if errors.Is(err, ebpf.ErrNotSupported) {
		return fmt.Errorf("%w: the kernel has no BPF ring buffer: Linux 5.8 or newer is needed", ErrCannot)
	}
	return err
}

// refusal explains why a privileged load failed: the kernel is locked down, or
// a security module or seccomp said no. Other errors are returned as they are.
func refusal(err error) error {
	if mode := lockdown(); mode == "confidentiality" {
		return fmt.Errorf("%w: the kernel is locked down (confidentiality) and lets no program read its memory: boot with lockdown=integrity or none", ErrCannot)
	}
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		return fmt.Errorf("%w: the kernel refuses BPF tracing although the privilege is there: look at its security module or seccomp policy (%w)", ErrCannot, err)
	}
	return err
}

// lockdown returns the mode in brackets, as in "none [integrity] confidentiality",
// empty where the kernel has none.
func lockdown() string {
	text, err := os.ReadFile("/sys/kernel/security/lockdown")
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(text), "[")
	mode, _, _ := strings.Cut(rest, "]")
	return mode
}
