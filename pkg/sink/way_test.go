// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"net/netip"

	"github.com/synwatch/synwatch/pkg/enrich"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/proc"
	"github.com/synwatch/synwatch/pkg/stream"
	"golang.org/x/sys/unix"
)

// onTheWay are records of what was not for this host, and not TCP.
func onTheWay() []stream.Record {
	const container = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
	port := netip.MustParseAddrPort
	pod := &enrich.Target{Netns: netns.ID{Inode: home + 3}, Name: "web", Container: container}
	return []stream.Record{
		record("netfilter-drop", "", func(r *stream.Record) {
			r.Direction, r.Dst = event.Forward, port("10.88.0.2:80")
			r.Evidence = &event.Evidence{Path: &event.Path{MTU: 1500, Size: 60}, OrigDst: port("10.0.0.1:8080"), Netfilter: &event.Netfilter{Family: "inet", Hook: "forward", Table: "policy", Chain: "forward"}}
			r.Target, r.Listener = pod, &enrich.Listener{Port: 80, Process: proc.Process{PID: 812, Comm: "nginx", Container: container}}
			r.Interface, r.OutInterface = "eth0", "cni0"
		}),
		record("conntrack-clash", "", func(r *stream.Record) {
			r.Direction, r.Proto, r.Dst = event.Forward, unix.IPPROTO_UDP, port("10.88.0.3:53")
			r.Target = &enrich.Target{Netns: netns.ID{Inode: home + 5}, Name: "fedcba987654 (coredns)", Container: container}
			r.Evidence = &event.Evidence{SourceNAT: &event.SourceNAT{Chosen: port("192.0.2.1:1024"), First: port("192.0.2.1:1024"), Last: port("192.0.2.1:65535")}}
		}),
		record("conntrack-table-full", "", func(r *stream.Record) {
			r.Direction, r.Proto = event.In, unix.IPPROTO_ICMP
			r.Src, r.Dst = port("10.9.0.5:0"), port("10.0.0.1:0")
		}),
		record("conntrack-table-full", "", func(r *stream.Record) {
			r.Direction, r.Src, r.Dst = event.Out, port("10.0.0.1:40000"), port("10.88.0.2:80")
			r.Evidence = &event.Evidence{Process: &event.Process{PID: 4711, Comm: "curl"}, OutIfindex: 3}
			r.Sender = &proc.Process{PID: 4711, Comm: "curl", Unit: "backup.service"}
			r.Target, r.Listener = &enrich.Target{Netns: netns.ID{Inode: home + 4}}, &enrich.Listener{Port: 80, Process: proc.Process{PID: 812, Comm: "nginx"}}
		}),
		record("no-route", "connect", func(r *stream.Record) {
			r.Direction, r.Src, r.Dst = event.Out, netip.AddrPort{}, port("192.0.2.7:443")
			r.Evidence = &event.Evidence{Process: &event.Process{PID: 4711, Comm: "curl"}}
		}),
		record("packet-too-big", "", func(r *stream.Record) {
			r.Direction, r.Dst = event.Forward, port("[fd00::2]:443")
			r.Src = port("[2001:db8::1]:50000")
			r.Evidence, r.OutInterface = &event.Evidence{Path: &event.Path{MTU: 1400, Size: 1500}}, "wg0"
		}),
		record("reverse-path-filter", "", func(r *stream.Record) { r.Direction, r.Interface = "", "eth1" }),
	}
}
