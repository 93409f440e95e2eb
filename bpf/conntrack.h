/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Connection tracking: net/netfilter/nf_conntrack_core.c. All of these return
 * before nf_hook_slow frees the packet. */
#ifndef SYNWATCH_CONNTRACK_H
#define SYNWATCH_CONNTRACK_H

#include "drop.h"
#include "mib.h"
#include "nat.h"
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

/* entry_ends fills a key from an entry: the client, and where its packets go behind NAT. */
static __always_inline void entry_ends(struct key *key, __u16 *src_port, const struct nf_conn *ct)
{
	const struct nf_conntrack_tuple *original = &ct->tuplehash[0].tuple;
	const struct nf_conntrack_tuple *reply = &ct->tuplehash[1].tuple;
	bool v4 = BPF_CORE_READ(original, src.l3num) == AF_INET;
	struct end src = {}, dst = {};
	bool ports;

	key->proto = BPF_CORE_READ(original, dst.protonum);
	ports = key->proto == IPPROTO_TCP || has_ports(key->proto);
	read_end(&src, &original->src.u3, &original->src.u, v4, ports);
	read_end(&dst, &reply->src.u3, &reply->src.u, v4, ports);
	__builtin_memcpy(key->src, src.addr, sizeof(key->src));
	__builtin_memcpy(key->dst, dst.addr, sizeof(key->dst));
	key->dst_port = dst.port;
	*src_port = src.port;
}

/* is_expired_entry: nf_ct_is_expired. Looking for room, early_drop deletes what has
 * expired, in any namespace, and counts nothing. */
static __always_inline bool is_expired_entry(const struct nf_conn *ct)
{
	return (__s32)(BPF_CORE_READ(ct, timeout) - (__u32)bpf_jiffies64()) <= 0;
}

/* nf_ct_delete(ct, portid, report) */
static __always_inline void enter_ct_delete(__u64 frame, struct nf_conn *ct)
{
	struct key key = { .facts = FACT_CT_EVICTED,
			   .hook = HOOK_CONNTRACK_DELETE,
			   .direction = DIRECTION_UNTOLD };
	__u16 src_port = 0;

	if (!enabled || !outer_call(CALL_EARLY_DROP, frame) || is_expired_entry(ct))
		return;
	entry_ends(&key, &src_port, ct);
	if (key.proto != IPPROTO_TCP)
		key.facts |= FACT_OTHER_PROTOCOL;
	set_netns(&key, BPF_CORE_READ(ct, ct_net.net));
	count(&key, src_port, &(struct evidence){ .ct = ct });
}

ENTRY(nf_ct_delete, enter_ct_delete, FRAME, 0)

/* nf_conntrack_icmpv{4,6}_error(tmpl, skb, dataoff, state) lets an ICMP packet that is
 * broken, or an error about a packet that is not known, pass without an entry: it
 * returns -NF_ACCEPT, and Conntrackinvalid does not move. It does not know nf_conntrack_in,
 * which returns right after it. */
static __always_inline void leave_ct_icmp(__u64 frame, __u64 ret)
{
	struct call *call = (__s32)ret <= 0 ? open_call(CALL_CT_ICMP, frame, NULL, NULL) : NULL;

	if (call)
		call->refused = true;
}

RETURN_ALONE(nf_conntrack_icmpv4_error, leave_ct_icmp, 4)
RETURN_ALONE(nf_conntrack_icmpv6_error, leave_ct_icmp, 4)

/* count_invalid counts what moves Conntrackinvalid, without addresses: only the sum is
 * needed, and an invalid packet that a rule drops is counted with them. */
static __always_inline void count_invalid(__u64 frame, struct sk_buff *skb)
{
	struct key key = { .facts = FACT_INVALID_COUNTED,
			   .hook = HOOK_CONNTRACK_IN,
			   .direction = DIRECTION_UNROUTED };

	if (end_inner_call(CALL_CT_ICMP, frame) || !enabled)
		return;
	set_netns(&key, net_of(skb, NULL));
	count(&key, 0, &(struct evidence){});
}

/* nf_conntrack_in(skb, state) */
static __always_inline void leave_conntrack_in(__u64 frame, struct sk_buff *skb, __u64 ret)
{
	struct packet p = {};

	if ((__u32)ret == NF_DROP) {
		add_facts(skb,
			  end_inner_call(CALL_EARLY_DROP, frame) ? FACT_CT_FULL : FACT_CT_DROP);
		return;
	}
	if ((__u32)ret != NF_ACCEPT || nfct_of(skb, false) || !parse(skb, &p))
		return;
	add_packet_facts(skb, &p, FACT_CT_INVALID);
	count_invalid(frame, skb);
}

RETURN_ARGUMENT(nf_conntrack_in, CALL_CONNTRACK_IN, leave_conntrack_in, 0, 2)

static __always_inline __u64 long_chains(struct sk_buff *skb)
{
	struct net *net = net_of(skb, NULL);
	__u64 stat = 0;

	if (!bpf_core_field_exists(((struct ip_conntrack_stat *)0)->chaintoolong) ||
	    !has_counters || !net)
		return 0;
	/* As a number: see mib_of_net. */
	read_words(&stat, &net->ct.stat, 1);
	return CAST_FIELD((void *)(stat + this_cpu_offset()), struct ip_conntrack_stat,
			  chaintoolong);
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
	if (is_source_translated(skb))
		facts |= FACT_SOURCE_TRANSLATED;
	add_facts(skb, facts);
}

ENTRY(__nf_conntrack_confirm, enter_confirm, FRAME, 0)
RETURN(__nf_conntrack_confirm, CALL_CONFIRM, leave_confirm, 0, 1)
RETURN_ALONE(nf_ct_resolve_clash, leave_resolve_clash, 3)

#endif
