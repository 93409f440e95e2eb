/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What NAT made of a packet, from its connection tracking entry. */
#ifndef SYNWATCH_NAT_H
#define SYNWATCH_NAT_H

#include "packet.h"
#include "probes.h"

/* NFCT_PTRMASK */
#define CT_OF(nfct) ((struct nf_conn *)((nfct) & ~7UL))

/* is_ct_reply says whether a packet is of the reply direction: IP_CT_IS_REPLY. What
 * connection tracking leaves alone, IP_CT_UNTRACKED, has no entry. */
static __always_inline bool is_ct_reply(__u64 nfct)
{
	return CT_OF(nfct) && (nfct & 7) >= 3;
}

/* Which address of an entry's packets NAT rewrites. */
enum {
	NAT_SOURCE = 1,
	NAT_DESTINATION = 2,
};

/* nat_of says that of an entry, confirmed or not; a template (nf_ct_tmpl_alloc) has no
 * addresses, and nothing is rewritten by it. A global function; see route_of. */
__noinline int nat_of(__u64 nfct)
{
	struct nf_conn *ct = CT_OF(nfct);
	unsigned long status;
	int nat = 0;

	if (!ct)
		return 0;
	status = CAST_FIELD(ct, struct nf_conn, status);
	if (status & bpf_core_enum_value(enum ip_conntrack_status, IPS_SRC_NAT))
		nat |= NAT_SOURCE;
	if (status & bpf_core_enum_value(enum ip_conntrack_status, IPS_DST_NAT))
		nat |= NAT_DESTINATION;
	return nat;
}

static __always_inline __u64 nfct_of(struct sk_buff *skb, bool typed)
{
	if (!bpf_core_field_exists(skb->_nfct))
		return 0;
	return FIELD(typed, skb, _nfct);
}

static __always_inline bool is_source_translated(struct sk_buff *skb)
{
	return nat_of(nfct_of(skb, false)) & NAT_SOURCE;
}

static __always_inline void tuple_address(__u8 addr[16], const union nf_inet_addr *u3, bool v4)
{
	if (v4)
		map_v4(addr, u3->all[0]);
	else
		__builtin_memcpy(addr, u3->all, 16);
}

/* client_before_nat replaces the source of a packet that NAT has rewritten by
 * the one it came with: the original tuple's. reply says that p is a reply that was
 * turned. */
static __always_inline void client_before_nat(struct sk_buff *skb, struct packet *p, bool reply,
					      bool typed)
{
	__u64 nfct = nfct_of(skb, typed);
	struct nf_conntrack_man src;

	if (!CT_OF(nfct) || is_ct_reply(nfct) != reply || !(nat_of(nfct) & NAT_SOURCE) ||
	    BPF_CORE_READ_INTO(&src, CT_OF(nfct), tuplehash[0].tuple.src))
		return;
	tuple_address(p->src, &src.u3, p->v4);
	if (p->src_port)
		p->src_port = bpf_ntohs(src.u.all);
}

/* read_end fills an end from the half of a tuple that begins at u3. */
static __always_inline void read_end(struct end *end, const union nf_inet_addr *u3,
				     const union nf_conntrack_man_proto *u, bool v4, bool ports)
{
	union nf_conntrack_man_proto port = {};
	union nf_inet_addr addr = {};

	bpf_probe_read_kernel(&addr, sizeof(addr), u3);
	tuple_address(end->addr, &addr, v4);
	if (!ports)
		return;
	bpf_probe_read_kernel(&port, sizeof(port), u);
	end->port = bpf_ntohs(port.all);
}

/* read_orig_dst fills d with what the client had addressed, if NAT has changed it. */
static __always_inline void read_orig_dst(struct detail *d, const struct nf_conn *ct)
{
	const struct nf_conntrack_tuple *tuple = &ct->tuplehash[0].tuple;
	bool ports = d->key.proto == IPPROTO_TCP || has_ports(d->key.proto);
	bool v4 = BPF_CORE_READ(tuple, src.l3num) == AF_INET;

	if (!(nat_of((__u64)ct) & NAT_DESTINATION))
		return;
	read_end(&d->orig_dst, &tuple->dst.u3, &tuple->dst.u, v4, ports);
	d->has_orig_dst = d->orig_dst.port != d->key.dst_port ||
			  __builtin_memcmp(d->orig_dst.addr, d->key.dst, 16);
}

/* include/uapi/linux/netfilter/nf_nat.h */
struct nf_nat_range2 {
	__u32 flags;
	__u32 min_addr[4];
	__u32 max_addr[4];
	__be16 min_proto;
	__be16 max_proto;
	__be16 base_proto;
};

enum {
	NF_NAT_RANGE_PROTO_SPECIFIED = 1 << 1,
};

/* What NAT was last asked for on this CPU. It is asked once for a new connection and
 * each of its ends, and the packet is confirmed, or refused, right after the last time. */
#define RANGE_WORDS 6

struct nat_request {
	const struct nf_conn *ct;
	union {
		struct nf_nat_range2 range;
		__u64 words[RANGE_WORDS];
	};
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct nat_request);
} nat_requests SEC(".maps");

/* nf_nat_setup_info(ct, range, maniptype) */
static __always_inline void enter_nat(const struct nf_conn *ct, const struct nf_nat_range2 *range)
{
	struct nat_request *r;
	__u32 zero = 0;

	r = bpf_map_lookup_elem(&nat_requests, &zero);
	if (!r)
		return;
	r->ct = ct;
	read_words(r->words, range, RANGE_WORDS);
}

ENTRY(nf_nat_setup_info, enter_nat, 0, 1)

static __always_inline void range_end(struct end *end, const __u32 addr[4], __be16 port, bool v4,
				      bool ports)
{
	if (v4)
		map_v4(end->addr, addr[0]);
	else
		__builtin_memcpy(end->addr, addr, 16);
	if (ports)
		end->port = bpf_ntohs(port);
}

/* read_source_nat fills s for a packet whose source NAT chose: the reply of its
 * connection goes there. */
static __always_inline void read_source_nat(struct source_nat *s, const struct nf_conn *ct,
					    __u8 proto)
{
	const struct nf_conntrack_tuple *reply = &ct->tuplehash[1].tuple;
	bool v4 = BPF_CORE_READ(reply, src.l3num) == AF_INET;
	struct nat_request *r;
	__u32 zero = 0;
	bool ports;

	read_end(&s->chosen, &reply->dst.u3, &reply->dst.u, v4,
		 proto == IPPROTO_TCP || has_ports(proto));
	s->known = 1;
	r = bpf_map_lookup_elem(&nat_requests, &zero);
	if (!r || r->ct != ct)
		return;
	ports = r->range.flags & NF_NAT_RANGE_PROTO_SPECIFIED;
	range_end(&s->first, r->range.min_addr, r->range.min_proto, v4, ports);
	range_end(&s->last, r->range.max_addr, r->range.max_proto, v4, ports);
	s->ranged = 1;
}

/* read_nat fills what a detail says of NAT. */
static __always_inline void read_nat(struct detail *d, struct sk_buff *skb)
{
	const struct nf_conn *ct = CT_OF(nfct_of(skb, false));

	/* A forwarded reply is told as it is. */
	if (!ct || (d->key.direction == DIRECTION_FORWARD && is_ct_reply(nfct_of(skb, false))))
		return;
	read_orig_dst(d, ct);
	if (d->key.facts & FACT_SOURCE_TRANSLATED)
		read_source_nat(&d->source_nat, ct, d->key.proto);
}

#endif
