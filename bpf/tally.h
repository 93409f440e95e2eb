/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Filter, count exactly, and send the details of some. */
#ifndef SYNWATCH_TALLY_H
#define SYNWATCH_TALLY_H

#include "chain.h"
#include "config.h"

static __always_inline void bump(__u32 stat, __u64 by)
{
	__u64 *n = bpf_map_lookup_elem(&stats, &stat);

	/* Atomic, as a softirq may interrupt this CPU in process context. */
	if (n)
		__sync_fetch_and_add(n, by);
}

static __always_inline bool in_prefixes(void *prefixes, const __u8 addr[16])
{
	struct prefix p = { .len = 128 };

	__builtin_memcpy(p.addr, addr, sizeof(p.addr));
	return bpf_map_lookup_elem(prefixes, &p);
}

static __always_inline bool passes(const struct key *key)
{
	__u32 port = key->dst_port;
	__u32 netns = key->netns;

	if (filter_netns && !bpf_map_lookup_elem(&namespaces, &netns))
		return false;
	if (filter_port && !bpf_map_lookup_elem(&ports, &port))
		return false;
	if (filter_src && !in_prefixes(&src_prefixes, key->src))
		return false;
	return !filter_dst || in_prefixes(&dst_prefixes, key->dst);
}

/* find_or_add returns the key's tally, NULL where the map is full. */
static __always_inline struct tally *find_or_add(void *map, const struct key *key)
{
	struct tally *t = bpf_map_lookup_elem(map, key);
	struct tally zero = {};

	if (t)
		return t;
	bpf_map_update_elem(map, key, &zero, BPF_NOEXIST);
	return bpf_map_lookup_elem(map, key);
}

/* evidence is what goes into a detail beside the key. Any part may be NULL. */
struct evidence {
	const struct queues *queues;
	const struct timestamps *timestamps;
	const struct receiver *receiver;
	struct sk_buff *skb; /* that may have died in a netfilter chain */
};

static __always_inline void send_detail(const struct key *key, __u64 now, __u16 src_port,
					const struct evidence *e)
{
	struct detail *d = bpf_ringbuf_reserve(&details, sizeof(*d), 0);

	/* No room: the tally has the count, and user space merges. */
	if (!d)
		return;
	__builtin_memset(d, 0, sizeof(*d));
	d->key = *key;
	d->time = now;
	d->src_port = src_port;
	if (e->queues)
		d->queues = *e->queues;
	if (e->timestamps)
		d->timestamps = *e->timestamps;
	if (e->receiver)
		d->receiver = *e->receiver;
	if (e->skb)
		read_chain(&d->chain, e->skb);
	/* User space comes to look; waking it for each drop costs the softirq. */
	bpf_ringbuf_submit(d, BPF_RB_NO_WAKEUP);
}

/* count_many adds n observations. */
static __always_inline void count_many(const struct key *key, __u16 src_port,
				       const struct evidence *e, __u64 n)
{
	__u64 now = bpf_ktime_get_ns();
	struct tally *t;
	__u32 zero = 0;
	void *map;

	if (!passes(key))
		return;
	map = bpf_map_lookup_elem(&tallies, &zero);
	if (!map) {
		bump(STAT_LOST, n);
		return;
	}
	t = find_or_add(map, key);
	if (!t) {
		bump(STAT_UNATTRIBUTED, n);
		return;
	}
	if (every_drop || !t->count)
		send_detail(key, now, src_port, e);
	__sync_fetch_and_add(&t->count, n);
	t->time = now;
	t->src_port = src_port;
	bump(STAT_COUNTED, n);
}

static __always_inline void count(const struct key *key, __u16 src_port, const struct evidence *e)
{
	count_many(key, src_port, e, 1);
}

#endif
