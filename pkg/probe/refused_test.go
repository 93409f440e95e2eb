// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/synwatch/synwatch/pkg/event"
)

// What was refused says which privilege or option would have allowed it.
func TestRemedy(t *testing.T) {
	inModule := &probe{hook: &hook{name: "f", module: "no_such_module"}}
	builtIn := &probe{hook: &hook{name: "f"}}
	for _, test := range []struct {
		p    *probe
		mode event.Mode
		err  error
		want string
	}{
		{inModule, event.ModeFentry, ebpf.ErrNotSupported, "CONFIG_DEBUG_INFO_BTF_MODULES"},
		{builtIn, event.ModeFentry, ebpf.ErrNotSupported, "not supported"},
		{builtIn, event.ModeFentry, errNoType, errNoType.Error()},
		{inModule, event.ModeKprobeMulti, fmt.Errorf("attach: %w", os.ErrNotExist), "CAP_SYSLOG"},
		{inModule, event.ModeKprobeMulti, unix.EINVAL, "invalid argument"},
		{inModule, event.ModeKprobe, unix.EACCES, "permission denied (CAP_"},
		{inModule, event.ModeKprobe, unix.EPERM, "operation not permitted (CAP_"},
		{inModule, event.ModeKprobe, unix.ENOENT, "no such file"},
	} {
		if got := test.p.remedy(test.mode, test.err); !strings.Contains(got, test.want) {
			t.Errorf("%s of %s, %v: %q does not say %q", test.mode, test.p.name, test.err, got, test.want)
		}
	}
}

// A mode that is not wanted, or that this kernel cannot have, is not tried.
func TestRefusedModes(t *testing.T) {
	refused := refusedModes(&kernel{}, []event.Mode{event.ModeKprobe, event.ModeKprobeMulti})
	if !errors.Is(refused[event.ModeFentry], errNoBTF) {
		t.Errorf("fentry without BTF: %v", refused[event.ModeFentry])
	}
	for _, mode := range []event.Mode{event.ModeKprobe, event.ModeKprobeMulti} {
		if refused[mode] == nil {
			t.Errorf("%s is not refused", mode)
		}
	}
}
