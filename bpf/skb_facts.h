/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Facts that hooks add before a packet is freed, by skb, so that one packet gives
 * one observation. The kernel reuses skbs, and not every packet that has facts is
 * dropped: facts count only for a packet with the same sequence numbers, and only
 * for a second.
 */
#ifndef SYNWATCH_SKB_FACTS_H
#define SYNWATCH_SKB_FACTS_H

#include "clock.h"
#include "config.h"
#include "packet.h"

#define FACTS_LIFE_NS 1000000000LL
/* How exact facts_added_at is; it is shared by all CPUs and therefore rarely written. */
#define FACTS_ADDED_AT_NS 100000000LL

struct skb_facts {
	__u64 facts;
	__u64 time;
	__u32 seq;
	__u32 ack_seq;
	struct net *net;      /* where the packet does not lead to it any more, or NULL */
	struct queues queues; /* as the packet met them */
	struct timestamps timestamps;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct skb_facts);
} facts_by_skb SEC(".maps");

static __always_inline bool facts_fit(const struct skb_facts *m, const struct packet *p)
{
	return m->seq == p->seq && m->ack_seq == p->ack_seq &&
	       !is_older(now_ns(), m->time, FACTS_LIFE_NS);
}

/* facts_of returns the packet's facts, NULL if it has none. In most floods no packet
 * has any: there nothing is looked up. */
static __always_inline struct skb_facts *facts_of(struct sk_buff *skb, const struct packet *p)
{
	__u64 id = (__u64)skb;
	struct skb_facts *m;

	if (!hooked || is_older(now_ns(), facts_added_at, FACTS_LIFE_NS + FACTS_ADDED_AT_NS))
		return NULL;
	m = bpf_map_lookup_elem(&facts_by_skb, &id);
	return m && facts_fit(m, p) ? m : NULL;
}

/* add_packet_facts adds facts and returns all of the packet's, NULL if there is no
 * room. */
static __always_inline struct skb_facts *add_packet_facts(struct sk_buff *skb,
							  const struct packet *p, __u64 facts)
{
	__u64 id = (__u64)skb;
	struct skb_facts *m = bpf_map_lookup_elem(&facts_by_skb, &id);
	__u64 now = now_ns();

	if (m && facts_fit(m, p)) {
		m->facts |= facts;
		return m;
	}
	struct skb_facts fresh = {
		.facts = facts,
		.time = now,
		.seq = p->seq,
		.ack_seq = p->ack_seq,
	};
	if (is_older(now, facts_added_at, FACTS_ADDED_AT_NS))
		facts_added_at = now;
	bpf_map_update_elem(&facts_by_skb, &id, &fresh, BPF_ANY);
	return bpf_map_lookup_elem(&facts_by_skb, &id);
}

/* add_facts adds facts to an IP packet, and does nothing to any other. */
static __always_inline struct skb_facts *add_facts(struct sk_buff *skb, __u64 facts)
{
	struct packet p = {};

	if (!facts || !parse(skb, &p))
		return NULL;
	return add_packet_facts(skb, &p, facts);
}

/* read_timestamps fills t; stamp is when newest was seen, in seconds since boot. */
static __always_inline void read_timestamps(struct timestamps *t, __u32 tsval, __u32 newest,
					    __u32 stamp)
{
	__u32 now = bpf_ktime_get_ns() / 1000000000;

	t->tsval = tsval;
	t->newest = newest;
	t->age = stamp && now > stamp ? now - stamp : 0;
	t->known = 1;
}

static __always_inline void read_queues(struct queues *q, struct sock *sk)
{
	struct net *net = BPF_CORE_READ(sk, __sk_common.skc_net.net);
	struct inet_connection_sock *icsk = (struct inet_connection_sock *)sk;

	q->accept = BPF_CORE_READ(sk, sk_ack_backlog);
	q->accept_max = BPF_CORE_READ(sk, sk_max_ack_backlog);
	q->syn = BPF_CORE_READ(icsk, icsk_accept_queue.qlen.counter);
	q->max_syn_backlog = BPF_CORE_READ(net, ipv4.sysctl_max_syn_backlog);
	q->somaxconn = BPF_CORE_READ(net, core.sysctl_somaxconn);
	q->known = 1;
}

#endif
