/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What later kernels tell by a drop reason. User space attaches these only where
 * the kernel has no such reason; the packets die at the tracepoint all the same.
 */
#ifndef SYNWATCH_BEFORE_REASONS_H
#define SYNWATCH_BEFORE_REASONS_H

#include "skb_facts.h"
#include "mib.h"
#include "probes.h"

/* tcp_v{4,6}_inbound_md5_hash(sk, skb) returns true for a segment to be dropped. */
static __always_inline void enter_inbound_md5(struct sock *sk, struct sk_buff *skb)
{
	struct slot *s = open_slot(CALL_INBOUND_MD5, sk, skb);

	if (!s)
		return;
	remember_counter(s, 0, mib_md5_missing);
	remember_counter(s, 1, mib_md5_unexpected);
	remember_counter(s, 2, mib_md5_failed);
}

static __always_inline void leave_inbound_md5(__u64 ret)
{
	struct sk_buff *skb;
	__u64 facts = 0;
	struct slot *s = close_slot(CALL_INBOUND_MD5, &skb);

	if (!s || !(ret & 0xff))
		return;
	if (moved(s, 0, mib_md5_missing))
		facts |= FACT_AUTH_MISSING;
	if (moved(s, 1, mib_md5_unexpected))
		facts |= FACT_AUTH_UNEXPECTED;
	if (moved(s, 2, mib_md5_failed))
		facts |= FACT_AUTH_FAILED;
	add_facts(skb, facts);
}

ENTRY(tcp_v4_inbound_md5_hash, enter_inbound_md5, 0, 1)
RETURN(tcp_v4_inbound_md5_hash, leave_inbound_md5, 2)
ENTRY(tcp_v6_inbound_md5_hash, enter_inbound_md5, 0, 1)
RETURN(tcp_v6_inbound_md5_hash, leave_inbound_md5, 2)

/* tcp_add_backlog(sk, skb, …) returns true also for a wrong checksum. It has
 * dropped the route, the last that told the packet's namespace. */
static __always_inline void enter_add_backlog(struct sock *sk, struct sk_buff *skb)
{
	struct slot *s = open_slot(CALL_ADD_BACKLOG, sk, skb);

	if (s)
		remember_counter(s, 0, mib_backlog_drop);
}

static __always_inline void leave_add_backlog(__u64 ret)
{
	struct sk_buff *skb;
	struct skb_facts *m;
	struct slot *s = close_slot(CALL_ADD_BACKLOG, &skb);
	struct sock *sk = s ? s->sk : NULL;

	if (!sk || !(ret & 0xff) || !moved(s, 0, mib_backlog_drop))
		return;
	m = add_facts(skb, FACT_SOCKET_BACKLOG);
	if (m)
		m->net = net_of_sock(sk);
}

ENTRY(tcp_add_backlog, enter_add_backlog, 0, 1)
RETURN(tcp_add_backlog, leave_add_backlog, nargs_add_backlog)

/* enqueue_to_backlog(skb, cpu, qtail) frees the packet itself. */
static __always_inline void enter_cpu_backlog(struct sk_buff *skb)
{
	open_slot(CALL_CPU_BACKLOG, NULL, skb);
}

static __always_inline void leave_cpu_backlog(__u64 ret)
{
	struct sk_buff *skb;

	close_slot(CALL_CPU_BACKLOG, &skb);
}

ENTRY1(enqueue_to_backlog, enter_cpu_backlog, 0)
RETURN(enqueue_to_backlog, leave_cpu_backlog, 3)

/* sk_filter_trim_cap(sk, skb, cap) */
static __always_inline void leave_socket_filter(struct sk_buff *skb, __u64 ret)
{
	if ((__s32)ret)
		add_facts(skb, FACT_SOCKET_FILTER);
}

RETURN_ARG(sk_filter_trim_cap, leave_socket_filter, 1, 3, CALL_SOCKET_FILTER)

/* ip_route_input_noref(skb, daddr, saddr, tos, dev), until the kernel that has
 * IP_LOCAL_SOURCE: -EXDEV from the reverse-path filter, -EINVAL for a martian. */
static __always_inline void leave_route_input(struct sk_buff *skb, __u64 ret)
{
	if ((__s32)ret == -18)
		add_facts(skb, FACT_REVERSE_PATH);
	else if ((__s32)ret == -22)
		add_facts(skb, FACT_MARTIAN);
}

RETURN_ARG(ip_route_input_noref, leave_route_input, 0, 5, CALL_ROUTE_INPUT)

#endif
