// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/synwatch/synwatch/pkg/event"
	"golang.org/x/sys/unix"
)

// onTheWay are drops by the same cause of what takes different ways, and is not all TCP.
func onTheWay() *fake {
	f := newFake()
	e := f.events[0]
	e.Facts, e.Reason, e.Count = 0, "NETFILTER_DROP", 1
	e.Location = "nft_do_chain"
	f.cov.Reasons[e.Reason] = true
	f.events = nil
	for i, d := range []event.Direction{event.In, event.Unrouted, event.Unrouted, event.Forward, event.Out} {
		e.Direction, e.Src = d, netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 9, 0, byte(i)}), 1000)
		if i >= 2 {
			e.Dst = netip.MustParseAddrPort("10.8.0.2:443")
		}
		f.events = append(f.events, e)
	}
	e.Proto, e.Facts, e.Src = unix.IPPROTO_UDP, event.OtherProtocol, netip.MustParseAddrPort("10.9.0.9:1000")
	f.events = append(f.events, e)
	return f
}

func TestDirectionsAndProtocolsOfATrace(t *testing.T) {
	for args, want := range map[string]string{
		"":                               "10.9.0.0 10.9.0.1 10.9.0.2 10.9.0.3 10.9.0.4",
		"--direction in":                 "10.9.0.0 10.9.0.1",
		"--direction forward":            "10.9.0.2 10.9.0.3",
		"--direction out,in":             "10.9.0.0 10.9.0.1 10.9.0.4",
		"--proto udp":                    "10.9.0.9",
		"--proto all --direction out":    "10.9.0.4 10.9.0.9",
		"--proto all,tcp":                "10.9.0.0 10.9.0.1 10.9.0.2 10.9.0.3 10.9.0.4 10.9.0.9",
		"--proto tcp --direction=in,out": "10.9.0.0 10.9.0.1 10.9.0.4",
	} {
		got := command(t, onTheWay(), strings.Fields("trace --duration 1s --color never "+args)...)
		var sources []string
		for line := range strings.Lines(got.stdout) {
			for field := range strings.FieldsSeq(line) {
				if a, err := netip.ParseAddrPort(field); err == nil && a.Port() == 1000 {
					sources = append(sources, a.Addr().String())
				}
			}
		}
		total := fmt.Sprintf("%d drop", len(sources))
		if strings.Join(sources, " ") != want || !strings.Contains(got.stdout, total) || got.status != exitFine {
			t.Errorf("%s: status %d, %v, want %s\n%s", args, got.status, sources, want, got.stdout)
		}
	}
}
