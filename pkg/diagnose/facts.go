// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"
	"maps"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/synwatch/synwatch/pkg/nstat"
	"github.com/synwatch/synwatch/pkg/sockets"
	"github.com/synwatch/synwatch/pkg/survey"
)

// Facts is what the rules look at: the machine and one network namespace of it.
// What is not known is nil, missing or, where zero cannot be, zero; no rule
// fires on it.
type Facts struct {
	System survey.System
	// Space has counters that moved by so much in the Window.
	Space survey.Space
	// Window is the time over which the counters moved, 0 for since they began:
	// at boot, or when the namespace was made.
	Window time.Duration
	// Listener is the one that a rule about listeners looks at.
	Listener *sockets.ListenerQueue
	// Event is what the kernel's log says of one thing, for the rule about that.
	Event *survey.LogEvent
	// Tally is what a trace counted of one cause, for the rules about that.
	Tally *Tally

	// totals are the counters since they began where those of Space are of a window.
	totals nstat.Values
}

// FactsOf are the facts of a snapshot, a namespace each. With an earlier snapshot
// the counters are what moved in between.
func FactsOf(now, before *survey.Snapshot) []Facts {
	var all []Facts
	for _, space := range now.Spaces {
		f := Facts{System: now.System, Space: space}
		if before != nil {
			f.Window = now.Time.Sub(before.Time)
			f.since(before)
		}
		all = append(all, f)
	}
	return all
}

// since takes off what had been counted before.
func (f *Facts) since(before *survey.Snapshot) {
	for _, old := range before.Spaces {
		if old.Netns.Differs(f.Space.Netns) || old.Netns.Cookie == 0 && fell(f.Space.Counters, old.Counters) {
			continue // another namespace has the number now, and counts from zero
		}
		f.totals = f.Space.Counters
		f.Space.Counters = moved(f.Space.Counters, old.Counters)
		f.Space.Listeners = movedListeners(f.Space.Listeners, old.Listeners)
		f.Space.Interfaces = nstat.InterfacesSince(f.Space.Interfaces, old.Interfaces)
		f.Space.Firewall = f.Space.Firewall.Since(old.Firewall)
	}
	if now := f.System.Softnet; now != nil {
		f.System.Softnet = now.Since(before.System.Softnet)
	}
}

// gauges are no counters, and stay as they are.
var gauges = map[string]bool{"TcpCurrEstab": true, "Neighbourentries": true, "Neighbour6entries": true, ipForwarding: true}

func moved(now, before nstat.Values) nstat.Values {
	delta := nstat.Values{}
	for name, v := range now {
		if !gauges[name] {
			v = nstat.Delta(v, before[name])
		}
		delta[name] = v
	}
	return delta
}

func fell(now, before nstat.Values) bool {
	now = maps.Clone(now)
	maps.DeleteFunc(now, func(name string, _ uint64) bool { return gauges[name] })
	return nstat.Fell(now, before)
}

func movedListeners(now, before []sockets.ListenerQueue) []sockets.ListenerQueue {
	delta := make([]sockets.ListenerQueue, len(now))
	for i, l := range now {
		delta[i] = l
		for _, old := range before {
			if l.Same(&old) && l.Drops != nil && old.Drops != nil && *l.Drops >= *old.Drops {
				n := *l.Drops - *old.Drops
				delta[i].Drops = &n
			}
		}
	}
	return delta
}

// number is the value of a sysctl that is one number.
func (f *Facts) number(sysctl string) (uint64, bool) {
	n, err := strconv.ParseUint(f.Space.Sysctls[sysctl], 10, 64)
	return n, err == nil
}

// third is the last number of a sysctl that is a minimum, a default and a maximum.
func (f *Facts) third(sysctl string) (uint64, bool) {
	fields := strings.Fields(f.Space.Sysctls[sysctl])
	if len(fields) != 3 {
		return 0, false
	}
	n, err := strconv.ParseUint(fields[2], 10, 64)
	return n, err == nil
}

// is says whether a sysctl is known and is n.
func (f *Facts) is(sysctl string, n uint64) bool {
	v, ok := f.number(sysctl)
	return ok && v == n
}

// sum adds up counters; those that are unknown count for nothing.
func (f *Facts) sum(names ...string) uint64 {
	var n uint64
	for _, name := range names {
		n += f.Space.Counters[name]
	}
	return n
}

// inForce is a sysctl as evidence, with the line of a file that sets it.
func (f *Facts) inForce(sysctl string) []Evidence {
	v, ok := f.Space.Sysctls[sysctl]
	if !ok {
		return nil
	}
	e := Evidence{What: sysctl, Value: v}
	if a, set := f.System.Files.Setting(sysctl); set && f.hasFiles() {
		e.Where = place(a)
		if a.Value != v {
			e.Where += " says " + a.Value
		}
	}
	return []Evidence{e}
}

func place(a survey.Assignment) string { return fmt.Sprintf("%s:%d", a.File, a.Line) }

// counted are counters as evidence: those that moved.
func (f *Facts) counted(names ...string) []Evidence {
	var found []Evidence
	for _, name := range names {
		if n := f.Space.Counters[name]; n > 0 {
			found = append(found, Evidence{What: name, Value: fmt.Sprint(n), Where: f.when()})
		}
	}
	return found
}

// when says over which time the counters moved.
func (f *Facts) when() string {
	switch {
	case f.Window > 0:
		return "in the last " + f.Window.Round(100*time.Millisecond).String()
	case !f.fromBoot():
		return "since the namespace was made"
	case f.System.Uptime > 0:
		return "in " + span(f.System.Uptime) + " since boot"
	}
	return "since boot"
}

// fromBoot says whether the namespace is as old as the machine. Only the first
// has the sysctls of the whole machine (net/core/sysctl_net_core.c:net_core_table).
func (f *Facts) fromBoot() bool {
	_, first := f.Space.Sysctls[maxBacklog]
	return f.System.Saved && f.Space.Own || first
}

// span is a long time, roughly.
func span(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", d/time.Hour)
	}
	return d.Round(time.Second).String()
}

// share says what part of the memory some bytes are.
func (f *Facts) share(n uint64) string {
	if f.System.Memory == 0 {
		return bytes(n)
	}
	percent := float64(n) * 100 / float64(f.System.Memory)
	text := fmt.Sprintf("%.1f %%", percent)
	if percent < 0.1 {
		text = "less than 0.1 %"
	}
	return fmt.Sprintf("%s, %s of this machine's %s", bytes(n), text, bytes(f.System.Memory))
}

func bytes(n uint64) string {
	v, unit := float64(n), "bytes"
	for _, next := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if v < 1024 {
			break
		}
		v, unit = v/1024, next
	}
	if v == math.Trunc(v) || v >= 100 {
		return fmt.Sprintf("%.0f %s", v, unit)
	}
	return fmt.Sprintf("%.1f %s", v, unit)
}

// powerAbove is the least power of two that is not below n.
func powerAbove(n uint64) uint64 {
	p := uint64(1)
	for p < n && p < 1<<62 {
		p <<= 1
	}
	return p
}
