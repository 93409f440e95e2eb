// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"
	"strings"
)

const tcpRmem = "net.ipv4.tcp_rmem"

var receiveRules = []Rule{
	{
		ID:    "receive-buffers",
		When:  "TcpExtTCPRcvCollapsed, PruneCalled, RcvPruned, OfoPruned or TCPRcvQDrop moved",
		Means: "transfers to this machine are slow: what clients sent is squeezed together, or dropped and sent again, as a connection's receive buffer was full",
		Find:  receiveBuffers,
	},
	{
		ID:    "socket-backlog",
		When:  "TcpExtTCPBacklogDrop moved",
		Means: "what clients sent was dropped and is sent again, as the application held the socket meanwhile",
		Find:  socketBacklog,
	},
}

func receiveBuffers(f *Facts) *Finding {
	pruned := f.sum("TcpExtRcvPruned", "TcpExtOfoPruned", "TcpExtTCPRcvQDrop", "TcpExtPruneCalled")
	collapsed := f.sum("TcpExtTCPRcvCollapsed")
	if pruned == 0 && collapsed == 0 {
		return nil
	}
	x := &Finding{
		Severity: f.severityPerSegment(pruned + collapsed), Title: "receive buffers were full",
		Evidence: append(f.counted("TcpExtTCPRcvCollapsed", "TcpExtPruneCalled", "TcpExtRcvPruned", "TcpExtOfoPruned", "TcpExtTCPRcvQDrop", "TcpInSegs"), f.inForce(tcpRmem)...),
	}
	limit, known := f.third(tcpRmem)
	usual := f.usualRmem()
	if !known || f.System.Memory == 0 || limit >= usual {
		x.Changes = []Change{do("find the application that reads slowly: ss -tmn shows its Recv-Q", "larger buffers only take longer to fill")}
		if known && f.System.Memory > 0 {
			x.Changes[0].Why += fmt.Sprintf("; %s for a connection is no less than the kernel's own choice for this memory", bytes(limit))
		}
		return x
	}
	now := strings.Fields(f.Space.Sysctls[tcpRmem])
	x.Changes = []Change{set(tcpRmem, fmt.Sprintf("%s %s %d", now[0], now[1], usual), fmt.Sprintf(
		"buffers grow to %s only, the kernel's own choice for %s of memory is %s a connection", bytes(limit), bytes(f.System.Memory), bytes(usual)))}
	return x
}

func socketBacklog(f *Facts) *Finding {
	n := f.sum("TcpExtTCPBacklogDrop")
	if n == 0 {
		return nil
	}
	return &Finding{
		Severity: f.severityPerSegment(n), Title: "sockets' backlogs were full",
		Evidence: append(f.counted("TcpExtTCPBacklogDrop"), f.inForce(tcpRmem)...),
		Changes:  []Change{do("see which connections: synwatch trace --cause socket-backlog-full", "the backlog takes what comes while the application is in a system call on the socket; its limit goes by the socket's buffers")},
	}
}
