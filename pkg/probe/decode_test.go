// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sys/unix"

	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/netns"
)

func someKey() bpfKey {
	return bpfKey{
		Src:   netip.MustParseAddr("10.9.0.5").As16(),
		Dst:   netip.MustParseAddr("fd00::1").As16(),
		Facts: uint64(event.ListenOverflow | event.ListenDrop),
		Netns: 4026531840, NetnsCookie: 7,
		Reason:  3,
		DstPort: 443,
		Hook:    1, // HOOK_CONN_REQUEST

		Direction: 1, // DIRECTION_FORWARD
		Proto:     unix.IPPROTO_TCP,
	}
}

func TestDecodeEvent(t *testing.T) {
	d := decoder{reasons: map[uint32]string{3: "NO_SOCKET"}, boot: time.Unix(1000, 0)}
	key := someKey()
	want := event.Event{
		Time:   time.Unix(1002, 0),
		Hook:   event.HookConnRequest,
		Facts:  event.ListenOverflow | event.ListenDrop,
		Reason: "NO_SOCKET",

		Direction: event.Forward,
		Proto:     event.TCP,

		Src:   netip.MustParseAddrPort("10.9.0.5:20005"),
		Dst:   netip.MustParseAddrPort("[fd00::1]:443"),
		Netns: netns.ID{Cookie: 7, Inode: 4026531840},
	}
	got := d.event(&key, uint64(2*time.Second), 20005)
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.AddrPort{})); diff != "" {
		t.Error(diff)
	}
}

func TestReasonUnknown(t *testing.T) {
	d := decoder{reasons: map[uint32]string{3: "NO_SOCKET"}}
	for n, want := range map[uint32]string{0: "", 3: "NO_SOCKET", 0x30001: "196609"} {
		if got := d.reason(n); got != want {
			t.Errorf("reason %d is %q, want %q", n, got, want)
		}
	}
}

// FuzzDecodeDetail feeds what a torn or foreign sample might hold.
func FuzzDecodeDetail(f *testing.F) {
	whole, err := binary.Append(nil, binary.NativeEndian, &bpfDetail{Key: someKey(), SrcPort: 7})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)-1])
	f.Fuzz(func(t *testing.T, sample []byte) {
		detail, err := decodeDetail(sample)
		if (err == nil) != (len(sample) >= len(whole)) {
			t.Fatalf("%d bytes: %v", len(sample), err)
		}
		if err != nil {
			return
		}
		e := (&decoder{}).event(&detail.Key, detail.Time, detail.SrcPort)
		if e.Src.Port() != detail.SrcPort || !e.Dst.IsValid() {
			t.Fatalf("%+v became %+v", detail, e)
		}
	})
}

func TestDecodeNetfilter(t *testing.T) {
	name := func(s string) (room [32]int8) {
		for i := range min(len(s), len(room)) {
			room[i] = int8(s[i])
		}
		return room
	}
	long := strings.Repeat("x", 40)
	for _, tt := range []struct {
		name   string
		detail bpfDetail
		want   *event.Netfilter
	}{
		{"none", bpfDetail{}, nil},
		{"nft", chainDetail(name("fw"), name("drops"), unix.NFPROTO_INET, unix.NFPROTO_IPV4, unix.NF_INET_LOCAL_IN),
			&event.Netfilter{Family: "inet", Hook: "input", Table: "fw", Chain: "drops"}},
		{"netdev", chainDetail(name("fw"), name("early"), unix.NFPROTO_NETDEV, unix.NFPROTO_NETDEV, 0),
			&event.Netfilter{Family: "netdev", Hook: "ingress", Table: "fw", Chain: "early"}},
		{"iptables", chainDetail(name("raw"), name(""), unix.NFPROTO_IPV6, unix.NFPROTO_IPV6, unix.NF_INET_PRE_ROUTING),
			&event.Netfilter{Family: "ip6", Hook: "prerouting", Table: "raw", Chain: "PREROUTING"}},
		{"hook only", chainDetail(name(""), name(""), unix.NFPROTO_IPV4, unix.NFPROTO_IPV4, unix.NF_INET_LOCAL_OUT),
			&event.Netfilter{Family: "ip", Hook: "output"}},
		{"cut, and a hook to come", chainDetail(name(long), name("c"), unix.NFPROTO_INET, unix.NFPROTO_IPV4, 77),
			&event.Netfilter{Family: "inet", Table: long[:32] + "…", Chain: "c"}},
	} {
		if diff := cmp.Diff(tt.want, netfilter(&tt.detail)); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

func chainDetail(table, chain [32]int8, family, pf, hook uint8) bpfDetail {
	var d bpfDetail
	d.Chain.Table, d.Chain.Name = table, chain
	d.Chain.Family, d.Chain.Pf, d.Chain.Hook, d.Chain.Known = family, pf, hook, 1
	return d
}

func TestDecodeEvidence(t *testing.T) {
	d := bpfDetail{OutIfindex: 9, HasOrigDst: 1}
	d.Path.Known, d.Path.Mtu, d.Path.Size = 1, 1400, 1500
	d.Process.Pid = 7
	copy(d.Process.Comm[:], []int8{'n', 'c'})
	d.OrigDst.Addr, d.OrigDst.Port = netip.MustParseAddr("10.0.0.1").As16(), 80
	d.SourceNat.Known, d.SourceNat.Ranged = 1, 1
	d.SourceNat.Chosen.Addr, d.SourceNat.Chosen.Port = netip.MustParseAddr("192.0.2.1").As16(), 5000
	d.SourceNat.First, d.SourceNat.Last = d.SourceNat.Chosen, d.SourceNat.Chosen
	chosen := netip.MustParseAddrPort("192.0.2.1:5000")
	want := &event.Evidence{
		Path:       &event.Path{MTU: 1400, Size: 1500},
		SourceNAT:  &event.SourceNAT{Chosen: chosen, First: chosen, Last: chosen},
		Process:    &event.Process{PID: 7, Comm: "nc"},
		OrigDst:    netip.MustParseAddrPort("10.0.0.1:80"),
		OutIfindex: 9,
	}
	if diff := cmp.Diff(want, evidence(&d), cmpopts.EquateComparable(netip.AddrPort{})); diff != "" {
		t.Error(diff)
	}
	if got := evidence(&bpfDetail{}); got.Path != nil || got.SourceNAT != nil || got.Process != nil || got.OrigDst.IsValid() {
		t.Errorf("nothing became %+v", got)
	}
}
