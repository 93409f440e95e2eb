/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The SYN on kernels that let no program attach to the functions that judge it. All
 * of that happens between two tracepoints, on one CPU and with bottom halves off:
 * netif_receive_skb, where the packet enters (net/core/dev.c:__netif_receive_skb_core),
 * and consume_skb, where tcp_rcv_state_process (net/ipv4/tcp_input.c) frees a SYN
 * that a listener has judged, whatever the verdict.
 *
 * The counters are those of the CPU. Everything that moves them by design ends at a
 * free that a tracepoint shows, before the next packet is looked at: a SYN here, the
 * last ACK of a handshake at kfree_skb, the ICMP error that ends a request at either.
 * Each of these takes the counters anew for what comes after. So several packets may
 * enter before the first is judged, as they do in the lists of GRO.
 *
 * What does not fit gives nothing, and remains a total: a SYN that was not remembered,
 * or is judged in another namespace than it came into, counters that moved as one SYN
 * does not move them, a free that a program missed.
 */
#ifndef SYNWATCH_SYN_PASSAGE_H
#define SYNWATCH_SYN_PASSAGE_H

#include "listener.h"
#include "passage.h"
#include "probes.h"
#include "syn.h"

/* Where tcp_rcv_state_process is, and how many arguments consume_skb has: location
 * from 6.3 on (commit dd1b527831a3). */
const volatile __u64 state_process_start;
const volatile __u64 state_process_end;
const volatile __u32 nargs_consume_skb;

/* is_arriving_syn looks at a packet whose data begins with the IP header: that its
 * place is not recorded yet. */
static __always_inline bool is_arriving_syn(struct sk_buff *skb)
{
	__be16 protocol = skb->protocol;
	struct packet p = {};

	if (protocol == bpf_htons(ETH_P_IP))
		return parse_v4(skb->data, &p) && is_syn(&p);
	return protocol == bpf_htons(ETH_P_IPV6) && parse_v6(skb->data, &p) && is_syn(&p);
}

static __always_inline void remember(struct sk_buff *skb)
{
	struct passage *w = passage();

	if (!w)
		return;
	remember_skb(w, number_of(skb));
	w->net = skb->dev->nd_net.net;
	take_counters(w);
}

SEC("tp_btf/netif_receive_skb") int tp_btf_netif_receive_skb(__u64 *ctx)
{
	struct sk_buff *skb = (struct sk_buff *)ctx[0];

	if (enabled && is_arriving_syn(skb))
		remember(skb);
	return 0;
}

/* is_one_verdict: one SYN moves ListenDrops by one, alone or with the counter of a
 * queue that is full, or it gets one cookie. */
static __always_inline bool is_one_verdict(const __u64 before[SYN_COUNTERS],
					   const __u64 now[SYN_COUNTERS])
{
	__u64 overflows = now[SYN_OVERFLOWS] - before[SYN_OVERFLOWS];
	__u64 drops = now[SYN_DROPS] - before[SYN_DROPS];
	__u64 queue_drops = now[SYN_QUEUE_DROPS] - before[SYN_QUEUE_DROPS];
	__u64 cookies = now[SYN_COOKIES] - before[SYN_COOKIES];

	return drops + cookies == 1 && overflows + queue_drops <= drops;
}

static __always_inline bool is_unicast(struct sk_buff *skb, const struct packet *p)
{
	struct rtable *route = (struct rtable *)dst_of(skb);

	if (!p->v4)
		return p->dst[0] != 0xff;
	return CAST_FIELD(route, struct rtable, rt_type) == RTN_LOCAL;
}

/* What the reserve of the last quarter of tcp_max_syn_backlog has to do with a SYN that
 * neither queue refused. */
enum reserve {
	RESERVE_NONE,	 /* it was not asked: cookies are on, or the SYN was to many */
	RESERVE_REACHED, /* it refused the SYN */
	RESERVE_BELOW,	 /* the queue has not reached it, or not any more */
	RESERVE_UNKNOWN,
};

static __always_inline enum reserve reserve(struct sk_buff *skb, const struct packet *p,
					    struct net *net, struct sock *listener)
{
	struct queues q;

	if (BPF_CORE_READ_BITFIELD_PROBED(net, ipv4.sysctl_tcp_syncookies) || !is_unicast(skb, p))
		return RESERVE_NONE;
	if (!listener)
		return RESERVE_UNKNOWN;
	read_queues(&q, listener);
	return (__s32)(q.max_syn_backlog - q.syn) < (__s32)q.max_syn_backlog >> 2 ? RESERVE_REACHED
										  : RESERVE_BELOW;
}

/* drop_facts are those of a SYN of which only ListenDrops tells, and perhaps a reply
 * without a route, which may be another packet's. 0 where it is not certain what
 * refused it. */
static __always_inline __u64 drop_facts(__u64 facts, enum reserve r)
{
	if (facts & FACT_NO_ROUTE)
		return r == RESERVE_NONE || r == RESERVE_BELOW ? facts : 0;
	if (r == RESERVE_REACHED)
		return facts | FACT_RESERVED;
	return r == RESERVE_NONE ? facts : 0;
}

/* judged counts a SYN that a listener has judged. */
static __always_inline void judged(struct passage *w, struct sk_buff *skb)
{
	__u64 now[SYN_COUNTERS], missed;
	struct packet p = {};
	struct sock *listener;
	__u64 facts;

	if (net_of(skb, NULL) != w->net || !parse(skb, &p) || !is_syn(&p))
		return;
	read_passage(now, &missed, w->net);
	if (missed != w->missed || !is_one_verdict(w->before, now))
		return;
	listener = (struct sock *)unknown_to_verifier(find_listener(w->net, &p));
	facts = syn_facts(w->before, now, false);
	if (!(facts & ~(FACT_LISTEN_DROP | FACT_NO_ROUTE)))
		facts = drop_facts(facts, reserve(skb, &p, w->net, listener));
	facts = unknown_to_verifier(facts);
	if (facts)
		count_syn(skb, w->net, listener, facts);
}

/* is_done_with_syn is for kernels that do not say who frees a packet: it is a SYN that
 * TCP had, which takes the device from it. */
static __always_inline bool is_done_with_syn(struct sk_buff *skb)
{
	struct packet p = {};

	return !skb->dev && parse(skb, &p) && is_syn(&p);
}

/* by_listener says whether the packet is a SYN that a listener has judged. */
static __always_inline bool by_listener(__u64 *ctx, struct sk_buff *skb)
{
	__u64 location;

	if (nargs_consume_skb < 2)
		return is_done_with_syn(skb);
	location = CTX_WORD(ctx, 1);
	return location > state_process_start && location <= state_process_end;
}

SEC("tp_btf/consume_skb") int tp_btf_consume_skb(__u64 *ctx)
{
	struct sk_buff *skb = (struct sk_buff *)ctx[0];
	struct passage *w = passage();

	if (!w || !is_any_passing(w))
		return 0;
	if (by_listener(ctx, skb) && forget(w, number_of(skb))) {
		judged(w, skb);
		if (is_any_passing(w))
			take_counters(w);
		return 0;
	}
	note_free(skb);
	return 0;
}

#endif
