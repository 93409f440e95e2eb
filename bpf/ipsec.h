/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* IPsec policies: net/xfrm/xfrm_policy.c. The kernel asks only where there are some. */
#ifndef SYNWATCH_IPSEC_H
#define SYNWATCH_IPSEC_H

#include "skb_facts.h"
#include "probes.h"

static __always_inline void leave_policy(__u64 frame, struct sk_buff *skb, __u64 ret)
{
	if (!(__s32)ret)
		add_facts(skb, FACT_POLICY_REFUSES);
}

/* __xfrm_policy_check(sk, dir, skb, family) for what comes in, __xfrm_route_forward(skb,
 * family) for what is to go on: 0 is no. */
RETURN_ARGUMENT(__xfrm_policy_check, CALL_IPSEC, leave_policy, 2, 4)
RETURN_ARGUMENT(__xfrm_route_forward, CALL_IPSEC, leave_policy, 0, 2)

#endif
