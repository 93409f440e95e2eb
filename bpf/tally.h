/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Filter, count exactly, and send the details of some. */
#ifndef SYNWATCH_TALLY_H
#define SYNWATCH_TALLY_H

#include "chain.h"
#include "config.h"
#include "hot.h"
#include "nat.h"
#include "receive.h"
#include "route.h"

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

static __always_inline bool in_namespaces(const struct key *key)
{
	__u32 inode = key->netns;
	__u64 *cookie = bpf_map_lookup_elem(&namespaces, &inode);

	if (!cookie)
		return false;
	if (!*cookie)
		*cookie = key->netns_cookie;
	return *cookie == key->netns_cookie;
}

static __always_inline bool passes(const struct key *key)
{
	__u32 port = key->dst_port;

	if (!(filter_directions & 1 << key->direction))
		return false;
	if (filter_proto && !wanted_protos[key->proto])
		return false;
	if (filter_netns && !in_namespaces(key))
		return false;
	if (filter_port && !bpf_map_lookup_elem(&ports, &port))
		return false;
	if (filter_src && !in_prefixes(&src_prefixes, key->src))
		return false;
	return !filter_dst || in_prefixes(&dst_prefixes, key->dst);
}

/* evidence is what goes into a detail beside the key. Any part may be NULL. */
struct evidence {
	const struct queues *queues;
	struct sock *listener; /* of which the queues are read if queues is NULL */
	const struct timestamps *timestamps;
	struct sock *receiver; /* shown if it is a connection */
	struct sk_buff *skb;
	const struct nf_conn *ct; /* instead of the skb's */
	__u32 ifindex;
	bool in_task; /* the current task is sending it */
};

/* A key has one detail within a window of 134 ms, and no kind of drop sends more
 * of them within that time from one CPU: a flood has no need of more, and what is
 * rare must get through it. */
#define DETAILS_OF_A_KIND 128

/* window_of numbers the windows; it is never 0. */
static __always_inline __u16 window_of(__u64 now)
{
	return now >> 27 | 1 << 15;
}

/* hash_of identifies a kind: two kinds hardly ever have the same hash. */
static __always_inline __u64 hash_of(__u64 facts, __u64 location, __u64 reason_and_hook)
{
	__u64 h = facts * 0x9e3779b97f4a7c15ULL;

	h = (h ^ h >> 32 ^ location) * 0xbf58476d1ce4e5b9ULL;
	h = (h ^ h >> 32 ^ reason_and_hook) * 0x94d049bb133111ebULL;
	return h ^ h >> 32;
}

static __always_inline bool take_from(struct allowance *a)
{
	if (!a->left)
		return false;
	a->left--;
	return true;
}

/* may_send finds a kind's allowance in one of the few places for its hash: its
 * own, or one that no kind has used in this window. A global function; see route_of. */
__noinline int may_send(__u64 facts, __u64 location, __u64 reason_and_hook, __u32 window)
{
	__u64 kind = hash_of(facts, location, reason_and_hook);
	struct allowance *a;
	__u32 place;

	for (int i = 0; i < 5; i++) {
		place = i < 4 ? (kind + i) & (ALLOWANCES - 1) : ALLOWANCES;
		a = bpf_map_lookup_elem(&allowances, &place);
		if (!a)
			return false;
		if (a->window != window) {
			a->kind = kind;
			a->window = window;
			a->left = DETAILS_OF_A_KIND;
		}
		if (a->kind == kind || i == 4)
			return take_from(a);
	}
	return false;
}

static __always_inline __u64 reason_and_hook(const struct key *key)
{
	return (__u64)key->reason << 8 | key->hook;
}

static __always_inline bool may_send_key(const struct key *key, __u16 window)
{
	return may_send(key->facts, key->location, reason_and_hook(key), window);
}

/* read_packet reads what only the packet itself tells. */
static __always_inline void read_packet(struct detail *d, struct sk_buff *skb)
{
	read_chain(&d->chain, skb);
	read_nat(d, skb);
	if (d->key.direction != DIRECTION_IN || d->key.facts & FACT_OUTGOING)
		d->out_ifindex = leaves_by(number_of(skb));
	if (d->key.facts & FACT_TOO_BIG)
		read_path(&d->path, skb);
}

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
	d->ifindex = e->ifindex;
	if (e->queues)
		d->queues = *e->queues;
	else if (e->listener)
		read_queues(&d->queues, e->listener);
	if (e->receiver && is_connection(e->receiver))
		read_segment(e->receiver, &d->timestamps, &d->receiver);
	if (e->timestamps && e->timestamps->known)
		d->timestamps = *e->timestamps;
	if (e->skb)
		read_packet(d, e->skb);
	if (e->ct)
		read_orig_dst(d, e->ct);
	if (e->in_task) {
		d->process.pid = bpf_get_current_pid_tgid() >> 32;
		bpf_get_current_comm(d->process.comm, sizeof(d->process.comm));
	}
	/* Wakes user space if it has seen all others, so once a tick at most. */
	bpf_ringbuf_submit(d, 0);
}

/* add_key returns the tally of a new key, NULL where the map is full. */
static __always_inline struct tally *add_key(void *map, const struct key *key)
{
	struct tally zero = {};

	/* An update of a full map costs more than all the rest. */
	if (full)
		return NULL;
	if (bpf_map_update_elem(map, key, &zero, BPF_NOEXIST) == -7 /* -E2BIG */)
		full = true;
	return bpf_map_lookup_elem(map, key);
}

static __always_inline struct kind kind_of(const struct key *key)
{
	return (struct kind){
		.facts = key->facts,
		.location = key->location,
		.reason = key->reason,
		.hook = key->hook,
	};
}

/* place_of_ignored is where a kind's hash is, if it was ignored before. */
static __always_inline volatile __u64 *place_of_ignored(__u64 hash)
{
	return &ignored_hashes[hash & (IGNORED_HASHES - 1)];
}

/* remember_ignored and was_ignored are global functions; see route_of. */
__noinline int remember_ignored(__u64 facts, __u64 location, __u64 reason_and_hook)
{
	__u64 hash = hash_of(facts, location, reason_and_hook);

	*place_of_ignored(hash) = hash;
	return 0;
}

/* was_ignored says that a kind is in the map of those that are ignored. */
__noinline int was_ignored(__u64 facts, __u64 location, __u64 reason_and_hook)
{
	__u64 hash = hash_of(facts, location, reason_and_hook);

	return *place_of_ignored(hash) == hash;
}

/* leaves_early says, before all that costs, that a packet is of no interest. It does not
 * say so of each, and SYNs are not asked about. */
static __always_inline bool leaves_early(const struct key *key)
{
	return ignoring && !(key->facts & FACT_PACKET_SYN) &&
	       was_ignored(key->facts, key->location, reason_and_hook(key));
}

static __noinline bool is_ignored(const struct key *key)
{
	struct kind kind;

	if (!ignoring)
		return false;
	kind = kind_of(key);
	if (!bpf_map_lookup_elem(&ignored, &kind))
		return false;
	remember_ignored(key->facts, key->location, reason_and_hook(key));
	return true;
}

/* count_elsewhere counts what has no room in the tally. */
static __always_inline void count_elsewhere(void *overflow, const struct key *key, __u64 n)
{
	struct kind_in_netns kind = {
		.kind = kind_of(key),
		.netns_cookie = key->netns_cookie,
		.netns = key->netns,
	};
	__u64 zero = 0, *count;

	count = bpf_map_lookup_elem(overflow, &kind);
	if (!count) {
		bpf_map_update_elem(overflow, &kind, &zero, BPF_NOEXIST);
		count = bpf_map_lookup_elem(overflow, &kind);
	}
	if (!count) {
		bump(STAT_LOST, n);
		return;
	}
	__sync_fetch_and_add(count, n);
	bump(STAT_UNATTRIBUTED, n);
}

static __noinline void count_in_overflow(const struct key *key, __u64 n, bool other)
{
	if (other)
		count_elsewhere(&overflow_b, key, n);
	else
		count_elsewhere(&overflow_a, key, n);
}

static __always_inline void add_to(struct tally *t, __u16 src_port, __u64 n, __u64 now)
{
	__u32 time = now >> TALLY_TIME_SHIFT;

	/* Atomic, as a softirq may interrupt this CPU in process context. */
	__sync_fetch_and_add(&t->count, n);
	/* A tick may have begun before the newest detail. */
	if (!t->time || (__s32)(time - t->time) > 0)
		t->time = time;
	t->src_port = src_port;
}

/* count_in_table adds n observations to the key's tally in the table. */
static __always_inline void count_in_table(const struct key *key, __u16 src_port,
					   const struct evidence *e, __u64 n, __u64 now, bool other)
{
	__u16 window = window_of(now);
	struct tally *t;
	bool send;

	t = other ? bpf_map_lookup_elem(&tally_b, key) : bpf_map_lookup_elem(&tally_a, key);
	/* After the tally: a packet that has one needs no second lookup. */
	if (!t && is_ignored(key))
		return;
	/* Read before it is written: all CPUs share it. */
	if (!counted)
		counted = true;
	if (!t)
		t = other ? add_key(&tally_b, key) : add_key(&tally_a, key);
	if (!t) {
		count_in_overflow(key, n, other);
		return;
	}
	send = every_drop || (t->sent != window && may_send_key(key, window));
	if (send)
		now = bpf_ktime_get_ns();
	/* Also if it may not be sent: it may not in the rest of the window. */
	t->sent = window;
	add_to(t, src_port, n, now);
	if (!every_drop)
		keep_hot(key, window, other);
	/* Last, as the verifier would read what follows once for each of its branches. */
	if (send)
		send_detail(key, now, src_port, e);
}

/* count_many adds n observations. */
static __always_inline void count_many(const struct key *key, __u16 src_port,
				       const struct evidence *e, __u64 n)
{
	bool other = second;
	__u64 now = now_ns();
	struct tally *t;

	if (!passes(key))
		return;
	t = every_drop ? NULL : hot_tally(key, window_of(now), other);
	if (!t) {
		count_in_table(key, src_port, e, n, now, other);
		return;
	}
	if (!counted)
		counted = true;
	add_to(t, src_port, n, now);
}

static __always_inline void count(const struct key *key, __u16 src_port, const struct evidence *e)
{
	count_many(key, src_port, e, 1);
}

#endif
