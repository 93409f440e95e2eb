// SPDX-License-Identifier: Apache-2.0

package conntrack

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

const savedTable = `ipv4     2 tcp      6 431999 ESTABLISHED src=192.0.2.1 dst=10.0.0.1 sport=4 dport=80 src=10.0.0.1 dst=192.0.2.1 sport=80 dport=4 [ASSURED] mark=0 zone=7 use=2
ipv4     2 tcp      6 10 SYN_SENT src=192.0.2.1 dst=10.0.0.1 sport=5 dport=80 [UNREPLIED] src=10.0.0.1 dst=192.0.2.1 sport=80 dport=5 mark=0 use=2
ipv6     10 udp      17 10 src=2001:db8::1 dst=2001:db8::2 sport=5 dport=53 [UNREPLIED] src=2001:db8::2 dst=2001:db8::1 sport=53 dport=5 mark=0 use=1
ipv4     2 tcp      6 src=192.0.2.3 dst=10.0.0.1 sport=6 dport=80 src=10.0.0.1 dst=192.0.2.3 sport=80 dport=6 [OFFLOAD] mark=0 use=3
tcp      6 300 ESTABLISHED src=192.0.2.4 dst=10.0.0.1 sport=7 dport=443 src=10.0.0.1 dst=192.0.2.4 sport=443 dport=7 [ASSURED] mark=0 use=1
icmp     1 29 src=192.0.2.5 dst=10.0.0.1 type=8 code=0 id=7 src=10.0.0.1 dst=192.0.2.5 type=0 code=0 id=7 mark=0 use=1
no entry
ipv4     2 tcp      x 10 SYN_SENT src=192.0.2.1 dst=10.0.0.1
ipv4     2 tcp      6 10 SYN_SENT src=192.0.2.1 dst=2001:db8::1
 src=
`

func TestReadText(t *testing.T) {
	var got []Entry
	if err := ReadText(strings.NewReader(savedTable), func(e *Entry) { got = append(got, *e) }); err != nil {
		t.Fatal(err)
	}
	a := netip.MustParseAddr
	const replied, assured = statusSeenReply, statusSeenReply | statusAssured
	want := []Entry{
		{Src: a("192.0.2.1"), Dst: a("10.0.0.1"), SrcPort: 4, DstPort: 80, Zone: 7, Proto: unix.IPPROTO_TCP, State: nl.TCP_CONNTRACK_ESTABLISHED, Status: assured, Timeout: 431999, HasTimeout: true},
		{Src: a("192.0.2.1"), Dst: a("10.0.0.1"), SrcPort: 5, DstPort: 80, Proto: unix.IPPROTO_TCP, State: nl.TCP_CONNTRACK_SYN_SENT, Timeout: 10, HasTimeout: true},
		{Src: a("2001:db8::1"), Dst: a("2001:db8::2"), SrcPort: 5, DstPort: 53, Proto: unix.IPPROTO_UDP, Timeout: 10, HasTimeout: true},
		{Src: a("192.0.2.3"), Dst: a("10.0.0.1"), SrcPort: 6, DstPort: 80, Proto: unix.IPPROTO_TCP, Status: replied | statusOffload},
		{Src: a("192.0.2.4"), Dst: a("10.0.0.1"), SrcPort: 7, DstPort: 443, Proto: unix.IPPROTO_TCP, State: nl.TCP_CONNTRACK_ESTABLISHED, Status: assured, Timeout: 300, HasTimeout: true},
		{Src: a("192.0.2.5"), Dst: a("10.0.0.1"), Proto: unix.IPPROTO_ICMP, Status: replied, Timeout: 29, HasTimeout: true},
	}
	if diff := cmp.Diff(want, got, addrs); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzReadText(f *testing.F) {
	for line := range strings.Lines(savedTable) {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_ = ReadText(strings.NewReader(text), func(e *Entry) {
			if !e.Src.IsValid() || e.Src.Is4() != e.Dst.Is4() {
				t.Errorf("%+v", e)
			}
		})
	})
}
