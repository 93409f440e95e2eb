/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The kfree_skb tracepoint: where a packet dies, with all that was seen of it. */
#ifndef SYNWATCH_DROP_H
#define SYNWATCH_DROP_H

#include "packet.h"
#include "probes.h"
#include "receive.h"
#include "skb_facts.h"
#include "tally.h"
#include "verifier.h"

/* __skb_checksum_complete leaves what it found in the skb (net/core/datagram.c
 * and skbuff.c). Read only where no drop reason tells. */
static __always_inline __u64 checksum_facts(struct sk_buff *skb)
{
	if (kernel_has_reasons())
		return 0;
	if (BPF_CORE_READ_BITFIELD_PROBED(skb, csum_complete_sw) &&
	    !BPF_CORE_READ_BITFIELD_PROBED(skb, csum_valid))
		return FACT_BAD_CHECKSUM;
	return 0;
}

/* NFCT_PTRMASK */
#define CT_OF(nfct) ((struct nf_conn *)((nfct) & ~7UL))

/* is_source_translated says whether NAT may have rewritten the source of a packet,
 * given what the skb says of its connection tracking entry. That is so for the
 * original direction of an entry, confirmed or not; a template (nf_ct_tmpl_alloc)
 * has no addresses, and nothing is rewritten by it. A global function; see route_of. */
__noinline int is_source_translated(__u64 nfct)
{
	struct nf_conn *ct = CT_OF(nfct);

	if (!ct || (nfct & 7) >= 3) /* IP_CT_IS_REPLY */
		return false;
	return !!(CAST_FIELD(ct, struct nf_conn, status) &
		  bpf_core_enum_value(enum ip_conntrack_status, IPS_SRC_NAT));
}

/* client_before_nat replaces the source of a packet that NAT has rewritten by
 * the one it came with: the original tuple's. */
static __always_inline void client_before_nat(struct sk_buff *skb, struct packet *p, bool typed)
{
	struct nf_conntrack_man src;
	unsigned long nfct;

	if (!bpf_core_field_exists(skb->_nfct))
		return;
	nfct = FIELD(typed, skb, _nfct);
	if (!is_source_translated(nfct) ||
	    BPF_CORE_READ_INTO(&src, CT_OF(nfct), tuplehash[0].tuple.src))
		return;
	if (p->v4)
		map_v4(p->src, src.u3.all[0]);
	else
		__builtin_memcpy(p->src, src.u3.all, sizeof(p->src));
	p->src_port = bpf_ntohs(src.u.all);
}

/* turn_reply makes the peer the source where our own packet dies. */
static __always_inline void turn_reply(struct packet *p)
{
	__u16 port = p->src_port;
	__u8 addr[16];

	__builtin_memcpy(addr, p->src, sizeof(addr));
	__builtin_memcpy(p->src, p->dst, sizeof(addr));
	__builtin_memcpy(p->dst, addr, sizeof(addr));
	p->src_port = p->dst_port;
	p->dst_port = port;
}

static __always_inline void fill_packet(struct key *key, const struct packet *p)
{
	__builtin_memcpy(key->src, p->src, sizeof(key->src));
	__builtin_memcpy(key->dst, p->dst, sizeof(key->dst));
	key->dst_port = p->dst_port;
	if (p->flags & TCP_RST)
		key->facts |= FACT_PACKET_RST;
	if (p->flags & TCP_SYN)
		key->facts |= FACT_PACKET_SYN;
}

static __always_inline void fill_key(struct key *key, const struct packet *p, struct net *net)
{
	fill_packet(key, p);
	set_netns(key, net);
}

/* is_arriving: the packet died on its way into a CPU's backlog, before anything
 * was recorded of the device that it came in on. */
static __always_inline bool is_arriving(struct sk_buff *skb, __u32 reason)
{
	if (kernel_has_reasons())
		return reason_cpu_backlog && reason == reason_cpu_backlog;
	return call_on(CALL_CPU_BACKLOG, skb);
}

/* Connection tracking refused the packet. */
#define FACTS_CT_REFUSED (FACT_CT_FULL | FACT_CT_DROP | FACT_CT_CONFIRM)

/* outgoing_facts returns the facts of a packet that this host sent, 0 if it is not
 * counted: a SYN-ACK is, and what connection tracking refused and counted.
 * A global function; see route_of. */
__noinline __u64 outgoing_facts(__u32 flags, __u64 facts)
{
	flags &= TCP_SYN | TCP_ACK;
	if (flags == (TCP_SYN | TCP_ACK))
		return FACT_OUTGOING;
	if (!(facts & FACTS_CT_REFUSED))
		return 0;
	return flags == TCP_SYN ? FACT_OUTGOING | FACT_OWN_CONNECT : FACT_OUTGOING;
}

/* concerns_this_host says whether the drop may refuse a connection of this host, and
 * swaps the addresses of packets that it sent: those have no skb_iif. */
static __always_inline bool concerns_this_host(struct sk_buff *skb, struct packet *p, __u32 reason,
					       __u64 *facts, bool typed)
{
	__u64 outgoing;

	if (is_arriving(skb, reason)) {
		*facts |= FACT_CPU_BACKLOG;
		return true;
	}
	if (FIELD(typed, skb, skb_iif))
		return is_for_this_host(skb, p, typed);
	outgoing = outgoing_facts(p->flags, *facts);
	if (!outgoing)
		return false;
	turn_reply(p);
	*facts |= outgoing;
	return true;
}

/* find_net is net_of for who has no device of a known type, or knows better.
 * Global functions; see route_of. */
__noinline __u64 find_net(__u64 skb, __u64 rx_sk, __u64 known, __u64 facts)
{
	struct net_device *dev;

	if (known)
		return known;
	if (!(facts & FACT_CPU_BACKLOG))
		return number_of(net_of((struct sk_buff *)skb, (struct sock *)rx_sk));
	dev = FIELD(false, (struct sk_buff *)skb, dev);
	return number_of(FIELD(false, dev, nd_net.net));
}

__noinline __u32 find_inode(__u64 net)
{
	return FIELD(false, (struct net *)net, ns.inum);
}

__noinline __u64 find_cookie(__u64 net)
{
	return cookie_of((struct net *)net, false);
}

/* fill_netns finds the packet's namespace: on its way in, that of the device. */
static __always_inline void fill_netns(struct key *key, struct sk_buff *skb, struct sock *rx_sk,
				       const struct skb_facts *m, bool typed)
{
	__u64 net = m ? (__u64)m->net : 0;
	struct net_device *dev = NULL;

	if (typed && !net)
		dev = key->facts & FACT_CPU_BACKLOG ? skb->dev : received_on(skb, true);
	if (dev) {
		key->netns = dev->nd_net.net->ns.inum;
		key->netns_cookie = cookie_of(dev->nd_net.net, true);
		return;
	}
	net = find_net(number_of(skb), number_of(rx_sk), net, key->facts);
	key->netns = find_inode(net);
	key->netns_cookie = find_cookie(net);
}

static __always_inline bool has_rx_sk(void)
{
	return bpf_core_field_exists(((struct trace_event_raw_kfree_skb *)0)->rx_sk);
}

/* call_of returns the call that is judging the segment, and adds what it has found
 * so far. */
static __always_inline struct call *call_of(struct sk_buff *skb, const struct packet *p,
					    __u64 *facts)
{
	struct call *call = call_on(CALL_VALIDATE, skb);

	if (call && call->seq == p->seq) {
		*facts |= validate_facts(call);
		return call;
	}
	call = call_on(CALL_DATA_QUEUE, skb);
	return call && call->seq == p->seq ? call : NULL;
}

/* call_facts adds what a call that is judging the segment has found so far, and
 * returns its socket, which is the tracepoint's rx_sk where there is that. */
static __always_inline struct sock *call_facts(struct sk_buff *skb, const struct packet *p,
					       __u64 *facts, struct sock *rx_sk)
{
	struct call *call = hooked ? call_of(skb, p, facts) : NULL;

	if (has_rx_sk())
		return rx_sk;
	return (struct sock *)unknown_to_verifier(call ? (__u64)call->sk : 0);
}

static __always_inline __u64 socket_facts(struct sock *rx_sk, bool typed)
{
	if (rx_sk && FIELD(typed, rx_sk, __sk_common.skc_state) == TCP_TIME_WAIT)
		return FACT_TIME_WAIT_SOCKET;
	return 0;
}

static __always_inline void freed(struct sk_buff *skb, __u64 location, __u32 reason,
				  struct sock *rx_sk, bool typed)
{
	struct key key = { .location = location, .reason = reason, .hook = HOOK_FREE };
	struct evidence e = { .skb = skb };
	__u64 id = (__u64)skb;
	struct packet p = {};
	struct skb_facts *m;

	if (!enabled || BITFIELD(typed, skb, pkt_type) != PACKET_HOST)
		return;
	if (!parse_skb(skb, &p, typed))
		return;
	m = facts_of(skb, &p);
	if (m) {
		key.facts = m->facts;
		e.queues = &m->queues;
		e.timestamps = &m->timestamps;
	}
	if (!concerns_this_host(skb, &p, reason, &key.facts, typed))
		return;
	e.ifindex = FIELD(typed, skb, skb_iif);
	if (e.ifindex)
		client_before_nat(skb, &p, typed);
	e.receiver = call_facts(skb, &p, &key.facts, rx_sk);
	key.facts |= checksum_facts(skb) | socket_facts(rx_sk, typed);
	fill_packet(&key, &p);
	fill_netns(&key, skb, e.receiver, m, typed);
	count(&key, p.src_port, &e);
	if (m)
		bpf_map_delete_elem(&facts_by_skb, &id);
}

static __always_inline int kfree_skb(__u64 *ctx, bool typed)
{
	struct sock *rx_sk = NULL;
	__u32 reason = 0;

	if (kernel_has_reasons())
		reason = ctx[2];
	if (has_rx_sk())
		rx_sk = (struct sock *)ctx[3];
	freed((struct sk_buff *)ctx[0], ctx[1], reason, rx_sk, typed);
	return 0;
}

SEC("tp_btf/kfree_skb") int tp_btf_kfree_skb(__u64 *ctx)
{
	return kfree_skb(ctx, true);
}

SEC("raw_tp/kfree_skb") int raw_tp_kfree_skb(__u64 *ctx)
{
	return kfree_skb(ctx, false);
}

#endif
