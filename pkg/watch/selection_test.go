// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/synwatch/synwatch/pkg/event"
	"golang.org/x/sys/unix"
)

const udp, icmp event.Proto = unix.IPPROTO_UDP, unix.IPPROTO_ICMP

// ofProto makes an event one of a protocol.
func ofProto(e event.Event, p event.Proto) event.Event {
	e.Proto = p
	if p != event.TCP {
		e.Facts |= event.OtherProtocol
	}
	return e
}

// tracked is a packet that met a full connection tracking table.
func tracked(p event.Proto) event.Event {
	e := drop("10.9.0.5:1", 1)
	e.Facts, e.Reason = event.ConntrackFull, ""
	return ofProto(e, p)
}

// filtered is a packet that a rule dropped, which no counter counts; refused is one that
// the reverse-path filter did, which one counts.
func filtered(p event.Proto) event.Event {
	e := drop("10.9.0.6:1", 1)
	e.Facts, e.Reason, e.Location = 0, "NETFILTER_DROP", "nft_do_chain"
	return ofProto(e, p)
}

func refused(p event.Proto) event.Event {
	e := drop("10.9.0.7:1", 1)
	e.Facts, e.Reason = event.ReversePath, ""
	return ofProto(e, p)
}

func TestProtocolsThatAreRecorded(t *testing.T) {
	unknown := filtered(udp)
	unknown.Proto = 0
	events := []event.Event{
		tracked(event.TCP), tracked(udp), tracked(icmp), filtered(event.TCP), filtered(udp), refused(event.TCP), refused(udp), unknown,
	}
	for name, test := range map[string]struct {
		protos  []event.Proto
		all     bool
		want    []string
		ignored []int
	}{
		"as it is": {nil, false, []string{
			"conntrack-table-full tcp", "conntrack-table-full udp", "conntrack-table-full icmp", "netfilter-drop tcp", "reverse-path-filter tcp",
		}, []int{4, 7}},
		"tcp": {[]event.Proto{event.TCP}, false, []string{
			"conntrack-table-full tcp", "netfilter-drop tcp", "reverse-path-filter tcp",
		}, []int{4, 7}},
		// The kind of a UDP packet is that of other protocols, too.
		"icmp": {[]event.Proto{icmp}, false, []string{"conntrack-table-full icmp"}, nil},
		"udp":  {[]event.Proto{udp}, false, []string{"conntrack-table-full udp", "netfilter-drop udp", "reverse-path-filter udp"}, nil},
		"all": {nil, true, []string{
			"conntrack-table-full tcp", "conntrack-table-full udp", "conntrack-table-full icmp", "netfilter-drop tcp", "netfilter-drop udp",
			"reverse-path-filter tcp", "reverse-path-filter udp", "netfilter-drop 0",
		}, nil},
	} {
		f := newFake(step{count: map[string]uint64{"Conntrackdrop": 3, "TcpExtIPReversePathFilter": 2}, events: slices.Clone(events)})
		b := run(t, f, func(c *Config) { c.Protos, c.AllProtos = test.protos, test.all })
		var got []string
		for _, r := range b.records {
			got = append(got, fmt.Sprint(r.Cause, " ", r.Proto))
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if !slices.Equal(f.ignored, test.ignored) || b.summary.Drops != uint64(len(test.want)) {
			t.Errorf("%s: ignored %v, want %v; %d drops", name, f.ignored, test.ignored, b.summary.Drops)
		}
		for _, r := range b.summary.Reconcile {
			if r.Kernel != r.Attributed {
				t.Errorf("%s: %+v", name, r)
			}
		}
	}
}

// A kind of packets of which those of IPv6 move a counter is not one to ignore.
func TestAKindThatIsCountedForIPv6IsNotIgnored(t *testing.T) {
	e := drop("10.9.0.5:1", 1)
	e.Facts, e.Reason, e.Location = event.ForwardingOff, "NOT_SPECIFIED", "ip_error"
	e = ofProto(e, udp)
	f := newFake(step{events: []event.Event{e}})
	b := run(t, f, nil)
	if len(b.records) != 0 || len(f.ignored) != 0 {
		t.Errorf("%+v, ignored %v", b.records, f.ignored)
	}
}
