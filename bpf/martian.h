/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Packets whose source routing refuses, where neither a drop reason nor the place of
 * the free tells: net/ipv4/route.c. */
#ifndef SYNWATCH_MARTIAN_H
#define SYNWATCH_MARTIAN_H

#include "skb_facts.h"
#include "probes.h"

/* ip_handle_martian_source(dev, in_dev, skb, …), which no good packet passes. It is also
 * called for what the reverse-path filter refuses, which has a drop reason. */
static __always_inline void enter_martian_source(struct sk_buff *skb)
{
	add_facts(skb, FACT_MARTIAN);
}

ENTRY(ip_handle_martian_source, enter_martian_source, 2)

#endif
