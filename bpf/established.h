/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Segments of connections: net/ipv4/tcp_input.c. From 6.1 they die at the
 * tracepoint with a reason, and the hooks here only add to it. On 5.10 tcp_drop
 * is __kfree_skb, which no tracepoint sees: there the hooks count.
 */
#ifndef SYNWATCH_ESTABLISHED_H
#define SYNWATCH_ESTABLISHED_H

#include "drop.h"
#include "mib.h"
#include "probes.h"
#include "receive.h"
#include "segment.h"

static __always_inline void count_segment(struct sock *sk, const struct packet *p, __u8 hook,
					  __u64 facts, __u64 n)
{
	struct key key = { .facts = facts, .hook = hook };

	if (!enabled)
		return;
	fill_key(&key, p, net_of_sock(sk));
	count_many(&key, p->src_port, &(struct evidence){ .receiver = sk }, n);
}

/* include/net/tcp.h:before */
static __always_inline bool before(__u32 a, __u32 b)
{
	return (__s32)(a - b) < 0;
}

/* tcp_sequence, as of 5.10: the two ways to lie outside of the window. An empty
 * segment before it is a keepalive or a window probe, and is answered. */
static __always_inline __u64 window_facts(struct sock *sk, __u32 seq, __u32 end)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;

	if (before(end, FIELD(false, tp, rcv_wup)))
		return seq == end ? 0 : FACT_BEFORE_WINDOW;
	if (before(FIELD(false, tp, rcv_nxt) + receive_window(tp), seq))
		return FACT_BEYOND_WINDOW;
	return 0;
}

/* tcp_validate_incoming(sk, skb, th, syn_inerr) returns false for a segment that
 * goes no further, and has freed it then. */
static __always_inline void enter_validate(__u64 frame, struct sock *sk, struct sk_buff *skb)
{
	struct call *call = open_call(CALL_VALIDATE, frame, sk, skb);
	struct tcp_skb_cb *cb = (struct tcp_skb_cb *)&skb->cb[0];

	if (!call)
		return;
	call->seq = FIELD(false, cb, seq);
	call->facts = window_facts(sk, call->seq, FIELD(false, cb, end_seq));
	remember_counter(call, 0, mib_paws_estab);
	remember_counter(call, 1, mib_paws_old_ack);
	if (!kernel_has_reasons())
		parse(skb, &call->packet);
}

static __always_inline void leave_validate(struct call *call, __u64 ret)
{
	__u64 facts;

	if (ret & 0xff || kernel_has_reasons())
		return;
	facts = validate_facts(call);
	if (facts)
		count_segment(call->sk, &call->packet, HOOK_VALIDATE_INCOMING, facts, 1);
}

ENTRY(tcp_validate_incoming, enter_validate, FRAME, 0, 1)
RETURN(tcp_validate_incoming, CALL_VALIDATE, leave_validate, 1, 4)

/* tcp_data_queue(sk, skb) */
static __always_inline void enter_data_queue(__u64 frame, struct sock *sk, struct sk_buff *skb)
{
	struct call *call = open_call(CALL_DATA_QUEUE, frame, sk, skb);

	if (!call)
		return;
	parse(skb, &call->packet);
	call->seq = call->packet.seq;
	remember_counter(call, 0, mib_zero_window);
}

static __always_inline void leave_data_queue(struct call *call, __u64 ret)
{
	if (kernel_has_reasons() || !has_moved(call, 0, mib_zero_window))
		return;
	/* A softirq that interrupts a task may have moved it. */
	if (!receive_window((struct tcp_sock *)call->sk))
		count_segment(call->sk, &call->packet, HOOK_DATA_QUEUE, FACT_ZERO_WINDOW, 1);
}

ENTRY(tcp_data_queue, enter_data_queue, FRAME, 0, 1)
RETURN(tcp_data_queue, CALL_DATA_QUEUE, leave_data_queue, 1, 0)

/* tcp_try_rmem_schedule(sk, skb, size) returns a negative number when the segment
 * has no room: in the buffer, or for TCP as a whole. */
static __always_inline void enter_rmem_schedule(__u64 frame, struct sock *sk, struct sk_buff *skb)
{
	open_call(CALL_RMEM_SCHEDULE, frame, sk, skb);
}

static __always_inline void leave_rmem_schedule(struct call *call, __u64 ret)
{
	struct sock *sk = call->sk;
	struct packet p = {};
	struct sk_buff *skb;
	struct skb_facts *m;
	__u64 facts;

	if (!sk || (__s32)ret >= 0)
		return;
	skb = (struct sk_buff *)call->subject;
	if (!parse(skb, &p))
		return;
	facts = unknown_to_verifier(room_facts(sk, skb));
	if (!kernel_has_reasons()) {
		count_segment(sk, &p, HOOK_RMEM_SCHEDULE, facts, 1);
		return;
	}
	m = add_packet_facts(skb, &p, facts);
	if (m)
		m->net = net_of_sock(sk);
}

ENTRY(tcp_try_rmem_schedule, enter_rmem_schedule, FRAME, 0, 1)
RETURN(tcp_try_rmem_schedule, CALL_RMEM_SCHEDULE, leave_rmem_schedule, 1, 3)

/* tcp_prune_ofo_queue(sk) drops what lies furthest ahead, and adds each to
 * sk_drops. */
static __always_inline void enter_prune_ofo(__u64 frame, struct sock *sk)
{
	struct call *call = open_call(CALL_PRUNE_OFO, frame, sk, sk);

	if (call)
		call->before[0] = BPF_CORE_READ(sk, sk_drops.counter);
}

static __always_inline void leave_prune_ofo(struct call *call, __u64 ret)
{
	struct sock *sk = call->sk;
	struct packet p = {};
	__u32 victims;

	if (!sk || !parse_sock(&sk->__sk_common, &p))
		return;
	victims = BPF_CORE_READ(sk, sk_drops.counter) - call->before[0];
	if (victims)
		count_segment(sk, &p, HOOK_PRUNE_OFO, FACT_RECEIVE_BUFFER, victims);
}

ENTRY(tcp_prune_ofo_queue, enter_prune_ofo, FRAME, 0)
RETURN(tcp_prune_ofo_queue, CALL_PRUNE_OFO, leave_prune_ofo, 0, nargs_prune_ofo)

#endif
