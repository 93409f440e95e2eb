// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/synwatch/synwatch/pkg/event"
)

func TestCompare(t *testing.T) {
	from := func(last byte, n uint64) Drop {
		return Drop{
			Cause: "accept-queue-full", Stage: "syn", Src: netip.AddrFrom4([4]byte{10, 9, 0, last}),
			Dst: netip.MustParseAddrPort("10.0.0.1:443"), Count: n, Netns: uint32(n),
		}
	}
	refused := from(5, 1)
	refused.Cause, refused.Stage, refused.Reason = "other", "", "XFRM_POLICY"
	provoked := TallyOf([]Drop{from(1, 2), from(1, 3), from(2, 4), from(3, 1), refused})
	refused.Reason = "TCP_FLAGS"
	reported := TallyOf([]Drop{from(1, 5), from(2, 5), from(4, 1), from(6, 0), refused})
	var got []string
	for _, d := range Compare(provoked, reported) {
		got = append(got, d.String())
	}
	slices.Sort(got)
	want := []string{
		"accept-queue-full/syn from 10.9.0.2 to 10.0.0.1:443: 4 provoked, 5 traced",
		"accept-queue-full/syn from 10.9.0.3 to 10.0.0.1:443: 1 provoked, 0 traced",
		"accept-queue-full/syn from 10.9.0.4 to 10.0.0.1:443: 0 provoked, 1 traced",
		"other TCP_FLAGS from 10.9.0.5 to 10.0.0.1:443: 0 provoked, 1 traced",
		"other XFRM_POLICY from 10.9.0.5 to 10.0.0.1:443: 1 provoked, 0 traced",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestCompareWays: drops are equal only if all of their way is, and what goes without
// saying is said or not.
func TestCompareWays(t *testing.T) {
	plain := Drop{Cause: "netfilter-drop", Src: netip.MustParseAddr("10.9.0.1"), Dst: netip.MustParseAddrPort("10.1.0.2:80"), Count: 1}
	spelled, forwarded := plain, plain
	spelled.Direction, spelled.Proto = event.In, event.TCP
	if d := Compare(TallyOf([]Drop{plain}), TallyOf([]Drop{spelled})); d != nil {
		t.Errorf("in and TCP do not go without saying: %v", d)
	}
	forwarded.Direction, forwarded.Proto = event.Forward, 17
	forwarded.OrigDst, forwarded.Target = netip.MustParseAddrPort("10.0.0.1:8080"), 7
	for name, change := range map[string]func(*Drop){
		"direction":   func(d *Drop) { d.Direction = event.Out },
		"protocol":    func(d *Drop) { d.Proto = 6 },
		"destination": func(d *Drop) { d.OrigDst = netip.AddrPort{} },
		"target":      func(d *Drop) { d.Target = 0 },
	} {
		other := forwarded
		change(&other)
		if d := Compare(TallyOf([]Drop{forwarded}), TallyOf([]Drop{other})); len(d) != 2 {
			t.Errorf("another %s makes no difference: %v", name, d)
		}
	}
	for target, differences := range map[uint32]int{0: 0, 7: 0, 8: 2} {
		named := forwarded
		named.Target = target
		traced := TallyOf([]Drop{named}).WithTargetsOf([]Drop{forwarded})
		if d := Compare(TallyOf([]Drop{forwarded}), traced); len(d) != differences {
			t.Errorf("target %d of a record: %v, want %d differences", target, d, differences)
		}
	}
	want := "netfilter-drop from 10.9.0.1 to 10.1.0.2:80 (forward, udp, addressed to 10.0.0.1:8080, for network namespace 7)"
	if got := forwarded.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
