/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The SYN: tcp_conn_request and what may refuse it before. */
#ifndef SYNWATCH_SYN_H
#define SYNWATCH_SYN_H

#include "drop.h"
#include "probes.h"

/* count_syn counts what tcp_conn_request did to a SYN; its skb is consumed
 * later and no free will tell. */
static __always_inline void count_syn(struct sock *sk, struct sk_buff *skb, __u64 facts)
{
	struct key key = { .facts = facts, .hook = HOOK_CONN_REQUEST };
	struct packet p = {};

	if (!enabled || !parse(skb, &p))
		return;
	fill_key(&key, &p, inode_of(net_of_sock(sk)));
	count(&key, p.src_port, &(struct evidence){ .listener = sk });
}

/* tcp_conn_request(rsk_ops, af_ops, sk, skb), net/ipv4/tcp_input.c */
static __always_inline void enter_conn_request(struct sock *sk, struct sk_buff *skb)
{
	struct slot *s = open_slot(CALL_CONN_REQUEST, sk, skb);

	if (!s)
		return;
	remember_counter(s, 0, mib_listen_overflows);
	remember_counter(s, 1, mib_listen_drops);
	remember_counter(s, 2, mib_req_queue_drop);
	remember_counter(s, 3, mib_cookies_sent);
}

static __always_inline void leave_conn_request(__u64 ret)
{
	struct sk_buff *skb;
	__u64 facts = 0;
	struct slot *s = close_slot(CALL_CONN_REQUEST, &skb);

	if (!s)
		return;
	if (moved(s, 0, mib_listen_overflows))
		facts |= FACT_LISTEN_OVERFLOW;
	if (moved(s, 1, mib_listen_drops))
		facts |= FACT_LISTEN_DROP;
	if (moved(s, 2, mib_req_queue_drop))
		facts |= FACT_REQ_QUEUE_DROP;
	if (moved(s, 3, mib_cookies_sent))
		facts |= FACT_COOKIE_SENT;
	if (facts && s->noted)
		facts |= FACT_RESERVED;
	if (facts)
		count_syn(s->sk, skb, facts);
}

ENTRY(tcp_conn_request, enter_conn_request, 2, 3)
RETURN(tcp_conn_request, leave_conn_request, 4)

/* tcp_peer_is_proven(req, dst) is asked only within the last quarter of
 * tcp_max_syn_backlog and with cookies off, and its "no" drops the SYN. */
static __always_inline void leave_peer_is_proven(__u64 ret)
{
	struct slot *s = slot_of(CALL_CONN_REQUEST);

	if (s && s->skb && !(ret & 0xff))
		s->noted = true;
}

RETURN(tcp_peer_is_proven, leave_peer_is_proven, 2)

/* tcp_v4_conn_request(sk, skb) drops a SYN to a broadcast or multicast address
 * before tcp_conn_request; tcp_v6_conn_request any that is not unicast. */
static __always_inline void enter_v4_conn_request(struct sock *sk, struct sk_buff *skb)
{
	__u16 type = CAST_FIELD(dst_of(skb), struct rtable, rt_type);

	if (type == RTN_BROADCAST || type == RTN_MULTICAST)
		count_syn(sk, skb, FACT_LISTEN_DROP);
}

static __always_inline void enter_v6_conn_request(struct sock *sk, struct sk_buff *skb)
{
	if (FIELD(false, skb, protocol) != bpf_htons(ETH_P_IPV6))
		return;
	if (!(CAST_FIELD(dst_of(skb), struct rt6_info, rt6i_flags) & RTF_LOCAL))
		count_syn(sk, skb, FACT_LISTEN_DROP);
}

ENTRY(tcp_v4_conn_request, enter_v4_conn_request, 0, 1)
ENTRY(tcp_v6_conn_request, enter_v6_conn_request, 0, 1)

#endif
