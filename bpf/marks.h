/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the hooks before the free saw, by skb, so that one packet gives one
 * observation. skbs are reused, and a mark may be left on one that was not
 * freed as a drop after all: a mark counts only for the packet that it was made
 * for, known by its sequence numbers, and only for a second.
 */
#ifndef SYNWATCH_MARKS_H
#define SYNWATCH_MARKS_H

#include "clock.h"
#include "config.h"
#include "packet.h"

#define MARK_LIFE_NS 1000000000LL
/* How exact marked_at is; it is shared by all CPUs and therefore rarely written. */
#define MARKED_AT_NS 100000000LL

struct mark {
	__u64 facts;
	__u64 time;
	__u32 seq;
	__u32 ack_seq;
	struct net *net;      /* where the packet itself does not tell any more, or NULL */
	struct queues queues; /* as the packet met them */
	struct timestamps timestamps;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct mark);
} marks SEC(".maps");

static __always_inline bool mark_fits(const struct mark *m, const struct packet *p)
{
	return m->seq == p->seq && m->ack_seq == p->ack_seq &&
	       !is_older(now_ns(), m->time, MARK_LIFE_NS);
}

/* mark_of returns what was noted of the packet, NULL if nothing was. Most floods
 * are of packets that nobody marks: they need not look. */
static __always_inline struct mark *mark_of(struct sk_buff *skb, const struct packet *p)
{
	__u64 id = (__u64)skb;
	struct mark *m;

	if (!hooked || is_older(now_ns(), marked_at, MARK_LIFE_NS + MARKED_AT_NS))
		return NULL;
	m = bpf_map_lookup_elem(&marks, &id);
	return m && mark_fits(m, p) ? m : NULL;
}

/* mark_packet returns the packet's mark with facts added, NULL if there is no room. */
static __always_inline struct mark *mark_packet(struct sk_buff *skb, const struct packet *p,
						__u64 facts)
{
	__u64 id = (__u64)skb;
	struct mark *m = bpf_map_lookup_elem(&marks, &id);
	__u64 now = now_ns();

	if (m && mark_fits(m, p)) {
		m->facts |= facts;
		return m;
	}
	struct mark fresh = {
		.facts = facts,
		.time = now,
		.seq = p->seq,
		.ack_seq = p->ack_seq,
	};
	if (is_older(now, marked_at, MARKED_AT_NS))
		marked_at = now;
	bpf_map_update_elem(&marks, &id, &fresh, BPF_ANY);
	return bpf_map_lookup_elem(&marks, &id);
}

/* mark adds facts to a TCP packet, and does nothing to any other. */
static __always_inline struct mark *mark(struct sk_buff *skb, __u64 facts)
{
	struct packet p;

	if (!facts || !parse(skb, &p))
		return NULL;
	return mark_packet(skb, &p, facts);
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
