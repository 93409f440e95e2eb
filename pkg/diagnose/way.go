// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/proc"
	"github.com/synwatch/synwatch/pkg/shell"
)

// passes says whether the packets of the busiest place were on their way through the
// machine, or out of it.
func (t *Tally) passes() bool { return t.Busiest.Direction == event.Forward || t.isOwn() }

// isOwn says whether they were this machine's own, and no replies.
func (t *Tally) isOwn() bool { return t.Busiest.Direction == event.Out }

// isIPv6 says whether those of the busiest place were of IPv6.
func (t *Tally) isIPv6() bool {
	if t.Busiest.Dst.IsValid() {
		return t.Busiest.Dst.Is6()
	}
	for src, n := range t.BySource {
		if src.Is6() && 2*n > t.Count {
			return true
		}
	}
	return false
}

func (p *Place) isTCP() bool { return p.Proto == 0 || p.Proto == event.TCP }

// address is where packets were going: 10.0.0.1:80, udp 10.0.0.1:53, or port 80 where
// that was this machine.
func (p *Place) address() string {
	var words []string
	if !p.isTCP() {
		words = append(words, p.Proto.String())
	}
	switch {
	case p.Dst.IsValid() && p.Port != 0:
		words = append(words, netip.AddrPortFrom(p.Dst, p.Port).String())
	case p.Dst.IsValid():
		words = append(words, p.Dst.String())
	case p.Port != 0:
		words = append(words, fmt.Sprintf("port %d", p.Port))
	default:
		words = append(words, "this machine")
	}
	return strings.Join(words, " ")
}

// String is the address with whose it is, where that is on this machine.
func (p *Place) String() string {
	if p.Target == nil {
		return p.address()
	}
	return p.address() + " in " + p.Target.String()
}

// String names the container, or else the namespace.
func (t *Target) String() string {
	switch {
	case t.Container != "":
		return "container " + proc.ShortID(t.Container)
	case t.NetnsName != "":
		return "network namespace " + t.NetnsName
	}
	return fmt.Sprintf("network namespace %d", t.Netns)
}

// origDst is what the client of the newest packet had addressed, before NAT, the zero
// AddrPort where that was the same.
func (t *Tally) origDst() netip.AddrPort {
	if t.Evidence == nil {
		return netip.AddrPort{}
	}
	return t.Evidence.OrigDst
}

// stage is the one that most of the busiest place had.
func (t *Tally) stage() string {
	most := ""
	for _, stage := range slices.Sorted(maps.Keys(t.ByStage)) {
		if t.ByStage[stage] > t.ByStage[most] {
			most = stage
		}
	}
	return most
}

// ofWhom names in a title where most of it is from.
func (t *Tally) ofWhom() string {
	if who := t.mostlyFrom(); who != "" && !t.isOwn() {
		return ", mostly of " + who
	}
	return ""
}

// severity is that of refused packets of which some come to every machine.
func (t *Tally) severity() Severity {
	if t.Count < least {
		return Note
	}
	return Warning
}

// ways are the directions in words.
var ways = []struct {
	direction event.Direction
	words     string
}{{event.Forward, "of what this machine forwards"}, {event.Out, "of this machine's own"}, {event.In, "of what was for this machine"}}

// wayEvidence is what a finding about packets on their way rests on.
func (t *Tally) wayEvidence() []Evidence {
	found := t.tallyEvidence()
	for _, way := range ways {
		if n := t.ByDirection[way.direction]; n > 0 {
			found = append(found, Evidence{What: way.words, Value: fmt.Sprint(n), Where: percent(n, t.Count)})
		}
	}
	if protocols := t.protocols(); protocols != "" {
		found = append(found, Evidence{What: "protocols", Value: protocols})
	}
	found = append(found, Evidence{What: "towards " + t.Busiest.String(), Value: fmt.Sprint(t.BusiestCount), Where: percent(t.BusiestCount, t.Count)})
	for _, e := range []Evidence{
		{What: "interface of the newest", Value: t.Answer.Interface},
		{What: "interface that it was to leave by", Value: t.OutInterface},
	} {
		// The route of what may not go on leads to lo (net/ipv4/route.c:ip_route_input_slow).
		if e.Value != "" && e.Value != "lo" {
			found = append(found, e)
		}
	}
	if orig := t.origDst(); orig.IsValid() {
		found = append(found, Evidence{What: "addressed, before NAT", Value: orig.String()})
	}
	if l := t.Answer.Listener; l != nil && t.Busiest.Target != nil && l.Label() != "" {
		found = append(found, Evidence{What: "listener there", Value: l.Label()})
	}
	if e := t.Evidence; e != nil && e.Process != nil && e.Process.Comm != "" {
		found = append(found, Evidence{What: "process of the newest", Value: fmt.Sprintf("%s[%d]", e.Process.Comm, e.Process.PID)})
	}
	return found
}

// protocols lists them with the most frequent first, unless all is TCP.
func (t *Tally) protocols() string {
	if len(t.ByProto) == 0 || len(t.ByProto) == 1 && t.ByProto[event.TCP] > 0 {
		return ""
	}
	protos := slices.SortedFunc(maps.Keys(t.ByProto), func(a, b event.Proto) int {
		return cmp.Or(cmp.Compare(t.ByProto[b], t.ByProto[a]), cmp.Compare(a, b))
	})
	var words []string
	for _, p := range protos {
		words = append(words, fmt.Sprintf("%s %d", p, t.ByProto[p]))
	}
	return strings.Join(words, ", ")
}

// lookAtSpace takes what the namespace of a trace says of itself now, and the machine's
// sysctl files.
func (f *Facts) lookAtSpace() (known bool) {
	s := f.Tally.Seen.Survey
	if s == nil || len(s.Spaces) == 0 {
		return false
	}
	now := &s.Spaces[0]
	f.System.Files, f.System.Container, f.System.Kernel = s.System.Files, s.System.Container, s.System.Kernel
	f.Space.Sysctls, f.Space.Interfaces, f.Space.Boots, f.totals = now.Sysctls, now.Interfaces, now.Boots, now.Counters
	f.Space.Firewall = now.Firewall
	if f.Space.Enter == nil {
		f.Space.Enter = now.Enter
	}
	return true
}

// look is a command that changes nothing, as it is run for the namespace. It is only
// text where it is not known how to get there.
func (f *Facts) look(what, why string, command ...string) Change {
	c := shell.New(command[0], command[1:]...)
	if !f.Space.Own && f.Space.Enter == nil {
		return do(fmt.Sprintf("%s, in its network namespace: %s", what, c), why)
	}
	return Change{Do: what, Command: f.inNetns(c), Why: why}
}
