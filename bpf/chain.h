/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The netfilter chain that a CPU is in, for the details of a packet that is dropped
 * there. No fact depends on it. */
#ifndef SYNWATCH_CHAIN_H
#define SYNWATCH_CHAIN_H

#include "event.h"
#include "kernel.h"

/* The chain that this CPU entered last and may have left since. The catalogue decides
 * whether netfilter dropped the packet at all. */
struct chain_call {
	struct sk_buff *skb;
	const struct nf_hook_state *state; /* on the stack of nf_hook_slow, or NULL */
	const struct nft_chain *chain;	   /* of nf_tables, or NULL */
	const char *table;		   /* where the name of iptables' table is, or NULL */
};

/* Where the names are in nf_tables' structures. They are the module's, and only a
 * program that is loaded with it knows. */
volatile struct {
	__u32 table, name; /* in a chain */
	__u32 table_name, family;
	__u8 family_lshift, family_rshift;
	bool known;
} nft_layout;

enum chain_index {
	CHAIN_CURRENT,
	CHAIN_REJECTING, /* kept, as the reject's answer goes through chains, too */
	CHAIN_MAX,
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, CHAIN_MAX);
	__type(key, __u32);
	__type(value, struct chain_call);
} chain_calls SEC(".maps");

static __always_inline struct chain_call *chain_call(__u32 index)
{
	return bpf_map_lookup_elem(&chain_calls, &index);
}

/* keep_chain is for a rule that is about to answer skb. */
static __always_inline void keep_chain(struct sk_buff *skb)
{
	struct chain_call *now = chain_call(CHAIN_CURRENT);
	struct chain_call *kept = chain_call(CHAIN_REJECTING);

	if (now && kept && now->skb == skb)
		*kept = *now;
}

static __always_inline struct chain_call *chain_of(struct sk_buff *skb)
{
	struct chain_call *call = chain_call(CHAIN_CURRENT);

	if (call && call->skb == skb)
		return call;
	call = chain_call(CHAIN_REJECTING);
	return call && call->skb == skb ? call : NULL;
}

/* read_name copies the string that a pointer leads to. */
static __always_inline void read_name(char to[32], const void *pointer)
{
	const char *name = NULL;

	bpf_probe_read_kernel(&name, sizeof(name), pointer);
	bpf_probe_read_kernel_str(to, 32, name);
}

static __always_inline void read_nft_chain(struct chain *c, const void *chain)
{
	const void *table = NULL;
	__u64 family = 0;

	bpf_probe_read_kernel(&table, sizeof(table), chain + nft_layout.table);
	bpf_probe_read_kernel(&family, sizeof(family), table + nft_layout.family);
	c->family = family << nft_layout.family_lshift >> nft_layout.family_rshift;
	read_name(c->table, table + nft_layout.table_name);
	read_name(c->name, chain + nft_layout.name);
}

/* read_chain fills c if skb is the one that was in a chain last. */
static __always_inline void read_chain(struct chain *c, struct sk_buff *skb)
{
	struct chain_call *call = chain_of(skb);
	const struct nf_hook_state *state;

	if (!call)
		return;
	call->skb = NULL;
	c->known = 1;
	state = call->state;
	c->pf = BPF_CORE_READ(state, pf);
	c->hook = BPF_CORE_READ(state, hook);
	c->family = c->pf;
	if (call->chain)
		read_nft_chain(c, call->chain);
	else if (call->table)
		bpf_probe_read_kernel_str(c->table, sizeof(c->table), call->table);
}

#endif
