// SPDX-License-Identifier: Apache-2.0

package diagnose

import "fmt"

const maxOrphans = "net.ipv4.tcp_max_orphans"

var memoryRules = []Rule{
	{
		ID: "orphans", Scope: Machine,
		When:  "TcpExtTCPAbortOnMemory moved, or half of net.ipv4.tcp_max_orphans are taken",
		Means: "clients get a RST in place of the last of their data: connections that the application has closed are aborted",
		Find:  orphans,
	},
	{
		ID: "tcp-memory", Scope: Machine,
		When:  "TCP's buffers take nine tenths of the last value of net.ipv4.tcp_mem",
		Means: "connections stall and are aborted: the kernel drops what comes in, as there is no memory for it",
		Find:  tcpMemory,
	},
}

// orphanSize is what the kernel reckons for an orphan, up to 64 KiB of buffers.
const orphanSize = 64 << 10

func orphans(f *Facts) *Finding {
	aborted := f.sum("TcpExtTCPAbortOnMemory")
	limit, known := f.number(maxOrphans)
	sockets := f.Space.Sockets
	tight := known && sockets != nil && limit > 0 && sockets.Orphans*2 >= limit
	if aborted == 0 && !tight {
		return nil
	}
	x := &Finding{Severity: Warning, Title: "connections without an owner are near tcp_max_orphans, or TCP ran out of memory"}
	if !tight {
		connections, known := f.closed() // either side's
		x.Severity = f.severityAmong(aborted, connections, known)
	}
	if sockets != nil {
		x.Evidence = append(x.Evidence, value("orphans", sockets.Orphans))
	}
	x.Evidence = append(append(x.Evidence, f.inForce(maxOrphans)...), f.counted("TcpExtTCPAbortOnMemory", "TcpExtTCPMemoryPressures")...)
	x.Changes = []Change{do("find out which clients leave connections half closed: ss -tn state fin-wait-1 state last-ack", "an orphan waits for its client to acknowledge the last data; a shorter net.ipv4.tcp_orphan_retries gives up sooner")}
	if want := max(2*limit, f.usualOrphans()); tight && f.System.Memory > 0 && (limit < f.usualOrphans() || want*orphanSize < f.System.Memory/4) {
		x.Changes = append(x.Changes, set(maxOrphans, want, "at worst, each with 64 KiB, they take "+f.share(want*orphanSize)))
	}
	return x
}

const pageSize = 4096

func tcpMemory(f *Facts) *Finding {
	limit, known := f.third("net.ipv4.tcp_mem")
	if !known || f.Space.Sockets == nil || limit == 0 || f.Space.Sockets.Pages*10 < limit*9 {
		return nil
	}
	return &Finding{
		Severity: Critical, Title: "TCP's buffers are near their limit",
		Evidence: append([]Evidence{{What: "pages of TCP buffers", Value: fmt.Sprint(f.Space.Sockets.Pages), Where: f.share(f.Space.Sockets.Pages * pageSize)}}, f.inForce("net.ipv4.tcp_mem")...),
		Changes:  []Change{do("find the connections that hold the most: ss -tmn | grep skmem", "mostly an application does not read, or a client does not; a higher limit only takes longer to fill")},
	}
}
