/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Drops and notices without an skb that is freed: requests that expire or that an
 * ICMP error ends, TIME_WAIT sockets that are not kept, connections that are aborted. */
#ifndef SYNWATCH_WITHOUT_SKB_H
#define SYNWATCH_WITHOUT_SKB_H

#include "drop.h"
#include "mib.h"
#include "probes.h"

static __always_inline void count_sock(struct sock *sk, __u8 hook, __u64 facts)
{
	struct key key = { .facts = facts, .hook = hook };
	struct packet p = {};

	if (!enabled || !parse_sock(&sk->__sk_common, &p))
		return;
	fill_key(&key, &p, net_of_sock(sk));
	count(&key, p.src_port, &(struct evidence){});
}

static __always_inline struct request_sock *request_of(const void *timer)
{
	struct request_sock *req = NULL;

	return (void *)timer - bpf_core_field_offset(req->rsk_timer);
}

static __always_inline bool is_hashed(const struct request_sock *req)
{
	return BPF_CORE_READ(req, __req_common.skc_nulls_node.pprev);
}

/* reqsk_timer_handler(timer), net/ipv4/inet_connection_sock.c, takes a request out
 * of the hash when it gives it up. It may be freed by then, but requests are
 * SLAB_TYPESAFE_BY_RCU, so that what it said stays there. */
static __always_inline void enter_request_timer(__u64 frame, struct timer_list *timer)
{
	struct request_sock *req = request_of(timer);
	struct inet_request_sock *ireq = (struct inet_request_sock *)req;
	struct sock *listener;
	struct call *call;

	listener = BPF_CORE_READ(req, __req_common.skc_listener);
	/* A listener that closes gives its requests up too. */
	if (!is_hashed(req) || BPF_CORE_READ(listener, __sk_common.skc_state) != TCP_LISTEN)
		return;
	call = open_call(CALL_REQUEST_TIMER, frame, listener, timer);
	if (!call)
		return;
	parse_sock(&req->__req_common, &call->packet);
	call->facts = FACT_EXPIRED;
	if (BPF_CORE_READ_BITFIELD_PROBED(ireq, acked))
		call->facts |= FACT_ACKED;
}

static __always_inline void leave_request_timer(struct call *call, __u64 ret)
{
	struct key key = { .hook = HOOK_REQUEST_TIMER };
	struct sock *listener = call->sk;

	if (!listener || !enabled || is_hashed(request_of(call->subject)))
		return;
	key.facts = call->facts;
	fill_key(&key, &call->packet, net_of_sock(listener));
	count(&key, call->packet.src_port, &(struct evidence){ .listener = listener });
}

ENTRY(reqsk_timer_handler, enter_request_timer, FRAME, 0)
RETURN(reqsk_timer_handler, CALL_REQUEST_TIMER, leave_request_timer, 0, 0)

/* tcp_req_err(request, seq, abort), net/ipv4/tcp_ipv4.c, for an ICMP error. */
static __always_inline void enter_request_error(__u64 frame, struct sock *req)
{
	struct call *call = open_call(CALL_REQUEST_ERROR, frame, req, req);

	if (!call)
		return;
	parse_sock(&req->__sk_common, &call->packet);
	remember_counter(call, 0, mib_listen_drops);
}

static __always_inline void leave_request_error(struct call *call, __u64 ret)
{
	struct key key = { .facts = FACT_ICMP_ERROR, .hook = HOOK_REQUEST_ERROR };
	struct sock *req = call->sk;

	if (!req || !enabled || !has_moved(call, 0, mib_listen_drops))
		return;
	fill_key(&key, &call->packet, net_of_sock(req));
	count(&key, call->packet.src_port, &(struct evidence){});
}

ENTRY(tcp_req_err, enter_request_error, FRAME, 0)
RETURN(tcp_req_err, CALL_REQUEST_ERROR, leave_request_error, 0, 0)

/* inet_twsk_alloc(sk, death_row, state) returns NULL past tcp_max_tw_buckets. */
static __always_inline void leave_twsk_alloc(__u64 frame, struct sock *sk, __u64 ret)
{
	if (!ret)
		count_sock(sk, HOOK_TIME_WAIT_ALLOC, FACT_TIME_WAIT_OVERFLOW);
}

RETURN_ARGUMENT(inet_twsk_alloc, CALL_TIME_WAIT_ALLOC, leave_twsk_alloc, 0, 3)

/* tcp_check_oom(sk, shift) aborts the connection when it returns true. */
static __always_inline void leave_check_oom(__u64 frame, struct sock *sk, __u64 ret)
{
	if (ret & 0xff)
		count_sock(sk, HOOK_CHECK_OOM, FACT_TCP_MEMORY);
}

RETURN_ARGUMENT(tcp_check_oom, CALL_CHECK_OOM, leave_check_oom, 0, 2)

#endif
