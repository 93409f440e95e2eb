/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Connection tracking: net/netfilter/nf_conntrack_core.c. All of these return
 * before nf_hook_slow frees the packet. */
#ifndef SYNWATCH_CONNTRACK_H
#define SYNWATCH_CONNTRACK_H

#include "skb_facts.h"
#include "tally.h"
#include "mib.h"
#include "probes.h"

/* early_drop(net, hash) is asked when the table is full, and its "no" makes
 * nf_conntrack_in refuse the packet. What it evicts goes by nf_ct_delete. It does
 * not know of the packet, so a "no" is kept until nf_conntrack_in returns. */
static __always_inline void enter_early_drop(__u64 frame)
{
	open_call(CALL_EARLY_DROP, frame, NULL, NULL);
}

static __always_inline void leave_early_drop(__u64 frame, __u64 ret)
{
	struct call *call = find_call(CALL_EARLY_DROP, frame, NULL);

	if (!call)
		return;
	if (ret & 0xff)
		end_call(call);
	else
		call->refused = true;
}

ENTRY(early_drop, enter_early_drop, FRAME)
RETURN_ALONE(early_drop, leave_early_drop, 2)

static __always_inline void tuple_address(__u8 addr[16], const union nf_inet_addr *u3, bool v4)
{
	if (v4)
		map_v4(addr, u3->all[0]);
	else
		__builtin_memcpy(addr, u3->all, 16);
}

/* nf_ct_delete(ct, portid, report) */
static __always_inline void enter_ct_delete(__u64 frame, struct nf_conn *ct)
{
	struct key key = { .facts = FACT_CT_EVICTED, .hook = HOOK_CONNTRACK_DELETE };
	struct nf_conntrack_man src;
	union nf_inet_addr dst;
	struct net *net;
	bool v4;

	if (!enabled || !outer_call(CALL_EARLY_DROP, frame))
		return;
	if (BPF_CORE_READ_INTO(&src, ct, tuplehash[0].tuple.src) ||
	    BPF_CORE_READ_INTO(&dst, ct, tuplehash[0].tuple.dst.u3))
		return;
	v4 = src.l3num == AF_INET;
	tuple_address(key.src, &src.u3, v4);
	tuple_address(key.dst, &dst, v4);
	key.dst_port = bpf_ntohs(BPF_CORE_READ(ct, tuplehash[0].tuple.dst.u.all));
	net = BPF_CORE_READ(ct, ct_net.net);
	set_netns(&key, net);
	count(&key, bpf_ntohs(src.u.all), &(struct evidence){});
}

ENTRY(nf_ct_delete, enter_ct_delete, FRAME, 0)

/* nf_conntrack_in(skb, state) */
static __always_inline void leave_conntrack_in(__u64 frame, struct sk_buff *skb, __u64 ret)
{
	if ((__u32)ret == NF_DROP)
		add_facts(skb,
			  end_inner_call(CALL_EARLY_DROP, frame) ? FACT_CT_FULL : FACT_CT_DROP);
	else if ((__u32)ret == NF_ACCEPT && !BPF_CORE_READ(skb, _nfct))
		add_facts(skb, FACT_CT_INVALID);
}

RETURN_ARGUMENT(nf_conntrack_in, CALL_CONNTRACK_IN, leave_conntrack_in, 0, 2)

static __always_inline __u64 long_chains(struct sk_buff *skb)
{
	const struct ip_conntrack_stat *stat = NULL;
	struct net *net = net_of(skb, NULL);
	unsigned int n = 0;

	if (!bpf_core_field_exists(stat->chaintoolong) || !per_cpu_offset || !net)
		return 0;
	stat = this_cpu(BPF_CORE_READ(net, ct.stat));
	bpf_core_read(&n, sizeof(n), &stat->chaintoolong);
	return n;
}

/* __nf_conntrack_confirm(skb) and, within it, nf_ct_resolve_clash(skb, …). */
static __always_inline void enter_confirm(__u64 frame, struct sk_buff *skb)
{
	struct call *call = open_call(CALL_CONFIRM, frame, NULL, skb);

	if (call)
		call->before[0] = long_chains(skb);
}

static __always_inline void leave_resolve_clash(__u64 frame, __u64 ret)
{
	struct call *call = (__u32)ret == NF_DROP ? outer_call(CALL_CONFIRM, frame) : NULL;

	if (call)
		call->refused = true;
}

static __always_inline void leave_confirm(struct call *call, __u64 ret)
{
	__u64 facts = FACT_CT_CONFIRM;
	struct sk_buff *skb;

	if ((__u32)ret != NF_DROP)
		return;
	skb = (struct sk_buff *)call->subject;
	if (call->refused)
		facts |= FACT_CT_CLASH;
	else if (!call->migrated && long_chains(skb) != call->before[0])
		facts |= FACT_CT_CHAIN;
	add_facts(skb, facts);
}

ENTRY(__nf_conntrack_confirm, enter_confirm, FRAME, 0)
RETURN(__nf_conntrack_confirm, CALL_CONFIRM, leave_confirm, 0, 1)
RETURN_ALONE(nf_ct_resolve_clash, leave_resolve_clash, 3)

#endif
