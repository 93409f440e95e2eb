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

static __always_inline void count_segment(struct sock *sk, const struct packet *p, __u8 hook,
					  __u64 facts, __u64 n)
{
	struct key key = { .facts = facts, .hook = hook };

	if (!enabled)
		return;
	fill_key(&key, p, inode_of(net_of_sock(sk)));
	count_many(&key, p->src_port, &(struct evidence){ .receiver = sk }, n);
}

/* include/net/tcp.h:before */
static __always_inline bool before(__u32 a, __u32 b)
{
	return (__s32)(a - b) < 0;
}

/* tcp_sequence, as of 5.10: the two ways to lie outside of the window. An empty
 * segment before it is a keepalive or a window probe, and is answered. */
static __always_inline __u64 window_facts(struct sock *sk, struct sk_buff *skb)
{
	struct tcp_skb_cb *cb = (struct tcp_skb_cb *)&skb->cb[0];
	struct tcp_sock *tp = (struct tcp_sock *)sk;
	__u32 end = FIELD(false, cb, end_seq);
	__u32 seq = FIELD(false, cb, seq);

	if (before(end, FIELD(false, tp, rcv_wup)))
		return seq == end ? 0 : FACT_BEFORE_WINDOW;
	if (before(FIELD(false, tp, rcv_nxt) + receive_window(tp), seq))
		return FACT_BEYOND_WINDOW;
	return 0;
}

/* tcp_validate_incoming(sk, skb, th, syn_inerr) returns false for a segment that
 * goes no further, and has freed it then. */
static __always_inline void enter_validate(struct sock *sk, struct sk_buff *skb)
{
	struct slot *s = open_nested(CALL_VALIDATE, sk, skb);

	if (!s)
		return;
	s->facts = window_facts(sk, skb);
	remember_counter(s, 0, mib_paws_estab);
	remember_counter(s, 1, mib_paws_old_ack);
	if (!kernel_has_reasons())
		parse(skb, &s->packet);
}

static __always_inline void leave_validate(__u64 ret)
{
	struct sk_buff *skb;
	__u64 facts;
	struct slot *s = close_nested(CALL_VALIDATE, &skb);

	if (!s || ret & 0xff || kernel_has_reasons())
		return;
	facts = validate_facts(s);
	if (facts)
		count_segment(s->sk, &s->packet, HOOK_VALIDATE_INCOMING, facts, 1);
}

ENTRY(tcp_validate_incoming, enter_validate, 0, 1)
RETURN(tcp_validate_incoming, leave_validate, 4)

/* tcp_data_queue(sk, skb) */
static __always_inline void enter_data_queue(struct sock *sk, struct sk_buff *skb)
{
	struct slot *s = open_nested(CALL_DATA_QUEUE, sk, skb);

	if (!s)
		return;
	parse(skb, &s->packet);
	remember_counter(s, 0, mib_zero_window);
}

static __always_inline void leave_data_queue(__u64 ret)
{
	struct sk_buff *skb;
	struct slot *s = close_nested(CALL_DATA_QUEUE, &skb);

	if (s && !kernel_has_reasons() && moved(s, 0, mib_zero_window))
		count_segment(s->sk, &s->packet, HOOK_DATA_QUEUE, FACT_ZERO_WINDOW, 1);
}

ENTRY(tcp_data_queue, enter_data_queue, 0, 1)
RETURN(tcp_data_queue, leave_data_queue, 0)

/* tcp_try_rmem_schedule(sk, skb, size) returns a negative number when the segment
 * finds no room: in the buffer, or for TCP as a whole. */
static __always_inline void enter_rmem_schedule(struct sock *sk, struct sk_buff *skb)
{
	open_nested(CALL_RMEM_SCHEDULE, sk, skb);
}

static __always_inline void leave_rmem_schedule(__u64 ret)
{
	__u64 facts = FACT_TCP_MEMORY;
	struct packet p = {};
	struct sk_buff *skb;
	struct skb_facts *m;
	struct slot *s = close_nested(CALL_RMEM_SCHEDULE, &skb);
	struct sock *sk = s ? s->sk : NULL;

	if (!sk || (__s32)ret >= 0 || !parse(skb, &p))
		return;
	/* Some kernels ask for room for the segment, others for any room. */
	if (BPF_CORE_READ(sk, sk_backlog.rmem_alloc.counter) + BPF_CORE_READ(skb, truesize) >
	    BPF_CORE_READ(sk, sk_rcvbuf))
		facts = FACT_RECEIVE_BUFFER;
	if (!kernel_has_reasons()) {
		count_segment(sk, &p, HOOK_RMEM_SCHEDULE, facts, 1);
		return;
	}
	m = add_packet_facts(skb, &p, facts);
	if (m)
		m->net = net_of_sock(sk);
}

ENTRY(tcp_try_rmem_schedule, enter_rmem_schedule, 0, 1)
RETURN(tcp_try_rmem_schedule, leave_rmem_schedule, 3)

/* tcp_prune_ofo_queue(sk) drops what lies furthest ahead, and adds each to
 * sk_drops. */
static __always_inline void enter_prune_ofo(struct sock *sk)
{
	/* The slot is open while its skb is not NULL; there is none here. */
	struct slot *s = open_nested(CALL_PRUNE_OFO, sk, (struct sk_buff *)sk);

	if (s)
		s->before[0] = BPF_CORE_READ(sk, sk_drops.counter);
}

static __always_inline void leave_prune_ofo(__u64 ret)
{
	struct packet p = {};
	struct sk_buff *unused;
	__u32 victims;
	struct slot *s = close_nested(CALL_PRUNE_OFO, &unused);
	struct sock *sk = s ? s->sk : NULL;

	if (!sk || !parse_sock(&sk->__sk_common, &p))
		return;
	victims = BPF_CORE_READ(sk, sk_drops.counter) - s->before[0];
	if (victims)
		count_segment(sk, &p, HOOK_PRUNE_OFO, FACT_RECEIVE_BUFFER, victims);
}

ENTRY1(tcp_prune_ofo_queue, enter_prune_ofo, 0)
RETURN(tcp_prune_ofo_queue, leave_prune_ofo, nargs_prune_ofo)

#endif
