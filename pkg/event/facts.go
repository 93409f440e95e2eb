// SPDX-License-Identifier: Apache-2.0

package event

import "strings"

// Facts is a set of things that the hooks saw happen to one packet. The kernel
// side only observes; what a combination means is the catalogue's business.
type Facts uint64

// The facts. Their names and bpf/schema.h are made from them: one more is a line
// here, and `make generate`.
const (
	// ListenOverflow: TcpExtListenOverflows moved.
	ListenOverflow Facts = 1 << iota
	// ListenDrop: TcpExtListenDrops moved.
	ListenDrop
	// RequestQueueDrop: TcpExtTCPReqQFullDrop moved.
	RequestQueueDrop
	// CookieSent: TcpExtSyncookiesSent moved.
	CookieSent
	// Reserved: without SYN cookies, the request queue had reached the last
	// quarter of tcp_max_syn_backlog, which is kept for proven peers.
	Reserved
	// FinalACK: the packet was to complete a handshake and no socket was made.
	FinalACK
	// CookieACK: that handshake was resumed from a SYN cookie.
	CookieACK
	// CookieFailed: TcpExtSyncookiesFailed moved.
	CookieFailed
	// CookieRefused: the cookie was good, its timestamp options were not.
	CookieRefused
	// ListenerACK: an ACK reached the listener itself and no cookie let it in.
	ListenerACK
	// HandshakeACK: the ACK of a known request carried the wrong number.
	HandshakeACK
	// RequestSYN: a SYN for a request that is already known; it was answered.
	RequestSYN
	// DeferAccept: TcpExtTCPDeferAcceptDrop moved; the request lives on.
	DeferAccept
	// TimeWait: a TIME_WAIT socket handled the packet.
	TimeWait
	// PAWS: one of the PAWS counters moved.
	PAWS
	// ResetSent: the kernel answered the packet with a RST.
	ResetSent
	// NoSocket: that RST was sent for want of any socket.
	NoSocket
	// BadChecksum: the packet's own state says that its checksum is wrong. Only
	// looked at on kernels that give no drop reason.
	BadChecksum
	// ConntrackFull: no entry, for the table was full and nothing could go.
	ConntrackFull
	// ConntrackDrop: nf_conntrack_in refused the packet.
	ConntrackDrop
	// ConntrackInvalid: nf_conntrack_in left the packet without an entry.
	ConntrackInvalid
	// ConntrackConfirm: the entry could not be confirmed.
	ConntrackConfirm
	// ConntrackClash: because another entry had taken its tuple.
	ConntrackClash
	// ConntrackChain: because its hash chain was too long.
	ConntrackChain
	// Rejected: a netfilter rule answered the packet with a RST or an ICMP error.
	Rejected
	// PacketRST: the packet itself is a RST.
	PacketRST
	// Outgoing: the packet is our own, and Src is its destination: the client.
	Outgoing
	// PacketSYN: the packet has the SYN flag.
	PacketSYN
	// Handshake: a request in the handshake handled the packet.
	Handshake
	// PAWSTimeWait: TcpExtPAWSTimewait moved.
	PAWSTimeWait
	// PAWSOldACK: TcpExtPAWSOldAck moved.
	PAWSOldACK
	// ZeroWindow: TcpExtTCPZeroWindowDrop moved.
	ZeroWindow
	// BeforeWindow: the segment has data and ends before the receive window.
	BeforeWindow
	// BeyondWindow: the segment begins behind the receive window.
	BeyondWindow
	// ReceiveBuffer: there was no room for the segment in the receive buffer.
	ReceiveBuffer
	// TCPMemory: there was room in the buffer, but no memory for TCP, or the
	// connection was aborted for want of it.
	TCPMemory
	// SocketBacklog: the backlog of a socket in use was full.
	SocketBacklog
	// SocketFilter: a filter on the socket refused the packet.
	SocketFilter
	// AuthMissing: a signature was wanted and not there.
	AuthMissing
	// AuthUnexpected: a signature was there and no key for it.
	AuthUnexpected
	// AuthFailed: the signature was wrong.
	AuthFailed
	// ReversePath: the reverse-path filter refused the source.
	ReversePath
	// Martian: the routing code refused the source address.
	Martian
	// CPUBacklog: the packet was on its way into a CPU's backlog.
	CPUBacklog
	// Expired: a request was given up by its timer.
	Expired
	// Acked: of that request the client had acknowledged the SYN-ACK.
	Acked
	// ICMPError: an ICMP error ended a request.
	ICMPError
	// ConntrackEvicted: an entry was evicted from the full table.
	ConntrackEvicted
	// TimeWaitOverflow: a connection found no room to wait in TIME_WAIT.
	TimeWaitOverflow
	// TimeWaitSocket: the socket that the packet was for is in TIME_WAIT. The
	// tracepoint itself tells, from 6.11 on.
	TimeWaitSocket
	// OtherHost: the frame was for another host's link-layer address, as those are that
	// a bridge forwards.
	OtherHost
	// OtherProtocol: the packet is not TCP.
	OtherProtocol
	// NoRoute: InNoRoutes or OutNoRoutes moved.
	NoRoute
	// RouteRefuses: the route is of type unreachable, prohibit or blackhole.
	RouteRefuses
	// ConnectFailed: connect(2) of this host's own failed for its route, without a packet.
	ConnectFailed
	// ForwardingOff: the packet was to be forwarded and the interface, or the host,
	// does not.
	ForwardingOff
	// HopLimit: the packet was to be forwarded and its hop limit was used up.
	HopLimit
	// TooBig: the packet was larger than the MTU of its route.
	TooBig
	// PolicyRefuses: an IPsec policy refused the packet.
	PolicyRefuses
	// SourceTranslated: source NAT had chosen the packet's source.
	SourceTranslated
	// InvalidCounted: Conntrackinvalid moved. The packet may have passed.
	InvalidCounted

	factsEnd
)

// AllFacts is every fact there is.
const AllFacts = factsEnd - 1

// SYNJudged is what nothing sees but HookConnRequest. Who can observe it sees
// dropped SYNs one by one.
const SYNJudged = RequestQueueDrop | CookieSent

// Has says whether all of want are in f.
func (f Facts) Has(want Facts) bool { return f&want == want }

// String lists the facts by name, separated by "|".
func (f Facts) String() string {
	var names []string
	for i, name := range factNames {
		if f&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, "|")
}
