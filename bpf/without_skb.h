/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What ends without a packet to free: requests, connections, entries. */
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
	fill_key(&key, &p, inode_of(net_of_sock(sk)));
	count(&key, p.src_port, &(struct evidence){});
}

static __always_inline bool is_hashed(const struct request_sock *req)
{
	return BPF_CORE_READ(req, __req_common.skc_nulls_node.pprev);
}

/* reqsk_timer_handler(timer), net/ipv4/inet_connection_sock.c, takes a request out
 * of the hash when it gives it up. It may be freed by then, but requests are
 * SLAB_TYPESAFE_BY_RCU, so that what it said stays there. */
static __always_inline void enter_request_timer(struct timer_list *timer)
{
	struct request_sock *req = NULL;
	struct inet_request_sock *ireq;
	struct sock *listener;
	struct slot *s;

	req = (void *)timer - bpf_core_field_offset(req->rsk_timer);
	ireq = (struct inet_request_sock *)req;
	listener = BPF_CORE_READ(req, __req_common.skc_listener);
	/* A listener that closes gives its requests up too. */
	if (!is_hashed(req) || BPF_CORE_READ(listener, __sk_common.skc_state) != TCP_LISTEN)
		return;
	s = open_slot(CALL_REQUEST_TIMER, listener, (struct sk_buff *)req);
	if (!s)
		return;
	parse_sock(&req->__req_common, &s->packet);
	s->facts = FACT_EXPIRED;
	if (BPF_CORE_READ_BITFIELD_PROBED(ireq, acked))
		s->facts |= FACT_ACKED;
}

static __always_inline void leave_request_timer(__u64 ret)
{
	struct key key = { .hook = HOOK_REQUEST_TIMER };
	struct sk_buff *req;
	struct slot *s = close_slot(CALL_REQUEST_TIMER, &req);
	struct sock *listener = s ? s->sk : NULL;

	if (!listener || !enabled || is_hashed((struct request_sock *)req))
		return;
	key.facts = s->facts;
	fill_key(&key, &s->packet, inode_of(net_of_sock(listener)));
	count(&key, s->packet.src_port, &(struct evidence){ .listener = listener });
}

ENTRY1(reqsk_timer_handler, enter_request_timer, 0)
RETURN(reqsk_timer_handler, leave_request_timer, 0)

/* tcp_req_err(request, seq, abort), net/ipv4/tcp_ipv4.c, for an ICMP error. */
static __always_inline void enter_request_error(struct sock *req)
{
	struct slot *s = open_slot(CALL_REQUEST_ERROR, req, (struct sk_buff *)req);

	if (!s)
		return;
	parse_sock(&req->__sk_common, &s->packet);
	remember_counter(s, 0, mib_listen_drops);
}

static __always_inline void leave_request_error(__u64 ret)
{
	struct key key = { .facts = FACT_ICMP_ERROR, .hook = HOOK_REQUEST_ERROR };
	struct sk_buff *unused;
	struct slot *s = close_slot(CALL_REQUEST_ERROR, &unused);
	struct sock *req = s ? s->sk : NULL;

	if (!req || !enabled || !moved(s, 0, mib_listen_drops))
		return;
	fill_key(&key, &s->packet, inode_of(net_of_sock(req)));
	count(&key, s->packet.src_port, &(struct evidence){});
}

ENTRY1(tcp_req_err, enter_request_error, 0)
RETURN(tcp_req_err, leave_request_error, 0)

/* inet_twsk_alloc(sk, death_row, state) returns NULL past tcp_max_tw_buckets. */
static __always_inline void leave_twsk_alloc(struct sock *sk, __u64 ret)
{
	if (!ret)
		count_sock(sk, HOOK_TIME_WAIT_ALLOC, FACT_TIME_WAIT_OVERFLOW);
}

RETURN_ARG(inet_twsk_alloc, leave_twsk_alloc, 0, 3, CALL_TIME_WAIT_ALLOC)

/* tcp_check_oom(sk, shift) aborts the connection when it returns true. */
static __always_inline void leave_check_oom(struct sock *sk, __u64 ret)
{
	if (ret & 0xff)
		count_sock(sk, HOOK_CHECK_OOM, FACT_TCP_MEMORY);
}

RETURN_ARG(tcp_check_oom, leave_check_oom, 0, 2, CALL_CHECK_OOM)

#endif
