/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A connection's state, and the call that is judging a segment of it. */
#ifndef SYNWATCH_RECEIVE_H
#define SYNWATCH_RECEIVE_H

#include "skb_facts.h"
#include "probes.h"

/* include/net/tcp.h:tcp_receive_window */
static __always_inline __u32 receive_window(struct tcp_sock *tp)
{
	__s32 window =
		FIELD(false, tp, rcv_wup) + FIELD(false, tp, rcv_wnd) - FIELD(false, tp, rcv_nxt);

	return window > 0 ? window : 0;
}

static __always_inline bool is_connection(struct sock *sk)
{
	__u8 state = BPF_CORE_READ(sk, __sk_common.skc_state);

	/* A full socket. */
	return state != TCP_LISTEN && state != TCP_TIME_WAIT && state != TCP_NEW_SYN_RECV;
}

static __always_inline void read_receiver(struct receiver *r, struct sock *sk)
{
	r->memory = BPF_CORE_READ(sk, sk_backlog.rmem_alloc.counter);
	r->limit = BPF_CORE_READ(sk, sk_rcvbuf);
	r->backlog = BPF_CORE_READ(sk, sk_backlog.len);
	r->window = receive_window((struct tcp_sock *)sk);
	r->known = 1;
}

static __always_inline void read_segment(struct sock *sk, struct timestamps *t, struct receiver *r)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;

	read_receiver(r, sk);
	read_timestamps(t, BPF_CORE_READ(tp, rx_opt.rcv_tsval), BPF_CORE_READ(tp, rx_opt.ts_recent),
			BPF_CORE_READ(tp, rx_opt.ts_recent_stamp));
}

/* has_old_timestamp says whether the connection's last segment had a timestamp that
 * is older than the newest before: PAWS rejects no other. */
static __always_inline bool has_old_timestamp(struct sock *sk)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;

	return (__s32)(FIELD(false, tp, rx_opt.ts_recent) - FIELD(false, tp, rx_opt.rcv_tsval)) > 0;
}

/* validate_facts is what the call has found so far. It may run in a task, and the
 * counters may be moved by a softirq meanwhile: the connection's state must agree,
 * which no other code changes. */
static __always_inline __u64 validate_facts(const struct call *call)
{
	bool paws = has_moved(call, 0, mib_paws_estab);
	bool old_ack = has_moved(call, 1, mib_paws_old_ack);
	__u64 facts = call->facts;

	if ((paws || old_ack) && has_old_timestamp(call->sk)) {
		if (paws)
			facts |= FACT_PAWS;
		if (old_ack)
			facts |= FACT_PAWS_OLD_ACK;
	}
	return unknown_to_verifier(facts);
}

#endif
