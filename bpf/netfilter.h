/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A rule that rejects answers the packet before its verdict frees it. */
#ifndef SYNWATCH_NETFILTER_H
#define SYNWATCH_NETFILTER_H

#include "marks.h"
#include "probes.h"

/* nf_send_reset{,6}(net, oldskb, hook) until 5.10, (net, sk, oldskb, hook) since
 * (commit ee976ad19336). The modules of 5.10 carry no BTF to ask: a hook number
 * in the third place tells, as no skb lives at so low an address. */
static __always_inline void enter_send_reset_rule(void *second, void *third)
{
	__u64 hook_or_skb = (__u64)third;

	mark(hook_or_skb < 4096 ? second : third, FACT_REJECTED);
}

static __always_inline void enter_send_unreach(struct sk_buff *skb)
{
	mark(skb, FACT_REJECTED);
}

ENTRY(nf_send_reset, enter_send_reset_rule, 1, 2)
ENTRY(nf_send_reset6, enter_send_reset_rule, 1, 2)
/* nf_send_unreach(skb, code, hook), nf_send_unreach6(net, skb, code, hook) */
ENTRY1(nf_send_unreach, enter_send_unreach, 0)
ENTRY1(nf_send_unreach6, enter_send_unreach, 1)

#endif
