// SPDX-License-Identifier: Apache-2.0

package event

import "slices"

// Hook names the probe that counted an event: a function of the kernel, or a
// tracepoint.
type Hook string

// The hooks that count. bpf/schema.h is made from them: one more is a line here,
// and `make generate`.
const (
	// HookFree is the kfree_skb tracepoint: a packet died there.
	HookFree Hook = "kfree_skb"
	// HookConnRequest is tcp_conn_request, seen from the functions that call it:
	// it consumes a SYN whether or not it drops it, so that no free shows the drop.
	HookConnRequest Hook = "tcp_conn_request"
	// HookValidateIncoming refuses a segment of a connection, on kernels whose
	// tcp_drop no tracepoint sees.
	HookValidateIncoming Hook = "tcp_validate_incoming"
	// HookDataQueue does so for want of a window.
	HookDataQueue Hook = "tcp_data_queue"
	// HookRmemSchedule does so for want of memory.
	HookRmemSchedule Hook = "tcp_try_rmem_schedule"
	// HookPruneOFO drops segments that had come out of order.
	HookPruneOFO Hook = "tcp_prune_ofo_queue"
	// HookRequestTimer gives up a request.
	HookRequestTimer Hook = "reqsk_timer_handler"
	// HookRequestError ends a request for an ICMP error.
	HookRequestError Hook = "tcp_req_err"
	// HookTimeWaitAlloc: there is no room for a connection in TIME_WAIT.
	HookTimeWaitAlloc Hook = "inet_twsk_alloc"
	// HookCheckOOM aborts a closed connection for want of memory.
	HookCheckOOM Hook = "tcp_check_oom"
	// HookConntrackDelete evicts an entry of the connection tracking table.
	HookConntrackDelete Hook = "nf_ct_delete"
	// HookConntrackIn finds a packet invalid, which lives on.
	HookConntrackIn Hook = "nf_conntrack_in"
	// HookConnectV4 and HookConnectV6 fail for want of a route.
	HookConnectV4 Hook = "tcp_v4_connect"
	HookConnectV6 Hook = "tcp_v6_connect"
)

// Hooks lists the hooks that count.
func Hooks() []Hook { return slices.Clone(hooks[:]) }

// HookNumber is the hook that has the number n on the kernel side, empty if none
// has.
func HookNumber(n uint8) Hook {
	if int(n) >= len(hooks) {
		return ""
	}
	return hooks[n]
}
