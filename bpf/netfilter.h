/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The chain that a packet is in, and a rule that rejects: it answers the packet
 * before its verdict frees it. */
#ifndef SYNWATCH_NETFILTER_H
#define SYNWATCH_NETFILTER_H

#include "chain.h"
#include "skb_facts.h"
#include "probes.h"

static __always_inline void rejected(struct sk_buff *skb)
{
	keep_chain(skb);
	add_facts(skb, FACT_REJECTED);
}

/* nf_send_reset{,6}(net, oldskb, hook) until 5.10, (net, sk, oldskb, hook) since
 * (commit ee976ad19336). The modules of 5.10 carry no BTF to ask: a hook number
 * in the third place shows it, as no skb has so low an address. */
static __always_inline void enter_send_reset_rule(void *second, void *third)
{
	__u64 hook_or_skb = (__u64)third;

	rejected(hook_or_skb < 4096 ? second : third);
}

ENTRY(nf_send_reset, enter_send_reset_rule, 1, 2)
ENTRY(nf_send_reset6, enter_send_reset_rule, 1, 2)
/* nf_send_unreach(skb, code, hook), nf_send_unreach6(net, skb, code, hook) */
ENTRY(nf_send_unreach, rejected, 0)
ENTRY(nf_send_unreach6, rejected, 1)

/* nft_do_chain(pkt, chain): a base chain; where it jumps to is not seen. */
static __always_inline void enter_nft_chain(struct nft_pktinfo *pkt, struct nft_chain *chain)
{
	struct chain_call *call = chain_call(CHAIN_CURRENT);
	struct nft_table *table;

	if (!call)
		return;
	table = BPF_CORE_READ(chain, table);
	call->skb = BPF_CORE_READ(pkt, skb);
	call->state = NULL;
	if (bpf_core_field_exists(pkt->state))
		call->state = BPF_CORE_READ(pkt, state);
	call->table = BPF_CORE_READ(table, name);
	call->name = BPF_CORE_READ(chain, name);
	call->family = BPF_CORE_READ_BITFIELD_PROBED(table, family);
}

/* {ipt,ip6t}_do_table(table, skb, state) since 5.16 (commit 8844e01062dd). What
 * comes before is not taken for a packet. */
static __always_inline void enter_ipt_table(struct xt_table *table, struct sk_buff *skb,
					    struct nf_hook_state *state)
{
	struct chain_call *call = chain_call(CHAIN_CURRENT);

	if (!call)
		return;
	call->skb = skb;
	call->state = state;
	call->table = (const char *)&table->name;
	call->name = NULL;
	call->family = BPF_CORE_READ(state, pf);
}

/* nf_hook_slow(skb, state, …) tells no more than the hook: for kernels whose
 * modules have no BTF. */
static __always_inline void enter_nf_hook(struct sk_buff *skb, struct nf_hook_state *state)
{
	struct chain_call *call = chain_call(CHAIN_CURRENT);

	if (!call)
		return;
	call->skb = skb;
	call->state = state;
	call->table = NULL;
	call->name = NULL;
}

ENTRY(nft_do_chain, enter_nft_chain, 0, 1)
ENTRY(ipt_do_table, enter_ipt_table, 0, 1, 2)
ENTRY(ip6t_do_table, enter_ipt_table, 0, 1, 2)
ENTRY(nf_hook_slow, enter_nf_hook, 0, 1)

#endif
