// SPDX-License-Identifier: Apache-2.0

package probe

import "github.com/synwatch/synwatch/pkg/event"

// hook is a kernel function that synwatch looks into. The programs are named
// after it: fentry_ and fexit_, or kprobe_ and kretprobe_, which serve for
// kprobe.multi as well.
type hook struct {
	name string
	// module may hold the function; empty for one of the kernel proper.
	module string
	// entry and leave say at which end there is a program. returnOnly says
	// that fexit alone does where kretprobe needs kprobe's help.
	entry, leave, returnOnly bool
	// counters says that the programs compare this CPU's counters.
	counters bool
	// unless makes the hook needless: a drop reason that says the same,
	// receivingSocket, toldSegments or toldMartians. Without with, which is moduleTypes or
	// handledMartians, the hook shows nothing, or nothing more.
	unless, with string
	// alias is the name that the compiler may have given to a part of the function.
	alias string
	// facts cannot be seen without the hook; none where it only adds evidence.
	facts event.Facts
	// passed says that the tracepoints that a SYN passes show the same; see passage.
	passed bool
}

// receivingSocket stands for the tracepoint's argument of that name. Without it the
// namespace of a packet that has no route any more is not known.
const receivingSocket = "rx_sk"

// toldSegments stands for that argument together with the drop reasons of segments that
// a connection does not take.
const toldSegments = "reasons of segments"

// toldMartians stands for a way to know packets with an address that is refused, other
// than to look at the result of routing each packet; handledMartians for the one that is
// not a drop reason.
const (
	toldMartians      = "reasons of martians"
	handledMartians   = "function for martians"
	reasonLocalSource = "IP_LOCAL_SOURCE"
)

// The reasons for which a segment's free looks further: bpf/segment.h.
const (
	reasonOldSequence     = "TCP_OLD_SEQUENCE"
	reasonInvalidSequence = "TCP_INVALID_SEQUENCE"
	reasonProtoMem        = "PROTO_MEM"
)

// moduleTypes stands for the BTF of modules, without which a module's own
// structures cannot be read.
const moduleTypes = "module BTF"

const (
	conntrack   = "nf_conntrack"
	rejectIPv4  = "nf_reject_ipv4"
	rejectIPv6  = "nf_reject_ipv6"
	finalACK    = event.FinalACK | event.ListenOverflow | event.ListenDrop
	authFacts   = event.AuthMissing | event.AuthUnexpected | event.AuthFailed
	cookieFacts = event.CookieFailed | event.CookieRefused | event.ListenerACK
)

// hooks is the table; a new cause on a new function is a row here, a program in
// bpf/ and a rule in the catalogue. kfree_skb, without which nothing works, is
// not in it.
var hooks = []hook{
	{name: "tcp_v4_conn_request", entry: true, leave: true, counters: true, facts: event.SYNJudged, passed: true},
	{name: "tcp_v6_conn_request", entry: true, leave: true, counters: true, facts: event.SYNJudged, passed: true},
	{name: "subflow_v4_conn_request", entry: true, leave: true, counters: true, passed: true}, // of MPTCP, if there is any
	{name: "subflow_v6_conn_request", entry: true, leave: true, counters: true, passed: true},
	{name: "tcp_peer_is_proven", leave: true, facts: event.Reserved, passed: true},
	{name: "tcp_get_cookie_sock", entry: true, leave: true, counters: true, facts: finalACK | event.CookieACK},
	{name: "tcp_check_req", entry: true, leave: true, counters: true,
		facts: finalACK | event.HandshakeACK | event.RequestSYN | event.DeferAccept | event.Handshake},
	{name: "cookie_v4_check", entry: true, leave: true, counters: true, facts: cookieFacts},
	{name: "cookie_v6_check", entry: true, leave: true, counters: true, facts: cookieFacts},
	{name: "tcp_timewait_state_process", entry: true, leave: true, counters: true,
		facts: event.TimeWait | event.PAWSTimeWait},
	{name: "tcp_v4_send_reset", entry: true, facts: event.ResetSent | event.NoSocket},
	{name: "tcp_v6_send_reset", entry: true, facts: event.ResetSent | event.NoSocket},
	{name: "nf_conntrack_in", module: conntrack, entry: true, leave: true, returnOnly: true,
		facts: event.ConntrackDrop | event.ConntrackInvalid | event.ConntrackFull | event.InvalidCounted},
	{name: "early_drop", module: conntrack, entry: true, leave: true,
		facts: event.ConntrackFull | event.ConntrackEvicted},
	{name: "nf_ct_delete", module: conntrack, alias: "nf_ct_delete.part.0", entry: true,
		facts: event.ConntrackEvicted},
	{name: "__nf_conntrack_confirm", module: conntrack, entry: true, leave: true,
		facts: event.ConntrackConfirm | event.ConntrackClash | event.ConntrackChain | event.SourceTranslated},
	{name: "nf_conntrack_icmpv4_error", module: conntrack, leave: true},
	{name: "nf_conntrack_icmpv6_error", module: conntrack, leave: true},
	{name: "nf_ct_resolve_clash", module: conntrack, leave: true, facts: event.ConntrackClash},
	{name: "nf_send_reset", module: rejectIPv4, entry: true, facts: event.Rejected},
	{name: "nf_send_unreach", module: rejectIPv4, entry: true, facts: event.Rejected},
	{name: "nf_send_reset6", module: rejectIPv6, entry: true, facts: event.Rejected},
	{name: "nf_send_unreach6", module: rejectIPv6, entry: true, facts: event.Rejected},
	{name: "tcp_validate_incoming", unless: toldSegments, entry: true, leave: true, counters: true,
		facts: event.PAWS | event.PAWSOldACK | event.BeforeWindow | event.BeyondWindow},
	{name: "tcp_data_queue", unless: receivingSocket, entry: true, leave: true, counters: true,
		facts: event.ZeroWindow},
	{name: "tcp_try_rmem_schedule", unless: toldSegments, entry: true, leave: true,
		facts: event.ReceiveBuffer | event.TCPMemory},
	{name: "tcp_prune_ofo_queue", unless: "TCP_OFO_QUEUE_PRUNE", entry: true, leave: true,
		facts: event.ReceiveBuffer},
	{name: "tcp_v4_inbound_md5_hash", unless: "TCP_MD5NOTFOUND", entry: true, leave: true, counters: true, facts: authFacts},
	{name: "tcp_v6_inbound_md5_hash", unless: "TCP_MD5NOTFOUND", entry: true, leave: true, counters: true, facts: authFacts},
	{name: "tcp_add_backlog", unless: receivingSocket, entry: true, leave: true, counters: true,
		facts: event.SocketBacklog},
	{name: "enqueue_to_backlog", unless: "CPU_BACKLOG", entry: true, leave: true, facts: event.CPUBacklog},
	{name: "sk_filter_trim_cap", unless: "SOCKET_FILTER", entry: true, leave: true, returnOnly: true,
		facts: event.SocketFilter},
	{name: "ip_route_input_noref", unless: toldMartians, entry: true, leave: true, returnOnly: true,
		facts: event.ReversePath | event.Martian},
	{name: "ip_handle_martian_source", with: handledMartians, entry: true, facts: event.Martian},
	{name: "reqsk_timer_handler", entry: true, leave: true, facts: event.Expired | event.Acked},
	{name: "tcp_req_err", entry: true, leave: true, counters: true, facts: event.ICMPError},
	{name: "inet_twsk_alloc", entry: true, leave: true, returnOnly: true, facts: event.TimeWaitOverflow},
	{name: "nft_do_chain", module: "nf_tables", with: moduleTypes, entry: true},
	{name: "ipt_do_table", module: "ip_tables", with: moduleTypes, entry: true},
	{name: "ip6t_do_table", module: "ip6_tables", with: moduleTypes, entry: true},
	{name: "nf_hook_slow", unless: moduleTypes, entry: true},
	{name: "nf_nat_setup_info", module: "nf_nat", entry: true},
	{name: "__xfrm_policy_check", entry: true, leave: true, returnOnly: true, facts: event.PolicyRefuses},
	{name: "__xfrm_route_forward", entry: true, leave: true, returnOnly: true, facts: event.PolicyRefuses},
	{name: "tcp_v4_connect", entry: true, leave: true, counters: true, facts: event.ConnectFailed},
	{name: "tcp_v6_connect", entry: true, leave: true, counters: true, facts: event.ConnectFailed},
	{name: "tcp_check_oom", entry: true, leave: true, returnOnly: true, facts: event.TCPMemory},
}

// fentryPrograms and kprobePrograms name the programs of each mode.
func (h *hook) fentryPrograms() []string {
	var names []string
	if h.entry && !h.returnOnly {
		names = append(names, "fentry_"+h.name)
	}
	if h.leave {
		names = append(names, "fexit_"+h.name)
	}
	return names
}

func (h *hook) kprobePrograms() []string {
	var names []string
	if h.entry {
		names = append(names, "kprobe_"+h.name)
	}
	if h.leave {
		names = append(names, "kretprobe_"+h.name)
	}
	return names
}
