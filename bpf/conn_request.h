/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The functions that judge a SYN, where they can be hooked; see also syn_passage.h. */
#ifndef SYNWATCH_CONN_REQUEST_H
#define SYNWATCH_CONN_REQUEST_H

#include "probes.h"
#include "syn.h"

/* no_routes_back counts the replies without a route, of either family: a listener of
 * IPv6 may have a client of IPv4. */
static __always_inline __u64 no_routes_back(struct sock *sk)
{
	__u64 n = out_no_routes(sk, true);

	if (FIELD(false, sk, __sk_common.skc_family) == AF_INET6)
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
	read_syn_counters(call->before, call->mib);
	call->before[SYN_NO_ROUTES] = no_routes_back(sk);
}

static __always_inline void leave_conn_request(struct call *call, __u64 ret)
{
	__u64 now[SYN_COUNTERS];
	__u64 facts;

	/* Each drop moves the one, and no cookie leaves without the other. */
	now[SYN_DROPS] = mib_read(call->mib, mib_listen_drops);
	now[SYN_COOKIES] = mib_read(call->mib, mib_cookies_sent);
	if (now[SYN_DROPS] == call->before[SYN_DROPS] &&
	    now[SYN_COOKIES] == call->before[SYN_COOKIES])
		return;
	now[SYN_OVERFLOWS] = mib_read(call->mib, mib_listen_overflows);
	now[SYN_QUEUE_DROPS] = mib_read(call->mib, mib_req_queue_drop);
	now[SYN_NO_ROUTES] = call->before[SYN_NO_ROUTES];
	/* No queue refused it. */
	if (now[SYN_OVERFLOWS] == call->before[SYN_OVERFLOWS] &&
	    now[SYN_QUEUE_DROPS] == call->before[SYN_QUEUE_DROPS])
		now[SYN_NO_ROUTES] = no_routes_back(call->sk);
	facts = syn_facts(call->before, now, call->refused);
	if (facts)
		count_syn((struct sk_buff *)call->subject, net_of_sock(call->sk), call->sk,
			  unknown_to_verifier(facts));
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
