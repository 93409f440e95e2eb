/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The listener of a packet, looked up as net/ipv4/inet_hashtables.c and
 * net/ipv6/inet6_hashtables.c do. It is given only where there is one that it can be:
 * not with SO_REUSEPORT, which chooses among several, nor with SO_BINDTODEVICE.
 */
#ifndef SYNWATCH_LISTENER_H
#define SYNWATCH_LISTENER_H

#include "packet.h"

/* So many sockets of a hash chain are looked at. */
#define LISTENER_CHAIN 32

static __always_inline __u32 rotate(__u32 word, int by)
{
	return word << by | word >> (32 - by);
}

/* jhash_final and jhash_mix are those of include/linux/jhash.h. */
static __always_inline __u32 jhash_final(__u32 a, __u32 b, __u32 c)
{
	c = (c ^ b) - rotate(b, 14);
	a = (a ^ c) - rotate(c, 11);
	b = (b ^ a) - rotate(a, 25);
	c = (c ^ b) - rotate(b, 16);
	a = (a ^ c) - rotate(c, 4);
	b = (b ^ a) - rotate(a, 14);
	return (c ^ b) - rotate(b, 24);
}

static __always_inline __u32 jhash_word(__u32 word, __u32 initial)
{
	initial += 0xdeadbeef + (1 << 2);
	return jhash_final(word + initial, initial, initial);
}

static __always_inline __u32 jhash_4words(const __u32 words[4], __u32 initial)
{
	__u32 a, b, c;

	initial += 0xdeadbeef + (4 << 2);
	a = words[0] + initial;
	b = words[1] + initial;
	c = words[2] + initial;
	a = (a - c) ^ rotate(c, 4);
	c += b;
	b = (b - a) ^ rotate(a, 6);
	a += c;
	c = (c - b) ^ rotate(b, 8);
	b += a;
	a = (a - c) ^ rotate(c, 16);
	c += b;
	b = (b - a) ^ rotate(a, 19);
	a += c;
	c = (c - b) ^ rotate(b, 4);
	b += a;
	return jhash_final(a + words[3], b, c);
}

/* address_hash is ipv4_portaddr_hash or ipv6_portaddr_hash, without the port. */
static __always_inline __u32 address_hash(const struct net *net, const struct packet *p, bool any)
{
	const __u32 *words = (const __u32 *)p->dst;
	__u32 mix = FIELD(false, net, hash_mix);

	if (any)
		return jhash_word(0, mix);
	return p->v4 ? jhash_word(words[3], mix) : jhash_4words(words, mix);
}

/* has_address is the part of compute_score that tells addresses apart. */
static __always_inline bool has_address(struct sock *sk, const struct packet *p, bool any)
{
	const __u64 *wanted = (const __u64 *)p->dst;
	__u64 own[2];

	if (p->v4)
		return FIELD(false, sk, __sk_common.skc_rcv_saddr) ==
			       (any ? 0 : ((const __u32 *)p->dst)[3]) &&
		       !BPF_CORE_READ_BITFIELD_PROBED(sk, __sk_common.skc_ipv6only);
	if (FIELD(false, sk, __sk_common.skc_family) != AF_INET6 ||
	    !read_words(own, &sk->__sk_common.skc_v6_rcv_saddr, 2))
		return false;
	return any ? !(own[0] | own[1]) : own[0] == wanted[0] && own[1] == wanted[1];
}

static __always_inline bool is_listener(struct sock *sk, const struct net *net,
					const struct packet *p, bool any)
{
	return FIELD(false, sk, __sk_common.skc_state) == TCP_LISTEN &&
	       FIELD(false, sk, __sk_common.skc_num) == p->dst_port && net_of_sock(sk) == net &&
	       has_address(sk, p, any);
}

static __always_inline bool links_by_icsk(void)
{
	return bpf_core_field_exists(((struct inet_connection_sock *)0)->icsk_listen_portaddr_node);
}

static __always_inline __u64 listener_of(__u64 node)
{
	if (links_by_icsk())
		return node - bpf_core_field_offset(struct inet_connection_sock,
						    icsk_listen_portaddr_node);
	return node - bpf_core_field_offset(struct sock, __sk_common.skc_nulls_node);
}

static __always_inline __u64 first_of_chain(const struct net *net, const struct packet *p, bool any)
{
	struct inet_hashinfo *info = BPF_CORE_READ(net, ipv4.tcp_death_row.hashinfo);
	__u64 bucket = (address_hash(net, p, any) ^ p->dst_port) & FIELD(false, info, lhash2_mask);
	__u64 first = 0;

	bucket = (__u64)FIELD(false, info, lhash2) +
		 bucket * bpf_core_type_size(struct inet_listen_hashbucket);
	read_words(
		&first,
		(void *)(bucket + bpf_core_field_offset(struct inet_listen_hashbucket, nulls_head)),
		1);
	return first;
}

/* listeners_at goes through the listeners of an address; it returns the last one, and
 * adds their number to n. */
static __noinline __u64 listeners_at(const struct net *net, const struct packet *p, bool any,
				     __u64 *n)
{
	__u64 node = first_of_chain(net, p, any);
	__u64 found = 0;

	for (int i = 0; i < LISTENER_CHAIN && node && !(node & 1); i++) {
		__u64 sk = listener_of(node);

		if (is_listener((struct sock *)sk, net, p, any)) {
			found = sk;
			*n = unknown_to_verifier(*n + 1);
		}
		found = unknown_to_verifier(found);
		/* Either kind of node begins with the next one. */
		if (!read_words(&node, (void *)node, 1))
			break;
	}
	return found;
}

/* find_listener returns the listener of the packet in its namespace, 0 unless exactly
 * one fits. */
static __always_inline __u64 find_listener(struct net *net, const struct packet *p)
{
	__u64 n = 0, sk;

	if (!bpf_core_field_exists(net->ipv4.tcp_death_row.hashinfo))
		return 0;
	sk = listeners_at(net, p, false, &n);
	if (!n)
		sk = listeners_at(net, p, true, &n);
	if (n != 1 || FIELD(false, (struct sock *)sk, __sk_common.skc_bound_dev_if))
		return 0;
	return sk;
}

#endif
