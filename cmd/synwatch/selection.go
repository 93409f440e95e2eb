// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/spf13/cobra"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/filter"
	"github.com/synwatch/synwatch/pkg/netns"
)

// addSelectionFlags adds the flags of trace and top that say what is traced.
func addSelectionFlags(cmd *cobra.Command, o *traceOptions) {
	f := cmd.Flags()
	f.Var(listOf(&o.causes, "CAUSE", parseCause), "cause", "record only these causes, by ID (repeatable, or with commas)")
	f.Var(listOf(&o.probe.Filter.Src, "CIDR", filter.ParsePrefix), "src", "count only drops of packets from these addresses, before any NAT, and of replies to them (repeatable)")
	f.Var(listOf(&o.probe.Filter.Dst, "CIDR", filter.ParsePrefix), "dst", "count only drops of packets to these addresses, after any NAT, and of replies from them (repeatable)")
	f.Var(listOf(&o.probe.Filter.Ports, "N", filter.ParsePort), "port", "count only drops of packets to these ports, after any NAT, and of replies from them (repeatable)")
	f.Var(listOf(&o.probe.Filter.Directions, "WAY", event.ParseDirection), "direction", "count only drops of packets on this way: in (to this host, and its replies), forward (through it) or out (of it, other than replies) (repeatable)")
	f.Var(&o.protos, "proto", "record only these protocols, of every cause: by name, number, or all (repeatable; default tcp, and every protocol for conntrack-*)")
	f.Var(listOf(&o.probe.Filter.Netns, "NETNS", netns.Resolve), "netns", "count only drops in these network namespaces, by ip-netns name, path, process ID or inode number (repeatable)")
	f.Var(valueOf(&o.duration, "TIME", parseDuration), "duration", "end after this time, e.g. 30s or 10m")
}
