/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The SYN: what a listener does to it, and how the kernel's counters show that. */
#ifndef SYNWATCH_SYN_H
#define SYNWATCH_SYN_H

#include "drop.h"
#include "syn_counters.h"

/* syn_facts says what happened to a SYN by how the counters moved. reserved says that
 * the room that was left is kept for others. */
static __always_inline __u64 syn_facts(const __u64 before[SYN_COUNTERS],
				       const __u64 now[SYN_COUNTERS], bool reserved)
{
	__u64 facts = 0;

	if (now[SYN_OVERFLOWS] != before[SYN_OVERFLOWS])
		facts |= FACT_LISTEN_OVERFLOW;
	if (now[SYN_DROPS] != before[SYN_DROPS])
		facts |= FACT_LISTEN_DROP;
	if (now[SYN_QUEUE_DROPS] != before[SYN_QUEUE_DROPS])
		facts |= FACT_REQ_QUEUE_DROP;
	if (now[SYN_COOKIES] != before[SYN_COOKIES])
		facts |= FACT_COOKIE_SENT;
	if (facts && reserved)
		facts |= FACT_RESERVED;
	if (facts == FACT_LISTEN_DROP && now[SYN_NO_ROUTES] != before[SYN_NO_ROUTES])
		facts |= FACT_NO_ROUTE;
	return facts;
}

/* count_syn counts a SYN that was dropped or got a cookie. Its skb is consumed
 * later, which the kfree_skb tracepoint does not show. listener may be NULL. */
static __always_inline void count_syn(struct sk_buff *skb, struct net *net, struct sock *listener,
				      __u64 facts)
{
	struct key key = { .facts = facts, .hook = HOOK_CONN_REQUEST };
	struct packet p = {};

	if (!enabled || !parse(skb, &p))
		return;
	fill_key(&key, &p, net);
	count(&key, p.src_port, &(struct evidence){ .listener = listener });
}

#endif
