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

static __always_inline void learn_nft_layout(void)
{
	struct nft_chain *chain = NULL;
	struct nft_table *table = NULL;

	nft_layout.table = bpf_core_field_offset(chain->table);
	nft_layout.name = bpf_core_field_offset(chain->name);
	nft_layout.table_name = bpf_core_field_offset(table->name);
	nft_layout.family = __CORE_RELO(table, family, BYTE_OFFSET);
	nft_layout.family_lshift = __CORE_RELO(table, family, LSHIFT_U64);
	nft_layout.family_rshift = __CORE_RELO(table, family, RSHIFT_U64);
	nft_layout.known = true;
}

/* nft_do_chain(pkt, chain): a base chain; where it jumps to is not seen. Every packet
 * comes by, so that nothing is read but what will be gone when one is dropped. */
static __always_inline void enter_nft_chain(struct nft_pktinfo *pkt, struct nft_chain *chain)
{
	struct chain_call *call = chain_call(CHAIN_CURRENT);
	__u64 skb = 0, state = 0;

	if (!call)
		return;
	if (!nft_layout.known)
		learn_nft_layout();
	read_words(&skb, (void *)pkt + bpf_core_field_offset(pkt->skb), 1);
	if (bpf_core_field_exists(pkt->state))
		read_words(&state, (void *)pkt + bpf_core_field_offset(pkt->state), 1);
	call->skb = (struct sk_buff *)skb;
	call->state = (struct nf_hook_state *)state;
	call->chain = chain;
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
	call->chain = NULL;
	call->table = (const char *)&table->name;
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
	call->chain = NULL;
	call->table = NULL;
}

ENTRY(nft_do_chain, enter_nft_chain, 0, 1)
ENTRY(ipt_do_table, enter_ipt_table, 0, 1, 2)
ENTRY(ip6t_do_table, enter_ipt_table, 0, 1, 2)
ENTRY(nf_hook_slow, enter_nf_hook, 0, 1)

#endif
