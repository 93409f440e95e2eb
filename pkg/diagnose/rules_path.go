// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"

	"github.com/synwatch/synwatch/pkg/text"
)

const maxBacklog = "net.core.netdev_max_backlog"

var pathRules = []Rule{
	{
		ID: "netdev-backlog", Scope: Machine,
		When:  "a CPU's queue of net.core.netdev_max_backlog packets was full (/proc/net/softnet_stat)",
		Means: "packets of all connections were dropped and are sent again; a SYN only after a second",
		Find:  netdevBacklog,
	},
	{
		ID:    "reverse-path-filter",
		When:  "TcpExtIPReversePathFilter moved",
		Means: "clients whose packets arrive on another interface than the route back to them uses get no answer at all",
		Find:  reversePath,
	},
	{
		ID: "neighbour-table", Scope: Machine,
		When:  "a neighbour table overflowed, or holds nine tenths of gc_thresh3",
		Means: "clients on the same network, or all behind a router that has no entry, get no answer: the SYN-ACK cannot be sent",
		Find:  neighbourTable,
	},
	{
		ID: "neighbour-unresolved", Scope: Machine,
		When:  "packets were discarded while a neighbour's address was looked up",
		Means: "the SYN-ACK to a client that does not answer ARP or neighbour discovery, or not in time, was dropped: connect() hangs",
		Find:  neighbourUnresolved,
	},
}

func netdevBacklog(f *Facts) *Finding {
	s := f.System.Softnet
	if s == nil || s.Dropped == 0 {
		return nil
	}
	x := &Finding{Severity: Note, Title: "CPUs' queues of incoming packets were full"}
	if f.Window > 0 || s.Dropped >= least && s.Dropped >= s.Processed/(100*oneInSoMany) {
		x.Severity = Warning
	}
	x.Evidence = append([]Evidence{
		{What: "packets dropped", Value: fmt.Sprint(s.Dropped), Where: fmt.Sprintf("of %d, %s", s.Processed+s.Dropped, f.when())},
	}, append(f.droppingCPUs(), f.inForce(maxBacklog)...)...)
	x.Changes = []Change{do("spread the packets over more CPUs (receive queues: ethtool -L; RPS: /sys/class/net/*/queues/rx-*/rps_cpus)",
		"one CPU cannot keep up with its queue; a longer queue only helps against bursts")}
	if limit, known := f.number(maxBacklog); known && limit < 16384 {
		want, cpus := 2*max(limit, defaultMaxBacklog), max(f.System.CPUs, 1)
		x.Changes = append(x.Changes, set(maxBacklog, want, fmt.Sprintf(
			"packets a CPU; full, with 2 KiB each, %s take %s", text.Count(cpus, "CPU"), f.share(want*2048*uint64(cpus)))))
	}
	return x
}

// neighbours are the two tables.
var neighbours = []struct{ prefix, sysctl, what string }{
	{"Neighbour", "net.ipv4.neigh.default.gc_thresh", "ARP"},
	{"Neighbour6", "net.ipv6.neigh.default.gc_thresh", "neighbour discovery"},
}

func neighbourTable(f *Facts) *Finding {
	for _, t := range neighbours {
		entries := f.sum(t.prefix + "entries")
		limit, known := f.number(t.sysctl + "3")
		full := f.sum(t.prefix + "table_fulls")
		tight := known && limit > 0 && entries*10 >= limit*9
		if full == 0 && !tight {
			continue
		}
		x := &Finding{Severity: Warning, Title: "the neighbour table (" + t.what + ") is, or was, full"}
		if !tight {
			x.Severity = f.severityOf(full)
		}
		x.Evidence = append(append([]Evidence{value("entries", entries)}, f.counted(t.prefix+"table_fulls")...), f.inForce(t.sysctl+"3")...)
		if !known {
			return x
		}
		x.Changes = f.largerNeighbourTable(t.sysctl, limit)
		return x
	}
	return nil
}

// largerNeighbourTable doubles the table, or gives it the kernel's own size, and raises its other thresholds where they
// are below the shares that the kernel's defaults have.
func (f *Facts) largerNeighbourTable(sysctl string, limit uint64) []Change {
	want := max(2*limit, defaultNeighbours)
	changes := []Change{set(sysctl+"3", want, "an entry takes about half a KiB, a full table about "+f.share(want*512))}
	if now, known := f.number(sysctl + "2"); !known || now < want/2 {
		changes = append(changes, set(sysctl+"2", want/2, "half of it: above this, entries are taken out after five seconds"))
	}
	if now, known := f.number(sysctl + "1"); !known || now < want/4 {
		changes = append(changes, set(sysctl+"1", want/4, "below this, none are taken out"))
	}
	return changes
}

func neighbourUnresolved(f *Facts) *Finding {
	n := f.sum("Neighbourunresolved_discards", "Neighbour6unresolved_discards")
	if n == 0 {
		return nil
	}
	x := &Finding{
		Severity: Note, Title: "packets were discarded for neighbours that did not answer",
		Evidence: f.counted("Neighbourunresolved_discards", "Neighbour6unresolved_discards", "Neighbourres_failed", "Neighbour6res_failed"),
		Changes:  []Change{do("see whose answers they were: synwatch trace --cause neighbour-unresolved", "mostly the host or the gateway is down")},
	}
	if f.Window > 0 {
		x.Severity = Warning
	}
	if f.forwards() {
		x.Means = "packets to a host or a container behind this machine that does not answer ARP or neighbour discovery were dropped, as those to an endpoint of destination NAT that is gone; so was the SYN-ACK to a client like that: connect() hangs"
	}
	return x
}
