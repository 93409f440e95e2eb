// SPDX-License-Identifier: Apache-2.0

package cause

import (
	"slices"

	"github.com/synwatch/synwatch/pkg/event"
)

const (
	listenOverflows  = "TcpExtListenOverflows"
	listenDrops      = "TcpExtListenDrops"
	reqQFullDrop     = "TcpExtTCPReqQFullDrop"
	syncookiesSent   = "TcpExtSyncookiesSent"
	syncookiesFailed = "TcpExtSyncookiesFailed"
	inCsumErrors     = "TcpInCsumErrors"
	ctDrop           = "Conntrackdrop"
	aoRequired       = "TcpExtTCPAORequired"
	aoKeyNotFound    = "TcpExtTCPAOKeyNotFound"
	aoBad            = "TcpExtTCPAOBad"
	ctInsertFailed   = "Conntrackinsert_failed"
	ctEarlyDrop      = "Conntrackearly_drop"
	pawsEstab        = "TcpExtPAWSEstab"
	pawsTimewait     = "TcpExtPAWSTimewait"
	pawsOldAck       = "TcpExtPAWSOldAck"
	tsEcrRejected    = "TcpExtTSEcrRejected"
	zeroWindowDrop   = "TcpExtTCPZeroWindowDrop"
	backlogDrop      = "TcpExtTCPBacklogDrop"
	md5NotFound      = "TcpExtTCPMD5NotFound"
	md5Unexpected    = "TcpExtTCPMD5Unexpected"
	md5Failure       = "TcpExtTCPMD5Failure"
	abortOnMemory    = "TcpExtTCPAbortOnMemory"
	rpFilter         = "TcpExtIPReversePathFilter"
	twOverflow       = "TcpExtTCPTimeWaitOverflow"
	ctInvalid        = "Conntrackinvalid"
	inNoRoutes       = "IpExtInNoRoutes"
	inNoRoutes6      = "Ip6InNoRoutes"
	outNoRoutes      = "IpOutNoRoutes"
	outNoRoutes6     = "Ip6OutNoRoutes"
	inAddrErrors     = "IpInAddrErrors"
	inAddrErrors6    = "Ip6InAddrErrors"
	inHdrErrors      = "IpInHdrErrors"
	inHdrErrors6     = "Ip6InHdrErrors"
	fragFails        = "IpFragFails"
	inTooBig6        = "Ip6InTooBigErrors"
)

// The facts by which connection tracking refuses a packet.
const conntrackRefusal = event.ConntrackFull | event.ConntrackDrop | event.ConntrackConfirm |
	event.ConntrackClash | event.ConntrackChain

// The functions in which TCP frees a packet that it received.
var tcpReceive = []string{"tcp_v4_rcv", "tcp_v6_rcv", "tcp_v4_do_rcv", "tcp_v6_do_rcv"}

// Those in which UDP does.
var udpReceive = []string{"__udp4_lib_rcv", "__udp6_lib_rcv"}

// The functions in which a router frees what it does not forward, and those in which
// a packet without a route ends.
var (
	forwarding = []string{"ip_forward", "ip6_forward"}
	unroutable = []string{"ip_error", "ip6_pkt_drop", "ip6_pkt_discard", "ip6_pkt_prohibit"}
	discarding = []string{"dst_discard", "dst_discard_out"}
)

// refusals are connection tracking's. It returns NF_DROP and nf_hook_slow frees: the
// reason is NETFILTER_DROP on every kernel.
var refusals = []Rule{
	{Cause: conntrackTableFull, All: event.ConntrackFull, Counters: []string{ctDrop}},
	{Cause: conntrackClash, All: event.ConntrackClash, Counters: []string{ctDrop, ctInsertFailed}},
	{Cause: conntrackChain, All: event.ConntrackChain, Counters: []string{ctInsertFailed}},
	{Cause: conntrackInsertFailed, All: event.ConntrackConfirm, Counters: []string{ctInsertFailed}},
	{Cause: other, Stage: "conntrack", All: event.ConntrackDrop, Counters: []string{ctDrop}},
}

// rules is read from the top: the first that an event satisfies names its
// cause, so the more specific come first. A condition that a kernel cannot
// fulfil makes the rule idle there, not wrong.
var rules = slices.Concat(refusals, []Rule{
	// Whatever a rule does to it then.
	{Cause: benign, Hook: event.HookConntrackIn, All: event.InvalidCounted, Counters: []string{ctInvalid}},

	// tcp_conn_request, net/ipv4/tcp_input.c. It counts before it returns, and
	// with bottom halves off, so the counters that move are its decision.
	{Cause: acceptQueueFull, Stage: "syn", Hook: event.HookConnRequest, All: event.ListenOverflow,
		Counters: []string{listenOverflows, listenDrops}},
	{Cause: synQueueFull, Hook: event.HookConnRequest, All: event.RequestQueueDrop,
		Counters: []string{reqQFullDrop, listenDrops}},
	{Cause: synCookieSent, Hook: event.HookConnRequest, All: event.CookieSent,
		Counters: []string{syncookiesSent}},
	{Cause: synBacklogReserved, Hook: event.HookConnRequest, All: event.ListenDrop | event.Reserved,
		Counters: []string{listenDrops}},
	{Cause: synRefused, Hook: event.HookConnRequest, All: event.ListenDrop | event.NoRoute,
		Counters: []string{listenDrops, outNoRoutes}, Counters6: []string{listenDrops, outNoRoutes6}},
	{Cause: synRefused, Hook: event.HookConnRequest, All: event.ListenDrop,
		Counters: []string{listenDrops}},

	{Cause: conntrackInvalid, All: event.ConntrackInvalid, Reasons: []string{"NETFILTER_DROP"}},
	{Cause: conntrackInvalid, All: event.ConntrackInvalid, Locations: []string{"nf_hook_slow"}},
	{Cause: netfilterReject, All: event.Rejected},
	// From 6.12 a rule's drop is freed by nft_do_chain itself, so that it is a
	// rule's even where conntrack's hooks are out of reach.
	{Cause: netfilterDrop, Reasons: []string{"NETFILTER_DROP"}, Locations: []string{"nft_do_chain"}},
	{Cause: netfilterDrop, Reasons: []string{"NETFILTER_DROP"}, None: conntrackRefusal},
	{Cause: netfilterDrop, Locations: []string{"nf_hook_slow"}, None: conntrackRefusal},

	// The ACK that ends a handshake.
	{Cause: acceptQueueFull, Stage: "cookie-ack", All: event.FinalACK | event.CookieACK | event.ListenOverflow,
		Counters: []string{listenOverflows, listenDrops}},
	{Cause: acceptQueueFull, Stage: "ack", All: event.FinalACK | event.ListenOverflow,
		Counters: []string{listenOverflows, listenDrops}},
	{Cause: acceptQueueFull, Stage: "ack", Reasons: []string{"TCP_LISTEN_OVERFLOW"},
		Counters: []string{listenOverflows, listenDrops}},
	{Cause: synRefused, Stage: "ack", All: event.FinalACK | event.ListenDrop,
		Counters: []string{listenDrops}},
	{Cause: synCookieInvalid, All: event.CookieFailed, Counters: []string{syncookiesFailed}},
	{Cause: synCookieInvalid, All: event.CookieRefused},
	{Cause: strayACK, Stage: "handshake", All: event.HandshakeACK},
	{Cause: strayACK, Stage: "listener", All: event.ListenerACK},

	// What ends without a packet to free.
	{Cause: handshakeExpired, All: event.Expired},
	{Cause: handshakeICMPError, All: event.ICMPError, Counters: []string{listenDrops}},
	{Cause: timeWaitOverflow, All: event.TimeWaitOverflow, Counters: []string{twOverflow}},
	{Cause: conntrackEvicted, All: event.ConntrackEvicted, Counters: []string{ctEarlyDrop}},
	{Cause: tcpMemory, Hook: event.HookCheckOOM, All: event.TCPMemory, Counters: []string{abortOnMemory}},

	// Timestamps. Which of the counters moves for a TIME_WAIT socket changed in
	// 6.18; a request's is always PAWSEstab.
	{Cause: pawsHandshake, All: event.Handshake | event.PAWS, Counters: []string{pawsEstab}},
	{Cause: pawsTimeWait, All: event.TimeWait | event.PAWSTimeWait, Counters: []string{pawsTimewait}},
	{Cause: pawsTimeWait, All: event.TimeWait | event.PAWS, Counters: []string{pawsEstab}},
	{Cause: pawsTimeWait, Reasons: []string{"TCP_RFC7323_TW_PAWS"}, Counters: []string{pawsTimewait}},
	{Cause: pawsEstablished, Reasons: []string{"TCP_RFC7323_PAWS_ACK"}, Counters: []string{pawsOldAck}},
	{Cause: pawsEstablished, Reasons: []string{"TCP_RFC7323_PAWS"}, None: event.Handshake, Counters: []string{pawsEstab}},
	{Cause: pawsEstablished, Hook: event.HookValidateIncoming, All: event.PAWS, Counters: []string{pawsEstab}},
	{Cause: tsecrRejected, Reasons: []string{"TCP_RFC7323_TSECR"}, Counters: []string{tsEcrRejected}},

	{Cause: checksumError, Reasons: []string{"TCP_CSUM"}, Counters: []string{inCsumErrors}},
	{Cause: checksumError, All: event.BadChecksum, Locations: tcpReceive, Counters: []string{inCsumErrors}},

	// Requests that live on, and connections that end as they should.
	{Cause: benign, All: event.DeferAccept},
	{Cause: benign, All: event.RequestSYN},
	{Cause: benign, All: event.TimeWait, None: event.PacketSYN},
	// The same without that hook: a client's FIN, or what came late. No kernel
	// gives a reason for the former, which each client sends that closes last.
	{Cause: benign, Reasons: []string{"NOT_SPECIFIED"}, All: event.TimeWaitSocket, None: event.PacketSYN},
	// A RST ends a connection; its death refuses none.
	{Cause: benign, All: event.PacketRST},

	{Cause: socketBacklogFull, Reasons: []string{"SOCKET_BACKLOG"}, Counters: []string{backlogDrop}},
	{Cause: socketBacklogFull, All: event.SocketBacklog, Counters: []string{backlogDrop}},
	{Cause: socketFilter, Reasons: []string{"SOCKET_FILTER"}},
	{Cause: socketFilter, All: event.SocketFilter},
	{Cause: tcpAuthFailed, Stage: "missing", Reasons: []string{"TCP_MD5NOTFOUND"}, Counters: []string{md5NotFound}},
	{Cause: tcpAuthFailed, Stage: "missing", All: event.AuthMissing, Counters: []string{md5NotFound}},
	{Cause: tcpAuthFailed, Stage: "missing", Reasons: []string{"TCP_AONOTFOUND"}, Counters: []string{aoRequired}},
	{Cause: tcpAuthFailed, Stage: "unexpected", Reasons: []string{"TCP_MD5UNEXPECTED"}, Counters: []string{md5Unexpected}},
	{Cause: tcpAuthFailed, Stage: "unexpected", All: event.AuthUnexpected, Counters: []string{md5Unexpected}},
	{Cause: tcpAuthFailed, Stage: "unexpected", Reasons: []string{"TCP_AOUNEXPECTED", "TCP_AOKEYNOTFOUND"}, Counters: []string{aoKeyNotFound}},
	{Cause: tcpAuthFailed, Stage: "wrong", Reasons: []string{"TCP_MD5FAILURE"}, Counters: []string{md5Failure}},
	{Cause: tcpAuthFailed, Stage: "wrong", All: event.AuthFailed, Counters: []string{md5Failure}},
	{Cause: tcpAuthFailed, Stage: "wrong", Reasons: []string{"TCP_AOFAILURE", "TCP_AUTH_HDR"}, Counters: []string{aoBad}},

	{Cause: receiveBufferFull, Stage: "ofo-prune", Reasons: []string{"TCP_OFO_QUEUE_PRUNE"}},
	{Cause: receiveBufferFull, Stage: "ofo-prune", Hook: event.HookPruneOFO},
	{Cause: receiveBufferFull, Stage: "incoming", All: event.ReceiveBuffer},
	{Cause: tcpMemory, All: event.TCPMemory},
	{Cause: outOfWindow, Stage: "zero-window", Reasons: []string{"TCP_ZEROWINDOW"}, Counters: []string{zeroWindowDrop}},
	{Cause: outOfWindow, Stage: "zero-window", All: event.ZeroWindow, Counters: []string{zeroWindowDrop}},
	{Cause: outOfWindow, Stage: "old", Reasons: []string{"TCP_OLD_SEQUENCE", "TCP_INVALID_SEQUENCE"}, All: event.BeforeWindow},
	{Cause: outOfWindow, Stage: "old", Hook: event.HookValidateIncoming, All: event.BeforeWindow},
	{Cause: outOfWindow, Stage: "beyond-window", Reasons: []string{"TCP_INVALID_SEQUENCE"}, All: event.BeyondWindow},
	{Cause: outOfWindow, Stage: "beyond-window", Reasons: []string{"TCP_INVALID_END_SEQUENCE", "TCP_OVERWINDOW"}},
	{Cause: outOfWindow, Stage: "beyond-window", Hook: event.HookValidateIncoming, All: event.BeyondWindow},
	// Empty segments just before the window are keepalives and window probes.
	{Cause: benign, Reasons: []string{"TCP_OLD_SEQUENCE", "TCP_INVALID_SEQUENCE"}, None: event.BeforeWindow | event.BeyondWindow},

	{Cause: reversePathFilter, Reasons: []string{"IP_RPFILTER"}, Counters: []string{rpFilter}},
	{Cause: reversePathFilter, All: event.ReversePath, Counters: []string{rpFilter}},
	{Cause: martianSource, Reasons: []string{"IP_LOCAL_SOURCE", "IP_INVALID_SOURCE", "IP_LOCALNET"}},
	{Cause: martianSource, All: event.Martian},
	{Cause: cpuBacklogFull, Reasons: []string{"CPU_BACKLOG"}},
	{Cause: cpuBacklogFull, All: event.CPUBacklog},
	{Cause: neighbourUnresolved, Reasons: []string{"NEIGH_FAILED", "NEIGH_QUEUEFULL", "NEIGH_DEAD", "NEIGH_CREATEFAIL"}},
	// IPv6 gives no reason for the packets that waited for the neighbour.
	{Cause: neighbourUnresolved, Reasons: []string{"NOT_SPECIFIED", ""},
		Locations: []string{"__neigh_event_send", "neigh_invalidate", "arp_error_report", "ndisc_error_report"}},

	// What is not for this host, or leaves it. The kernel side reads the packet's route.
	{Cause: ipsecPolicy, Reasons: []string{"XFRM_POLICY"}},
	{Cause: ipsecPolicy, All: event.PolicyRefuses},
	{Cause: forwardingOff, All: event.ForwardingOff, Locations: unroutable[:1],
		Counters: []string{inAddrErrors}},
	{Cause: forwardingOff, All: event.ForwardingOff, Locations: forwarding, Counters6: []string{inAddrErrors6}},
	{Cause: noRoute, Stage: "connect", All: event.ConnectFailed | event.NoRoute,
		Counters: []string{outNoRoutes}, Counters6: []string{outNoRoutes6}},
	{Cause: noRoute, Stage: "connect", All: event.ConnectFailed},
	// A connection whose route is gone.
	{Cause: noRoute, Reasons: []string{"IP_OUTNOROUTES"},
		Counters: []string{outNoRoutes}, Counters6: []string{outNoRoutes6}},
	{Cause: noRoute, All: event.NoRoute, Locations: []string{"__ip_queue_xmit", "inet6_csk_xmit"},
		Counters: []string{outNoRoutes}, Counters6: []string{outNoRoutes6}},
	{Cause: noRoute, Stage: "refused", All: event.RouteRefuses | event.NoRoute, Locations: unroutable,
		Counters: []string{inNoRoutes}, Counters6: []string{inNoRoutes6}},
	{Cause: noRoute, Stage: "refused", All: event.RouteRefuses, Locations: slices.Concat(unroutable, discarding)},
	{Cause: noRoute, All: event.NoRoute, Locations: unroutable,
		Counters: []string{inNoRoutes}, Counters6: []string{inNoRoutes6}},
	// ip6_pkt_drop takes the route off a packet of a VRF before it frees it.
	{Cause: noRoute, Locations: unroutable[1:], Counters: []string{inNoRoutes}, Counters6: []string{inNoRoutes6}},
	{Cause: hopLimitExceeded, All: event.HopLimit, Locations: forwarding,
		Counters: []string{inHdrErrors}, Counters6: []string{inHdrErrors6}},
	{Cause: packetTooBig, All: event.TooBig, Locations: forwarding,
		Counters: []string{fragFails}, Counters6: []string{inTooBig6}},
	{Cause: packetTooBig, Reasons: []string{"PKT_TOO_BIG"}, Locations: forwarding,
		Counters: []string{fragFails}, Counters6: []string{inTooBig6}},
	{Cause: packetTooBig, Reasons: []string{"PKT_TOO_BIG"}},
	{Cause: tcDrop, Stage: "ingress", Reasons: []string{"TC_INGRESS"}},
	{Cause: tcDrop, Stage: "egress", Reasons: []string{"TC_EGRESS"}},
	{Cause: tcDrop, Stage: "ingress", Reasons: []string{"NOT_SPECIFIED", ""}, Locations: []string{"__netif_receive_skb_core"}},
	{Cause: tcDrop, Stage: "egress", Reasons: []string{"NOT_SPECIFIED", ""}, Locations: []string{"__dev_queue_xmit"}},
	{Cause: qdiscFull, Reasons: []string{"QDISC_DROP", "QDISC_OVERLIMIT", "QDISC_CONGESTED", "QDISC_BURST_DROP",
		"CAKE_FLOOD", "FQ_BAND_LIMIT", "FQ_HORIZON_LIMIT", "FQ_FLOW_LIMIT"}},
	{Cause: qdiscFull, Reasons: []string{""}, Locations: []string{"kfree_skb_list"}},
	// Frames of other hosts' that nothing above dropped: a bridge or a tap had them.
	{Cause: benign, All: event.OtherHost},

	{Cause: noListener, All: event.NoSocket},
	// Where the location is cookie_v4_check, NO_SOCKET is a full accept queue.
	{Cause: noListener, Reasons: []string{"NO_SOCKET"}, Locations: []string{"tcp_v4_rcv", "tcp_v6_rcv"}},

	// UDP's own, where it was asked for.
	{Cause: checksumError, All: event.OtherProtocol, Reasons: []string{"UDP_CSUM"}},
	{Cause: checksumError, All: event.OtherProtocol | event.BadChecksum, Locations: udpReceive},
	{Cause: noListener, All: event.OtherProtocol, Reasons: []string{"NO_SOCKET", ""}, Locations: udpReceive},
	{Cause: receiveBufferFull, Stage: "incoming", All: event.OtherProtocol, Reasons: []string{"SOCKET_RCVBUFF"}},

	{Cause: benign, Reasons: []string{"TCP_OLD_DATA", "TCP_OLD_ACK", "TCP_OFOMERGE"}},
	// The last ACK of a connection that this host closed last: LAST_ACK goes to
	// discard with the packet (net/ipv4/tcp_input.c:tcp_rcv_state_process).
	{Cause: benign, Reasons: []string{"NOT_SPECIFIED", ""}, Locations: []string{"tcp_rcv_state_process"}},
	// What waited in the backlog of a connection that then ended, by a RST or by its
	// owner, mostly a client's end (case TCP_CLOSE there). A SYN may have met a
	// listener that was just being closed.
	{Cause: benign, Reasons: []string{"TCP_CLOSE"}, None: event.PacketSYN},
	// What a socket had taken and its owner never read, freed when it is closed.
	{Cause: benign, Reasons: []string{"QUEUE_PURGE"}},
	{Cause: benign, Reasons: []string{"NOT_SPECIFIED", ""}, Locations: []string{"skb_queue_purge",
		"skb_queue_purge_reason", "sk_stream_kill_queues", "skb_rbtree_purge", "tcp_disconnect"}},
	{Cause: benign, Locations: []string{"packet_rcv", "tpacket_rcv", "packet_rcv_spkt"}},
	// What an XDP program drops, which is no packet of the kernel's yet: other kernels and
	// devices do not show it at all (drivers/net/veth.c:veth_xdp_rcv_skb, in veth_poll).
	{Cause: benign, Reasons: []string{"NOT_SPECIFIED", ""}, Locations: []string{"veth_poll"}},

	{Cause: other, Hook: event.HookFree},
})
