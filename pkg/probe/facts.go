// SPDX-License-Identifier: Apache-2.0

package probe

import "github.com/synwatch/synwatch/pkg/event"

// The bits of enum fact are those of event.Facts: each line is a constant index
// into an array of one element, so that a difference does not compile.
var (
	_ = [1]struct{}{}[event.ListenOverflow^event.Facts(bpfFactFACT_LISTEN_OVERFLOW)]
	_ = [1]struct{}{}[event.ListenDrop^event.Facts(bpfFactFACT_LISTEN_DROP)]
	_ = [1]struct{}{}[event.ReqQueueDrop^event.Facts(bpfFactFACT_REQ_QUEUE_DROP)]
	_ = [1]struct{}{}[event.CookieSent^event.Facts(bpfFactFACT_COOKIE_SENT)]
	_ = [1]struct{}{}[event.Reserved^event.Facts(bpfFactFACT_RESERVED)]
	_ = [1]struct{}{}[event.FinalACK^event.Facts(bpfFactFACT_FINAL_ACK)]
	_ = [1]struct{}{}[event.CookieACK^event.Facts(bpfFactFACT_COOKIE_ACK)]
	_ = [1]struct{}{}[event.CookieFailed^event.Facts(bpfFactFACT_COOKIE_FAILED)]
	_ = [1]struct{}{}[event.CookieRefused^event.Facts(bpfFactFACT_COOKIE_REFUSED)]
	_ = [1]struct{}{}[event.ListenerACK^event.Facts(bpfFactFACT_LISTENER_ACK)]
	_ = [1]struct{}{}[event.HandshakeACK^event.Facts(bpfFactFACT_HANDSHAKE_ACK)]
	_ = [1]struct{}{}[event.RequestSYN^event.Facts(bpfFactFACT_REQUEST_SYN)]
	_ = [1]struct{}{}[event.DeferAccept^event.Facts(bpfFactFACT_DEFER_ACCEPT)]
	_ = [1]struct{}{}[event.TimeWait^event.Facts(bpfFactFACT_TIME_WAIT)]
	_ = [1]struct{}{}[event.PAWS^event.Facts(bpfFactFACT_PAWS)]
	_ = [1]struct{}{}[event.ResetSent^event.Facts(bpfFactFACT_RESET_SENT)]
	_ = [1]struct{}{}[event.NoSocket^event.Facts(bpfFactFACT_NO_SOCKET)]
	_ = [1]struct{}{}[event.BadChecksum^event.Facts(bpfFactFACT_BAD_CHECKSUM)]
	_ = [1]struct{}{}[event.ConntrackFull^event.Facts(bpfFactFACT_CT_FULL)]
	_ = [1]struct{}{}[event.ConntrackDrop^event.Facts(bpfFactFACT_CT_DROP)]
	_ = [1]struct{}{}[event.ConntrackInvalid^event.Facts(bpfFactFACT_CT_INVALID)]
	_ = [1]struct{}{}[event.ConntrackConfirm^event.Facts(bpfFactFACT_CT_CONFIRM)]
	_ = [1]struct{}{}[event.ConntrackClash^event.Facts(bpfFactFACT_CT_CLASH)]
	_ = [1]struct{}{}[event.ConntrackChain^event.Facts(bpfFactFACT_CT_CHAIN)]
	_ = [1]struct{}{}[event.Rejected^event.Facts(bpfFactFACT_REJECTED)]
	_ = [1]struct{}{}[event.PacketRST^event.Facts(bpfFactFACT_PACKET_RST)]
	_ = [1]struct{}{}[event.Outgoing^event.Facts(bpfFactFACT_OUTGOING)]
	_ = [1]struct{}{}[event.PacketSYN^event.Facts(bpfFactFACT_PACKET_SYN)]
	_ = [1]struct{}{}[event.Handshake^event.Facts(bpfFactFACT_HANDSHAKE)]
	_ = [1]struct{}{}[event.PAWSTimeWait^event.Facts(bpfFactFACT_PAWS_TIME_WAIT)]
	_ = [1]struct{}{}[event.PAWSOldACK^event.Facts(bpfFactFACT_PAWS_OLD_ACK)]
	_ = [1]struct{}{}[event.ZeroWindow^event.Facts(bpfFactFACT_ZERO_WINDOW)]
	_ = [1]struct{}{}[event.BeforeWindow^event.Facts(bpfFactFACT_BEFORE_WINDOW)]
	_ = [1]struct{}{}[event.BeyondWindow^event.Facts(bpfFactFACT_BEYOND_WINDOW)]
	_ = [1]struct{}{}[event.ReceiveBuffer^event.Facts(bpfFactFACT_RECEIVE_BUFFER)]
	_ = [1]struct{}{}[event.TCPMemory^event.Facts(bpfFactFACT_TCP_MEMORY)]
	_ = [1]struct{}{}[event.SocketBacklog^event.Facts(bpfFactFACT_SOCKET_BACKLOG)]
	_ = [1]struct{}{}[event.SocketFilter^event.Facts(bpfFactFACT_SOCKET_FILTER)]
	_ = [1]struct{}{}[event.AuthMissing^event.Facts(bpfFactFACT_AUTH_MISSING)]
	_ = [1]struct{}{}[event.AuthUnexpected^event.Facts(bpfFactFACT_AUTH_UNEXPECTED)]
	_ = [1]struct{}{}[event.AuthFailed^event.Facts(bpfFactFACT_AUTH_FAILED)]
	_ = [1]struct{}{}[event.ReversePath^event.Facts(bpfFactFACT_REVERSE_PATH)]
	_ = [1]struct{}{}[event.Martian^event.Facts(bpfFactFACT_MARTIAN)]
	_ = [1]struct{}{}[event.CPUBacklog^event.Facts(bpfFactFACT_CPU_BACKLOG)]
	_ = [1]struct{}{}[event.Expired^event.Facts(bpfFactFACT_EXPIRED)]
	_ = [1]struct{}{}[event.Acked^event.Facts(bpfFactFACT_ACKED)]
	_ = [1]struct{}{}[event.ICMPError^event.Facts(bpfFactFACT_ICMP_ERROR)]
	_ = [1]struct{}{}[event.ConntrackEvicted^event.Facts(bpfFactFACT_CT_EVICTED)]
	_ = [1]struct{}{}[event.TimeWaitOverflow^event.Facts(bpfFactFACT_TIME_WAIT_OVERFLOW)]
	_ = [1]struct{}{}[event.TimeWaitSocket^event.Facts(bpfFactFACT_TIME_WAIT_SOCKET)]
	_ = [1]struct{}{}[(event.AllFacts+1)>>1^event.Facts(bpfFactFACT_TIME_WAIT_SOCKET)]
)

// hookNames are the names of enum hook.
var hookNames = map[bpfHook]event.Hook{
	bpfHookHOOK_FREE:              event.HookFree,
	bpfHookHOOK_CONN_REQUEST:      event.HookConnRequest,
	bpfHookHOOK_VALIDATE_INCOMING: "tcp_validate_incoming",
	bpfHookHOOK_DATA_QUEUE:        "tcp_data_queue",
	bpfHookHOOK_RMEM_SCHEDULE:     "tcp_try_rmem_schedule",
	bpfHookHOOK_PRUNE_OFO:         "tcp_prune_ofo_queue",
	bpfHookHOOK_REQUEST_TIMER:     "reqsk_timer_handler",
	bpfHookHOOK_REQUEST_ERROR:     "tcp_req_err",
	bpfHookHOOK_TIME_WAIT_ALLOC:   "inet_twsk_alloc",
	bpfHookHOOK_CHECK_OOM:         "tcp_check_oom",
	bpfHookHOOK_CONNTRACK_DELETE:  "nf_ct_delete",
}
