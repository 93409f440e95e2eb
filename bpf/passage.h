/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What each CPU remembers of the SYNs that came in and are not judged yet. What it is
 * for is told in syn_passage.h. */
#ifndef SYNWATCH_PASSAGE_H
#define SYNWATCH_PASSAGE_H

#include "missed.h"
#include "syn_counters.h"

/* The programs that use it are attached. */
volatile bool passing;

/* SYNs that a CPU remembers: a power of two, more than are in a list at a time. */
#define PASSING 128
/* So many frees after the last SYN came in, those that are still remembered went
 * elsewhere: through this host, or into a queue. */
#define PASSING_FREES 256

/* A CPU judges SYNs in the order in which they came in. */
struct passage {
	struct net *net; /* into which the last one came, and whose counters these are */
	__u64 before[SYN_COUNTERS];
	__u64 missed; /* see missed_frees */
	__u32 first;  /* of those remembered, as a number that only grows */
	__u32 next;
	__u32 frees; /* until they are forgotten */
	__u32 pad;
	__u64 skbs[PASSING];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct passage);
} passages SEC(".maps");

static __always_inline struct passage *passage(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&passages, &zero);
}

static __always_inline bool is_any_passing(const struct passage *w)
{
	return w->first != w->next;
}

static __always_inline void remember_skb(struct passage *w, __u64 skb)
{
	if (w->next - w->first == PASSING)
		w->first++;
	w->skbs[w->next++ & (PASSING - 1)] = skb;
	w->frees = PASSING_FREES;
}

/* forget takes the packet out of what is remembered, with all that came in before it:
 * they went elsewhere. False if it is not there. */
static __always_inline bool forget(struct passage *w, __u64 skb)
{
	__u32 at = w->first;

	for (int i = 0; i < PASSING && at != w->next; i++, at++) {
		if (w->skbs[at & (PASSING - 1)] != skb)
			continue;
		w->first = at + 1;
		return true;
	}
	return false;
}

/* read_passage reads the counters, and how many frees were missed. */
static __always_inline void read_passage(__u64 to[SYN_COUNTERS], __u64 *missed,
					 const struct net *net)
{
	__u64 offset = this_cpu_offset();

	read_syn_counters(to, mib_of_net(net, offset));
	/* A listener of IPv6 may have a client of IPv4. */
	to[SYN_NO_ROUTES] =
		out_no_routes_of(net, true, offset) + out_no_routes_of(net, false, offset);
	*missed = missed_frees(offset);
}

/* take_counters makes what has moved so far of no importance to what comes. */
static __always_inline void take_counters(struct passage *w)
{
	read_passage(w->before, &w->missed, w->net);
}

static __always_inline bool is_syn(const struct packet *p)
{
	return p->proto == IPPROTO_TCP && (p->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

/* may_have_moved says whether the packet that is freed may have moved the counters: one
 * of TCP, or an ICMP error, that came in and was for this host. */
static __always_inline bool may_have_moved(struct sk_buff *skb, const struct packet *p)
{
	if (!FIELD(false, skb, skb_iif))
		return false;
	if (p->proto != IPPROTO_TCP && p->proto != IPPROTO_ICMP && p->proto != IPPROTO_ICMPV6)
		return false;
	return route_of(FIELD(false, skb, _skb_refdst), p->v4, false) == DIRECTION_IN;
}

/* passed_away is called with each packet that is freed while SYNs are remembered. A
 * global function; see route_of. */
__noinline int passed_away(__u64 number)
{
	struct sk_buff *skb = (struct sk_buff *)number;
	struct passage *w = passage();
	struct packet p = {};

	if (!w)
		return 0;
	if (!--w->frees)
		w->first = w->next;
	if (!parse(skb, &p))
		return 0;
	if (is_syn(&p))
		forget(w, number);
	if (is_any_passing(w) && may_have_moved(skb, &p))
		take_counters(w);
	return 0;
}

static __always_inline void note_free(struct sk_buff *skb)
{
	struct passage *w = passing ? passage() : NULL;

	if (w && is_any_passing(w))
		passed_away(number_of(skb));
}

#endif
