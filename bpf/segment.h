/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a connection found wrong with a segment, from what there is when it is freed:
 * the segment, the socket and the reason. Where the kernel tells all of these no hook
 * looks at segments before (toldSegments in pkg/probe/hooks.go).
 */
#ifndef SYNWATCH_SEGMENT_H
#define SYNWATCH_SEGMENT_H

#include "config.h"
#include "packet.h"

/* room_facts says why tcp_try_rmem_schedule found no room for a segment. Some kernels
 * ask for room for the segment, others for any room. */
static __always_inline __u64 room_facts(struct sock *sk, struct sk_buff *skb)
{
	__u32 used = FIELD(false, sk, sk_backlog.rmem_alloc.counter) + FIELD(false, skb, truesize);

	return used > FIELD(false, sk, sk_rcvbuf) ? FACT_RECEIVE_BUFFER : FACT_TCP_MEMORY;
}

/* old_facts: an empty segment before the window is a keepalive or a window probe. */
static __always_inline __u64 old_facts(struct sk_buff *skb)
{
	struct tcp_skb_cb *cb = (struct tcp_skb_cb *)&skb->cb[0];

	return FIELD(false, cb, seq) == FIELD(false, cb, end_seq) ? 0 : FACT_BEFORE_WINDOW;
}

/* segment_facts returns the facts of a segment of TCP. tcp_sequence gives the two
 * reasons for the window (net/ipv4/tcp_input.c), and tcp_data_queue and
 * tcp_data_queue_ofo that for memory. A global function; see route_of. */
__noinline __u64 segment_facts(__u64 skb_number, __u64 sk_number, __u32 reason)
{
	struct sk_buff *skb = (struct sk_buff *)skb_number;

	if (reason == reason_old_sequence)
		return old_facts(skb);
	if (reason == reason_invalid_sequence)
		return FACT_BEYOND_WINDOW;
	if (reason == reason_proto_mem)
		return room_facts((struct sock *)sk_number, skb);
	return 0;
}

#endif
