// SPDX-License-Identifier: Apache-2.0

package survey

// LogEvent is what the kernel's log says of one thing, once or many times.
type LogEvent struct {
	Kind LogKind `json:"kind"`
	// Count is how often the kernel said it. It limits the rate of its log, so that
	// this is the least.
	Count uint64 `json:"count"`
	// Port is that of the listener that met a SYN flood, else 0.
	Port uint16 `json:"port,omitempty"`
	// Subject is the neighbour table that overflowed, or the address of the
	// listener if the kernel tells it.
	Subject string `json:"subject,omitempty"`
	// File is where the last is, as the machine names it.
	File string `json:"file"`
	// Last is the last as it is written.
	Last string `json:"last"`
}

// LogKind is what an event of the kernel's log is about.
type LogKind string

const (
	// LogSYNFlood is a full queue of half-open requests, or a full accept queue
	// (net/ipv4/tcp_input.c:tcp_syn_flood_action).
	LogSYNFlood LogKind = "syn-flood"
	// LogConntrackFull is net/netfilter/nf_conntrack_core.c:__nf_conntrack_alloc.
	LogConntrackFull LogKind = "conntrack-full"
	// LogNeighbourFull is net/core/neighbour.c:neigh_alloc.
	LogNeighbourFull LogKind = "neighbour-full"
	// LogOrphans is net/ipv4/tcp.c:tcp_check_oom.
	LogOrphans LogKind = "orphans"
	// LogTCPMemory is tcp_check_oom, too.
	LogTCPMemory LogKind = "tcp-memory"
	// LogTimeWaitFull is the time wait bucket table's overflow, of kernels before
	// 4.10 (net/ipv4/tcp_minisocks.c:tcp_time_wait).
	LogTimeWaitFull LogKind = "time-wait-full"
)
