/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Hooks for kernels from before the drop reasons: later ones give a reason for the
 * same. User space attaches them only where the kernel lacks that reason. The
 * tracepoint counts the packets in either case.
 */
#ifndef SYNWATCH_BEFORE_REASONS_H
#define SYNWATCH_BEFORE_REASONS_H

#include "skb_facts.h"
#include "mib.h"
#include "probes.h"

/* tcp_v{4,6}_inbound_md5_hash(sk, skb) returns true for a segment to be dropped. */
static __always_inline void enter_inbound_md5(__u64 frame, struct sock *sk, struct sk_buff *skb)
{
	struct call *call = open_call(CALL_INBOUND_MD5, frame, sk, skb);

	if (!call)
		return;
	remember_counter(call, 0, mib_md5_missing);
	remember_counter(call, 1, mib_md5_unexpected);
	remember_counter(call, 2, mib_md5_failed);
}

static __always_inline void leave_inbound_md5(struct call *call, __u64 ret)
{
	__u64 facts = 0;

	if (!(ret & 0xff))
		return;
	if (has_moved(call, 0, mib_md5_missing))
		facts |= FACT_AUTH_MISSING;
	if (has_moved(call, 1, mib_md5_unexpected))
		facts |= FACT_AUTH_UNEXPECTED;
	if (has_moved(call, 2, mib_md5_failed))
		facts |= FACT_AUTH_FAILED;
	add_facts((struct sk_buff *)call->subject, unknown_to_verifier(facts));
}

ENTRY(tcp_v4_inbound_md5_hash, enter_inbound_md5, FRAME, 0, 1)
RETURN(tcp_v4_inbound_md5_hash, CALL_INBOUND_MD5, leave_inbound_md5, 1, 2)
ENTRY(tcp_v6_inbound_md5_hash, enter_inbound_md5, FRAME, 0, 1)
RETURN(tcp_v6_inbound_md5_hash, CALL_INBOUND_MD5, leave_inbound_md5, 1, 2)

/* tcp_add_backlog(sk, skb, …) returns true also for a wrong checksum. It has
 * released the route, from which alone the namespace was known. */
static __always_inline void enter_add_backlog(__u64 frame, struct sock *sk, struct sk_buff *skb)
{
	struct call *call = open_call(CALL_ADD_BACKLOG, frame, sk, skb);

	if (call)
		remember_counter(call, 0, mib_backlog_drop);
}

static __always_inline void leave_add_backlog(struct call *call, __u64 ret)
{
	struct sock *sk = call->sk;
	struct skb_facts *m;

	if (!sk || !(ret & 0xff) || !has_moved(call, 0, mib_backlog_drop))
		return;
	m = add_facts((struct sk_buff *)call->subject, FACT_SOCKET_BACKLOG);
	if (m)
		m->net = net_of_sock(sk);
}

ENTRY(tcp_add_backlog, enter_add_backlog, FRAME, 0, 1)
RETURN(tcp_add_backlog, CALL_ADD_BACKLOG, leave_add_backlog, 1, nargs_add_backlog)

/* enqueue_to_backlog(skb, cpu, qtail) frees the packet itself: is_arriving looks for
 * the call. */
static __always_inline void enter_cpu_backlog(__u64 frame, struct sk_buff *skb)
{
	open_call(CALL_CPU_BACKLOG, frame, NULL, skb);
}

static __always_inline void leave_cpu_backlog(struct call *call, __u64 ret)
{
}

ENTRY(enqueue_to_backlog, enter_cpu_backlog, FRAME, 0)
RETURN(enqueue_to_backlog, CALL_CPU_BACKLOG, leave_cpu_backlog, 0, 3)

/* sk_filter_trim_cap(sk, skb, cap) */
static __always_inline void leave_socket_filter(__u64 frame, struct sk_buff *skb, __u64 ret)
{
	if ((__s32)ret)
		add_facts(skb, FACT_SOCKET_FILTER);
}

RETURN_ARGUMENT(sk_filter_trim_cap, CALL_SOCKET_FILTER, leave_socket_filter, 1, 3)

/* ip_route_input_noref(skb, daddr, saddr, tos, dev), until the kernel that has
 * IP_LOCAL_SOURCE: -EXDEV from the reverse-path filter, -EINVAL for a martian. */
static __always_inline void leave_route_input(__u64 frame, struct sk_buff *skb, __u64 ret)
{
	if ((__s32)ret == -18)
		add_facts(skb, FACT_REVERSE_PATH);
	else if ((__s32)ret == -22)
		add_facts(skb, FACT_MARTIAN);
}

RETURN_ARGUMENT(ip_route_input_noref, CALL_ROUTE_INPUT, leave_route_input, 0, 5)

#endif
