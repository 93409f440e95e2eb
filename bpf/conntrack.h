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
 * nf_conntrack_in refuse the packet. What it evicts goes by nf_ct_delete. */
static __always_inline void enter_early_drop(void *net)
{
	open_slot(CALL_EARLY_DROP, NULL, net);
}

static __always_inline void leave_early_drop(__u64 ret)
{
	struct slot *s = slot_of(CALL_CONNTRACK_IN);
	struct sk_buff *unused;

	close_slot(CALL_EARLY_DROP, &unused);
	if (s && !(ret & 0xff))
		s->noted = true;
}

ENTRY1(early_drop, enter_early_drop, 0)
RETURN(early_drop, leave_early_drop, 2)

static __always_inline void tuple_address(__u8 addr[16], const union nf_inet_addr *u3, bool v4)
{
	if (v4)
		map_v4(addr, u3->all[0]);
	else
		__builtin_memcpy(addr, u3->all, 16);
}

/* nf_ct_delete(ct, portid, report) */
static __always_inline void enter_ct_delete(struct nf_conn *ct)
{
	struct key key = { .facts = FACT_CT_EVICTED, .hook = HOOK_CONNTRACK_DELETE };
	struct slot *s = slot_of(CALL_EARLY_DROP);
	struct nf_conntrack_man src;
	union nf_inet_addr dst;
	struct net *net;
	bool v4;

	if (!s || !s->skb || !enabled)
		return;
	if (BPF_CORE_READ_INTO(&src, ct, tuplehash[0].tuple.src) ||
	    BPF_CORE_READ_INTO(&dst, ct, tuplehash[0].tuple.dst.u3))
		return;
	v4 = src.l3num == AF_INET;
	tuple_address(key.src, &src.u3, v4);
	tuple_address(key.dst, &dst, v4);
	key.dst_port = bpf_ntohs(BPF_CORE_READ(ct, tuplehash[0].tuple.dst.u.all));
	net = BPF_CORE_READ(ct, ct_net.net);
	key.netns = BPF_CORE_READ(net, ns.inum);
	count(&key, bpf_ntohs(src.u.all), &(struct evidence){});
}

ENTRY1(nf_ct_delete, enter_ct_delete, 0)

static __always_inline void conntrack_in_returned(struct sk_buff *skb, __u32 verdict, bool full)
{
	if (verdict == NF_DROP)
		add_facts(skb, full ? FACT_CT_FULL : FACT_CT_DROP);
	else if (verdict == NF_ACCEPT && !BPF_CORE_READ(skb, _nfct))
		add_facts(skb, FACT_CT_INVALID);
}

/* nf_conntrack_in(skb, state) sees every packet: its return alone is enough
 * where it still has the arguments. */
SEC("fexit/nf_conntrack_in") int fexit_nf_conntrack_in(__u64 *ctx)
{
	struct slot *s = slot_of(CALL_CONNTRACK_IN);

	if (!s)
		return 0;
	conntrack_in_returned((struct sk_buff *)ctx[0], ctx[2], s->noted);
	s->noted = false;
	return 0;
}

SEC("kprobe/nf_conntrack_in") int kprobe_nf_conntrack_in(struct pt_regs *ctx)
{
	open_slot(CALL_CONNTRACK_IN, NULL, (struct sk_buff *)PT_REGS_PARM1(ctx));
	return 0;
}

SEC("kretprobe/nf_conntrack_in") int kretprobe_nf_conntrack_in(struct pt_regs *ctx)
{
	struct sk_buff *skb;
	struct slot *s = close_slot(CALL_CONNTRACK_IN, &skb);

	if (s)
		conntrack_in_returned(skb, PT_REGS_RC(ctx), s->noted);
	return 0;
}

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
static __always_inline void enter_confirm(struct sk_buff *skb)
{
	struct slot *s = open_slot(CALL_CONFIRM, NULL, skb);

	if (s)
		s->before[0] = long_chains(skb);
}

static __always_inline void leave_resolve_clash(__u64 ret)
{
	struct slot *s = slot_of(CALL_CONFIRM);

	if (s && (__u32)ret == NF_DROP)
		s->noted = true;
}

static __always_inline void leave_confirm(__u64 ret)
{
	__u64 facts = FACT_CT_CONFIRM;
	struct sk_buff *skb;
	struct slot *s = close_slot(CALL_CONFIRM, &skb);

	if (!s || (__u32)ret != NF_DROP)
		return;
	if (s->noted)
		facts |= FACT_CT_CLASH;
	else if (long_chains(skb) != s->before[0])
		facts |= FACT_CT_CHAIN;
	add_facts(skb, facts);
}

ENTRY1(__nf_conntrack_confirm, enter_confirm, 0)
RETURN(__nf_conntrack_confirm, leave_confirm, 1)
RETURN(nf_ct_resolve_clash, leave_resolve_clash, 3)

#endif
