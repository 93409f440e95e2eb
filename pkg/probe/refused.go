// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/features"
	"golang.org/x/sys/unix"

	"github.com/synwatch/synwatch/pkg/event"
)

// errNoType: BTF has no type for a part that the compiler split off a function.
var errNoType = errors.New("the function was split by the compiler")

var errNoBTF = errors.New("the kernel carries no BTF of its own (CONFIG_DEBUG_INFO_BTF)")

// refusedModes says which modes no hook can have on this kernel, and why: without are
// those that are not to be used.
func refusedModes(k *kernel, without []event.Mode) map[event.Mode]error {
	refused := map[event.Mode]error{}
	if !k.own {
		refused[event.ModeFentry] = errNoBTF
	}
	if errors.Is(features.HaveBPFLinkKprobeMulti(), ebpf.ErrNotSupported) {
		refused[event.ModeKprobeMulti] = errors.New("the kernel has none (Linux 5.18 with CONFIG_FPROBE)")
	}
	if _, err := os.Stat("/sys/bus/event_source/devices/kprobe"); err != nil {
		refused[event.ModeKprobe] = errors.New("the kernel has none (CONFIG_KPROBE_EVENTS)")
	}
	for _, mode := range without {
		refused[mode] = errors.New("not wanted")
	}
	return refused
}

// remedy is why a mode was refused, with the privilege or the option that would have
// allowed it, if that is known.
func (p *probe) remedy(mode event.Mode, err error) string {
	switch {
	case mode == event.ModeFentry && errors.Is(err, ebpf.ErrNotSupported) && p.module != "":
		return moduleRemedy(p.module, err)
	case mode == event.ModeKprobeMulti && errors.Is(err, os.ErrNotExist):
		// Asked by its address, which is hidden, the kernel would know it.
		return "the kernel does not find it by its name (CAP_SYSLOG, kernel.kptr_restrict)"
	case mode == event.ModeKprobe && (errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM)):
		return fmt.Sprintf("%s (%s)", shortly(err), perfRemedy())
	}
	return shortly(err)
}

// moduleRemedy: the kernel gives a module's BTF, which fentry is loaded with, to
// CAP_SYS_ADMIN only (kernel/bpf/syscall.c:bpf_btf_get_fd_by_id), although anyone may
// read its types.
func moduleRemedy(module string, err error) string {
	if _, noBTF := os.Stat(filepath.Join("/sys/kernel/btf", module)); noBTF != nil {
		return "module " + module + " carries no BTF (Linux 5.11 with CONFIG_DEBUG_INFO_BTF_MODULES)"
	}
	if caps, unknown := effectiveCapabilities(); unknown == nil && caps&(1<<unix.CAP_SYS_ADMIN) == 0 {
		return "CAP_SYS_ADMIN is needed for a function of a module"
	}
	return shortly(err)
}

// perfRemedy: perf_event_open asks for CAP_PERFMON, and where Debian and Ubuntu have
// set the sysctl above 2, which is their default, for CAP_SYS_ADMIN.
func perfRemedy() string {
	paranoid, err := os.ReadFile("/proc/sys/kernel/perf_event_paranoid")
	if err != nil {
		return "CAP_PERFMON is needed"
	}
	return "CAP_SYS_ADMIN is needed while kernel.perf_event_paranoid is " + strings.TrimSpace(string(paranoid))
}

// shortly shortens an error to the system call's error, or to the verifier's last line.
func shortly(err error) string {
	var verifier *ebpf.VerifierError
	if errors.As(err, &verifier) {
		return "verifier: " + lastWord(verifier.Log)
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno.Error()
	}
	return err.Error()
}

// lastWord is the verifier's complaint, before its statistics.
func lastWord(log []string) string {
	for _, line := range slices.Backward(log) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "processed ") {
			return line
		}
	}
	return "no complaint"
}
