// SPDX-License-Identifier: Apache-2.0

package flood

import (
	"encoding/binary"
	"maps"
	"net/netip"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/synwatch/synwatch/pkg/needs"
	"github.com/synwatch/synwatch/pkg/provoke"
)

// TestXDP runs the XDP program on one frame at a time, also on frames that it has
// written before, verifies all checksums with gopacket, and compares the sources with
// those that Mix computes.
func TestXDP(t *testing.T) {
	for _, m := range []Mix{
		{Sources: 1}, {Sources: 16}, {Sources: 65536}, {Sources: 1 << 20},
		{Sources: 16, Seed: 7}, {Sources: 16, Churn: 3}, {Sources: 1 << 20, Churn: 1},
	} {
		s := newTestSender(t, m)
		seen := map[netip.Addr]uint64{}
		frame := s.frame
		const frames = 1000
		for want := range m.numbers(frames) {
			frame = runXDP(t, s, frame)
			src := checkFrame(t, frame)
			if n := number(src); n != want {
				t.Fatalf("%+v: source %s is number %d, want %d", m, src, n, want)
			}
			seen[src]++
		}
		// 1000 of 2^16 at random meet 992 different ones on average.
		if want := min(int(m.Sources), 900); len(seen) < want {
			t.Errorf("%d sources of %d in %d frames, want %d", len(seen), m.Sources, frames, want)
		}
		if counts, err := s.Counts(); err != nil || !maps.Equal(counts, seen) {
			t.Errorf("%+v: %d packets should come from %v (%v), and came from %v", m, frames, counts, err, seen)
		}
	}
}

// TestXDPLimit demands that the program drops frames beyond the limit.
func TestXDPLimit(t *testing.T) {
	s := newTestSender(t, Mix{Sources: 1})
	if err := s.limit(0); err != nil {
		t.Fatal(err)
	}
	const drop = 1 // XDP_DROP
	if got, _, err := s.lab.program.Test(s.frame); err != nil || got != drop {
		t.Errorf("the program returned %d (%v), want %d", got, err, drop)
	}
}

func newTestSender(t *testing.T, m Mix) *Sender {
	t.Helper()
	needs.Root(t)
	f := &Lab{inlet: provoke.Inlet{MAC: []byte{2, 0, 0, 0, 0, 1}, Addr: netip.MustParseAddr("10.0.0.1")}}
	if err := f.load(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.unload(); err != nil {
			t.Error(err)
		}
	})
	s, err := f.NewSender(f.addr(443), m)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func runXDP(t *testing.T, s *Sender, frame []byte) []byte {
	t.Helper()
	if err := s.limit(1); err != nil {
		t.Fatal(err)
	}
	out := make([]byte, len(frame))
	const pass = 2 // XDP_PASS
	got, err := s.lab.program.Run(&ebpf.RunOptions{Data: frame, DataOut: out, Repeat: 1})
	if err != nil || got != pass {
		t.Fatalf("the program returned %d (%v), want %d", got, err, pass)
	}
	return out
}

// checkFrame verifies a frame and returns its source.
func checkFrame(t *testing.T, frame []byte) netip.Addr {
	t.Helper()
	pkt := gopacket.NewPacket(frame, layers.LayerTypeEthernet, gopacket.Default)
	ip, ok := pkt.NetworkLayer().(*layers.IPv4)
	if !ok {
		t.Fatalf("no IPv4 packet: % x", frame)
	}
	tcp, ok := pkt.TransportLayer().(*layers.TCP)
	if !ok || !tcp.SYN || tcp.DstPort != 443 || tcp.SrcPort < 1024 {
		t.Fatalf("no SYN to port 443: % x", frame)
	}
	if err := tcp.SetNetworkLayerForChecksum(ip); err != nil {
		t.Fatal(err)
	}
	if err, wrong := pkt.VerifyChecksums(); err != nil || len(wrong) > 0 {
		t.Fatalf("checksums of % x: %v %v", frame, wrong, err)
	}
	src, _ := netip.AddrFromSlice(ip.SrcIP)
	return src
}

// number is that of a source.
func number(a netip.Addr) uint32 {
	if !Sources.Contains(a) {
		return ^uint32(0)
	}
	first, this := Sources.Addr().As4(), a.As4()
	return binary.BigEndian.Uint32(this[:]) - binary.BigEndian.Uint32(first[:])
}
