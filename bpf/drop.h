/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The kfree_skb tracepoint: where a packet dies, with all that was seen of it. */
#ifndef SYNWATCH_DROP_H
#define SYNWATCH_DROP_H

#include "nat.h"
#include "packet.h"
#include "passage.h"
#include "probes.h"
#include "receive.h"
#include "route.h"
#include "segment.h"
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

static __always_inline void add_packet_kind(struct key *key, const struct packet *p)
{
	if (p->proto != IPPROTO_TCP)
		key->facts |= FACT_OTHER_PROTOCOL;
	if (p->flags & TCP_RST)
		key->facts |= FACT_PACKET_RST;
	if (p->flags & TCP_SYN)
		key->facts |= FACT_PACKET_SYN;
}

static __always_inline void fill_packet(struct key *key, const struct packet *p)
{
	__builtin_memcpy(key->src, p->src, sizeof(key->src));
	__builtin_memcpy(key->dst, p->dst, sizeof(key->dst));
	key->dst_port = p->dst_port;
	key->proto = p->proto;
}

static __always_inline void fill_key(struct key *key, const struct packet *p, struct net *net)
{
	add_packet_kind(key, p);
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

enum sent {
	SENT_SEGMENT, /* of a connection: who opened it is not known */
	SENT_REPLY,
	SENT_FIRST, /* by this host's own doing */
};

/* sent_as says what a packet is that this host made. A global function; see route_of. */
__noinline int sent_as(__u32 proto, __u32 flags, __u64 nfct)
{
	if (proto != IPPROTO_TCP)
		return is_ct_reply(nfct) ? SENT_REPLY : SENT_FIRST;
	flags &= TCP_SYN | TCP_ACK;
	if (flags == (TCP_SYN | TCP_ACK))
		return SENT_REPLY;
	return flags == TCP_SYN ? SENT_FIRST : SENT_SEGMENT;
}

/* leave_direction fills in the direction of a packet that this host made, and makes
 * the peer the source of a reply. False if it is not counted: a segment is if
 * connection tracking refused and counted it, or if it found no route. */
static __always_inline bool leave_direction(struct key *key, struct sk_buff *skb, struct packet *p,
					    bool typed)
{
	int sent = sent_as(p->proto, p->flags, nfct_of(skb, typed));

	if (sent == SENT_SEGMENT && !(key->facts & (FACTS_CT_REFUSED | FACT_NO_ROUTE)))
		return false;
	if (sent == SENT_FIRST) {
		key->direction = DIRECTION_OUT;
		return true;
	}
	key->direction = DIRECTION_IN;
	key->facts |= FACT_OUTGOING;
	turn_reply(p);
	return true;
}

/* find_direction fills in the direction, and what only packets have that take it. False
 * if the packet is not counted. What this host made has no skb_iif. */
static __always_inline bool find_direction(struct key *key, struct sk_buff *skb, struct packet *p,
					   bool typed)
{
	if (is_arriving(skb, key->reason)) {
		key->facts |= FACT_CPU_BACKLOG;
		key->direction = DIRECTION_UNROUTED;
		return true;
	}
	if (!FIELD(typed, skb, skb_iif))
		return leave_direction(key, skb, p, typed);
	if (to_martian(p, key->location, key->reason))
		key->facts |= FACT_MARTIAN;
	key->direction =
		route_of(FIELD(typed, skb, _skb_refdst), p->v4, received_on(skb, typed) != NULL);
	if (key->direction == DIRECTION_FORWARD)
		key->facts |= route_facts(number_of(skb), p->v4);
	return true;
}

/* parse_unrouted fills p for a segment of a connection for which there was no route:
 * it has no IP header yet. */
static __always_inline bool parse_unrouted(struct sk_buff *skb, struct packet *p, bool typed)
{
	struct sock *sk = FIELD(typed, skb, sk);

	if (!sk || FIELD(typed, skb, protocol) || FIELD(typed, skb, skb_iif) ||
	    FIELD(typed, skb, _skb_refdst))
		return false;
	if (BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP || !parse_sock(&sk->__sk_common, p))
		return false;
	/* As the packet would have been: ours to the peer. */
	turn_reply(p);
	p->flags = BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_SYN_SENT ? TCP_SYN : TCP_ACK;
	return true;
}

/* is_in_task says whether the packet is dropped within the system call that sends it:
 * the task has the socket, or connection tracking refused what a socket has no queue for. */
static __always_inline bool is_in_task(const struct key *key, struct sk_buff *skb)
{
	struct sock *sk;

	if (key->direction != DIRECTION_OUT)
		return false;
	sk = FIELD(false, skb, sk);
	if (!sk)
		return false;
	if (key->proto == IPPROTO_UDP)
		return key->facts & FACTS_CT_REFUSED;
	return key->proto == IPPROTO_TCP && BPF_CORE_READ(sk, sk_lock.owned);
}

/* find_net is net_of for who has no device of a known type, or knows better.
 * A global function; see route_of. */
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
	set_netns(key, (struct net *)net);
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
	struct call *call;

	if (segments_told)
		return rx_sk;
	call = hooked ? call_of(skb, p, facts) : NULL;
	if (has_rx_sk())
		return rx_sk;
	return (struct sock *)unknown_to_verifier(call ? (__u64)call->sk : 0);
}

static __always_inline __u64 socket_facts(struct sk_buff *skb, const struct packet *p,
					  struct sock *rx_sk, __u32 reason, bool typed)
{
	if (!rx_sk)
		return 0;
	if (segments_told && p->proto == IPPROTO_TCP &&
	    (reason == reason_old_sequence || reason == reason_invalid_sequence ||
	     reason == reason_proto_mem))
		return segment_facts(number_of(skb), number_of(rx_sk), reason);
	if (FIELD(typed, rx_sk, __sk_common.skc_state) == TCP_TIME_WAIT)
		return FACT_TIME_WAIT_SOCKET;
	return 0;
}

/* parse_freed fills p and what a key has of the packet's kind; false for what nobody
 * asks about: what is neither IP nor a connection's, and TCP to many hosts. */
static __always_inline bool parse_freed(struct key *key, struct sk_buff *skb, struct packet *p,
					bool typed)
{
	__u8 type = BITFIELD(typed, skb, pkt_type);

	if (type > PACKET_OTHERHOST)
		return false;
	if (!parse_skb(skb, p, typed)) {
		if (!parse_unrouted(skb, p, typed))
			return false;
		key->facts |= FACT_NO_ROUTE;
		return true;
	}
	if (type == PACKET_OTHERHOST)
		key->facts |= FACT_OTHER_HOST;
	return type == PACKET_HOST || type == PACKET_OTHERHOST || p->proto != IPPROTO_TCP;
}

static __always_inline void freed(struct sk_buff *skb, __u64 location, __u32 reason,
				  struct sock *rx_sk, bool typed)
{
	struct key key = { .location = location, .reason = reason, .hook = HOOK_FREE };
	struct evidence e = { .skb = skb };
	__u64 id = (__u64)skb;
	struct packet p = {};
	struct skb_facts *m;

	if (!enabled || !parse_freed(&key, skb, &p, typed))
		return;
	m = facts_of(skb, &p);
	if (m) {
		key.facts |= m->facts;
		e.queues = &m->queues;
		e.timestamps = &m->timestamps;
	}
	if (!find_direction(&key, skb, &p, typed))
		return;
	e.receiver = call_facts(skb, &p, &key.facts, rx_sk);
	/* A segment of a connection that has no route any more. */
	if (e.receiver && key.direction == DIRECTION_UNROUTED)
		key.direction = DIRECTION_IN;
	key.facts |= checksum_facts(skb) | socket_facts(skb, &p, rx_sk, reason, typed);
	add_packet_kind(&key, &p);
	if (!m && leaves_early(&key))
		return;
	e.ifindex = FIELD(typed, skb, skb_iif);
	client_before_nat(skb, &p, key.facts & FACT_OUTGOING, typed);
	fill_packet(&key, &p);
	fill_netns(&key, skb, e.receiver, m, typed);
	e.in_task = is_in_task(&key, skb);
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
	note_free((struct sk_buff *)ctx[0]);
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
