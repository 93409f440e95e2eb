// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"strconv"

	"github.com/synwatch/synwatch/pkg/shell"
)

// sysctlIn is where a sysctl has one value: a network namespace, 0 for the whole
// machine.
type sysctlIn struct {
	netns  uint32
	sysctl string
}

func (x *Finding) where(c *Change) sysctlIn {
	if isGlobal(c.Sysctl) {
		return sysctlIn{0, c.Sysctl}
	}
	return sysctlIn{x.Netns, c.Sysctl}
}

// settle makes the findings of a run agree, and leaves no command where there is a
// question first.
func settle(found []Finding) {
	oneValue(found)
	for i := range found {
		for j := range found[i].Changes {
			if c := &found[i].Changes[j]; c.Basis == Assumed {
				c.Command = shell.Command{}
			}
		}
	}
}

// oneValue gives all changes of a sysctl in a network namespace the same value: the
// largest that a finding needs. What is known to be needed does not become larger
// by what is only assumed.
func oneValue(found []Finding) {
	largest := map[sysctlIn]Change{}
	each(found, func(in sysctlIn, c *Change) {
		if old, ok := largest[in]; !ok || c.needsMore(&old) {
			largest[in] = *c
		}
	})
	each(found, func(in sysctlIn, c *Change) {
		if l := largest[in]; c.Value != l.Value {
			c.Value = l.Value
			c.Why += "; another finding needs this much: " + l.Why
			if !c.Command.IsZero() {
				c.Command = l.Command
			}
		}
	})
}

func each(found []Finding, visit func(sysctlIn, *Change)) {
	for i := range found {
		for j := range found[i].Changes {
			if c := &found[i].Changes[j]; c.Sysctl != "" {
				visit(found[i].where(c), c)
			}
		}
	}
}

// needsMore says whether a change of the same sysctl needs a larger value.
func (c *Change) needsMore(old *Change) bool {
	if assumed := c.Basis == Assumed; assumed != (old.Basis == Assumed) {
		return !assumed
	}
	now, err1 := strconv.ParseUint(c.Value, 10, 64)
	before, err2 := strconv.ParseUint(old.Value, 10, 64)
	return err1 == nil && err2 == nil && now > before
}
