// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"cmp"
	"fmt"
	"net/netip"
	"strings"

	"github.com/synwatch/synwatch/pkg/event"
)

// Difference is something that was not reported as often as it was provoked.
type Difference[K comparable] struct {
	Key                K
	Provoked, Reported uint64
}

func (d Difference[K]) String() string {
	return fmt.Sprintf("%v: %d provoked, %d traced", d.Key, d.Provoked, d.Reported)
}

// Compare returns what was not reported as often as it was provoked, in no
// particular order.
func Compare[K comparable](provoked, reported map[K]uint64) []Difference[K] {
	var differences []Difference[K]
	for key, n := range provoked {
		if reported[key] != n {
			differences = append(differences, Difference[K]{key, n, reported[key]})
		}
	}
	for key, n := range reported {
		if _, ok := provoked[key]; !ok && n != 0 {
			differences = append(differences, Difference[K]{key, 0, n})
		}
	}
	return differences
}

// Tally counts drops that are equal in all but their count and namespace. Only
// cause "other" has its reason there, and every drop its direction and protocol.
type Tally map[Drop]uint64

// TallyOf adds up drops.
func TallyOf(drops []Drop) Tally {
	t := Tally{}
	for _, d := range drops {
		t.Add(d)
	}
	return t
}

// Add adds a drop as often as it counts.
func (t Tally) Add(d Drop) {
	n := d.Count
	d.Count, d.Netns = 0, 0
	d.Direction, d.Proto = cmp.Or(d.Direction, event.In), cmp.Or(d.Proto, event.TCP)
	if d.Cause != "other" {
		d.Reason = ""
	}
	t[d] += n
}

// WithTargetsOf names in drops that do not name it the namespace that has their
// destination, as what was provoked says: it takes a while to find among hundreds, or is
// gone when it is looked for. Another one stays, and is a difference.
func (t Tally) WithTargetsOf(provoked []Drop) Tally {
	targets := map[netip.AddrPort]uint32{}
	for _, d := range provoked {
		targets[d.Dst] = d.Target
	}
	named := Tally{}
	for d, n := range t {
		d.Target = cmp.Or(d.Target, targets[d.Dst])
		named[d] += n
	}
	return named
}

// String names the cause and the way of the packet: "accept-queue-full/syn from
// 10.9.0.1 to 10.0.0.1:443", and behind it in brackets what is not so of most drops:
// "(forward, udp, addressed to 10.0.0.1:53, for network namespace 4026532000)".
func (d Drop) String() string {
	name := strings.Join(strings.Fields(strings.TrimSuffix(d.Cause+"/"+d.Stage, "/")+" "+d.Reason), " ")
	name = fmt.Sprintf("%s from %s to %s", name, d.Src, d.Dst)
	if special := d.special(); special != nil {
		name += " (" + strings.Join(special, ", ") + ")"
	}
	return name
}

func (d Drop) special() (all []string) {
	if d.Direction != "" && d.Direction != event.In {
		all = append(all, string(d.Direction))
	}
	if d.Proto != 0 && d.Proto != event.TCP {
		all = append(all, d.Proto.String())
	}
	if d.OrigDst.IsValid() {
		all = append(all, "addressed to "+d.OrigDst.String())
	}
	if d.Target != 0 {
		all = append(all, fmt.Sprintf("for network namespace %d", d.Target))
	}
	return all
}
