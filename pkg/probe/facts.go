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
	_ = [1]struct{}{}[(event.AllFacts+1)>>1^event.Facts(bpfFactFACT_OUTGOING)]
)

// hookNames are the names of enum hook.
var hookNames = map[bpfHook]event.Hook{
	bpfHookHOOK_FREE:         event.HookFree,
	bpfHookHOOK_CONN_REQUEST: event.HookConnRequest,
}
