/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The SYN: what a listener does to it. */
#ifndef SYNWATCH_SYN_H
#define SYNWATCH_SYN_H

#include "drop.h"
#include "probes.h"

/* count_syn counts a SYN that was dropped or got a cookie. Its skb is consumed
 * later, which the tracepoint does not show. */
static __always_inline void count_syn(struct sock *sk, struct sk_buff *skb, __u64 facts)
{
	struct key key = { .facts = facts, .hook = HOOK_CONN_REQUEST };
	struct packet p = {};

	if (!enabled || !parse(skb, &p))
		return;
	fill_key(&key, &p, net_of_sock(sk));
	count(&key, p.src_port, &(struct evidence){ .listener = sk });
}

/* no_routes_back counts the replies without a route, of either family: a listener of
 * IPv6 may have a client of IPv4. */
static __always_inline __u64 no_routes_back(struct sock *sk)
{
	__u64 n = out_no_routes(sk, true);

	if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET6)
		n += out_no_routes(sk, false);
	return n;
}

/* conn_request(sk, skb) of each family, net/ipv4/tcp_ipv4.c, net/ipv6/tcp_ipv6.c
 * and net/mptcp/subflow.c, drops a SYN to an address that is not unicast and leaves
 * all others to tcp_conn_request, net/ipv4/tcp_input.c. The IPv6 one calls the other
 * for a mapped address: the inner call takes the outer one's place, and its return reports. */
static __always_inline void enter_conn_request(__u64 frame, struct sock *sk, struct sk_buff *skb)
{
	struct call *call = open_call(CALL_CONN_REQUEST, frame, sk, skb);

	if (!call)
		return;
	remember_counter(call, 0, mib_listen_overflows);
	remember_counter(call, 1, mib_listen_drops);
	remember_counter(call, 2, mib_req_queue_drop);
	remember_counter(call, 3, mib_cookies_sent);
	call->before[4] = no_routes_back(sk);
}

static __always_inline void leave_conn_request(struct call *call, __u64 ret)
{
	__u64 facts = 0;

	if (has_moved(call, 0, mib_listen_overflows))
		facts |= FACT_LISTEN_OVERFLOW;
	if (has_moved(call, 1, mib_listen_drops))
		facts |= FACT_LISTEN_DROP;
	if (has_moved(call, 2, mib_req_queue_drop))
		facts |= FACT_REQ_QUEUE_DROP;
	if (has_moved(call, 3, mib_cookies_sent))
		facts |= FACT_COOKIE_SENT;
	if (facts && call->refused)
		facts |= FACT_RESERVED;
	if (facts == FACT_LISTEN_DROP && !call->migrated &&
	    no_routes_back(call->sk) != call->before[4])
		facts |= FACT_NO_ROUTE;
	if (facts)
		count_syn(call->sk, (struct sk_buff *)call->subject, unknown_to_verifier(facts));
}

ENTRY(tcp_v4_conn_request, enter_conn_request, FRAME, 0, 1)
RETURN(tcp_v4_conn_request, CALL_CONN_REQUEST, leave_conn_request, 1, 2)
ENTRY(tcp_v6_conn_request, enter_conn_request, FRAME, 0, 1)
RETURN(tcp_v6_conn_request, CALL_CONN_REQUEST, leave_conn_request, 1, 2)
ENTRY(subflow_v4_conn_request, enter_conn_request, FRAME, 0, 1)
RETURN(subflow_v4_conn_request, CALL_CONN_REQUEST, leave_conn_request, 1, 2)
ENTRY(subflow_v6_conn_request, enter_conn_request, FRAME, 0, 1)
RETURN(subflow_v6_conn_request, CALL_CONN_REQUEST, leave_conn_request, 1, 2)

/* tcp_peer_is_proven(req, dst) is asked only within the last quarter of
 * tcp_max_syn_backlog and with cookies off, and its "no" drops the SYN. */
static __always_inline void leave_peer_is_proven(__u64 frame, __u64 ret)
{
	struct call *call = ret & 0xff ? NULL : outer_call(CALL_CONN_REQUEST, frame);

	if (call)
		call->refused = true;
}

RETURN_ALONE(tcp_peer_is_proven, leave_peer_is_proven, 2)

#endif
