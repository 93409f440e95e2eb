/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From an skb to the addresses in its headers. */
#ifndef SYNWATCH_PACKET_H
#define SYNWATCH_PACKET_H

#include "event.h"
#include "kernel.h"
#include "verifier.h"

struct packet {
	__u8 src[16];
	__u8 dst[16];
	const void *tcp; /* where its TCP header is, NULL for other protocols */
	__u32 seq;	 /* of other protocols the first 8 bytes, which identify it as well */
	__u32 ack_seq;
	__u16 src_port; /* 0 for protocols without ports */
	__u16 dst_port;
	__u8 proto;
	__u8 flags;
	__u8 header; /* length of the TCP header, in bytes */
	bool v4;
};

static __always_inline void map_v4(__u8 addr[16], __be32 v4)
{
	__u32 *word = (__u32 *)addr;

	word[0] = 0;
	word[1] = 0;
	word[2] = bpf_htonl(0xffff);
	word[3] = v4;
}

static __always_inline void take_tcp(const struct tcp_header *tcp, const void *at, struct packet *p)
{
	p->src_port = bpf_ntohs(tcp->source);
	p->dst_port = bpf_ntohs(tcp->dest);
	p->seq = bpf_ntohl(tcp->seq);
	p->ack_seq = bpf_ntohl(tcp->ack_seq);
	p->flags = tcp->flags;
	p->header = (tcp->doff >> 4) * 4;
	p->tcp = at;
}

static __always_inline bool parse_tcp(const void *at, struct packet *p)
{
	struct tcp_header tcp;

	if (bpf_probe_read_kernel(&tcp, sizeof(tcp), at))
		return false;
	take_tcp(&tcp, at, p);
	return true;
}

static __always_inline bool has_ports(__u8 proto)
{
	return proto == IPPROTO_UDP || proto == IPPROTO_SCTP || proto == IPPROTO_DCCP ||
	       proto == IPPROTO_UDPLITE;
}

/* take_other takes the first bytes of what is not TCP: ports, or an ICMP header. */
static __always_inline bool take_other(const void *at, struct packet *p)
{
	__u32 words[2];

	if (bpf_probe_read_kernel(words, sizeof(words), at))
		return false;
	p->seq = words[0];
	p->ack_seq = words[1];
	if (has_ports(p->proto)) {
		p->src_port = bpf_ntohs(words[0] & 0xffff);
		p->dst_port = bpf_ntohs(words[0] >> 16);
	}
	return true;
}

/* parse_transport reads the header behind IP's. Only the first fragment has it: of
 * the others of TCP nothing is wanted. */
static __always_inline bool parse_transport(const void *at, struct packet *p, bool fragment)
{
	if (p->proto == IPPROTO_TCP)
		return !fragment && parse_tcp(at, p);
	return fragment || take_other(at, p);
}

static __always_inline bool parse_v4(const void *at, struct packet *p)
{
	/* Without options, which is nearly always, one read gets both. An skb's
	 * linear part is never so short that it would leave its memory. */
	union {
		struct {
			struct ipv4_header ip;
			struct tcp_header tcp;
		};
		__u64 words[5];
	} both;
	bool fragment;
	__u32 length;

	if (!read_words(both.words, at, 5))
		return false;
	map_v4(p->src, both.ip.saddr);
	map_v4(p->dst, both.ip.daddr);
	p->v4 = true;
	p->proto = both.ip.protocol;
	fragment = both.ip.frag_off & bpf_htons(0x1fff);
	length = (both.ip.ihl_version & 0xf) * 4;
	if (p->proto != IPPROTO_TCP || fragment || length != sizeof(both.ip))
		return parse_transport(at + length, p, fragment);
	take_tcp(&both.tcp, at + length, p);
	return true;
}

/* hop-by-hop, routing, fragment, destination options: include/net/ipv6.h:NEXTHDR_* */
static __always_inline bool is_v6_option(__u8 nexthdr)
{
	return nexthdr == 0 || nexthdr == 43 || nexthdr == 44 || nexthdr == 60;
}

/* v6_options returns the length of the headers between IPv6's and the transport's,
 * << 9, whether it is a fragment but the first, << 8, and the transport's protocol,
 * -1 if they cannot be read. A global function; see route_of. */
__noinline int v6_options(__u64 at, __u32 nexthdr)
{
	struct ipv6_option_header option = {};
	__u32 length = 0;
	__u32 fragment = 0;

#pragma unroll
	for (int i = 0; i < 4; i++) {
		if (!is_v6_option(nexthdr))
			break;
		if (bpf_probe_read_kernel(&option, sizeof(option), (void *)at + length))
			return -1;
		if (nexthdr == 44 && option.more & bpf_htons(0xfff8))
			fragment = 1;
		/* A fragment's header has no length, but zero in its place. */
		length += (option.hdrlen + 1) * 8;
		nexthdr = option.nexthdr;
	}
	return length << 9 | fragment << 8 | (nexthdr & 0xff);
}

static __always_inline bool parse_v6(const void *at, struct packet *p)
{
	union {
		struct {
			struct ipv6_header ip;
			struct tcp_header tcp;
		};
		__u64 words[7];
	} both;
	int options;

	if (!read_words(both.words, at, 7))
		return false;
	__builtin_memcpy(p->src, both.ip.saddr, 16);
	__builtin_memcpy(p->dst, both.ip.daddr, 16);
	p->v4 = false;
	p->proto = both.ip.nexthdr;
	at += sizeof(both.ip);
	if (p->proto == IPPROTO_TCP) {
		take_tcp(&both.tcp, at, p);
		return true;
	}
	options = v6_options(number_of(at), p->proto);
	if (options < 0)
		return false;
	p->proto = options;
	return parse_transport(at + (options >> 9), p, options >> 8 & 1);
}

/* parse_skb fills p from the headers of skb; false if it is not IP, or a fragment of
 * TCP but the first. */
static __always_inline bool parse_skb(struct sk_buff *skb, struct packet *p, bool typed)
{
	__u16 offset = FIELD(typed, skb, network_header);
	__be16 protocol = FIELD(typed, skb, protocol);
	const void *at = FIELD(typed, skb, head) + offset;

	/* Not set before __netif_receive_skb_core: the data begins with it. */
	if (!offset)
		at = FIELD(typed, skb, data);
	if (protocol == bpf_htons(ETH_P_IP))
		return parse_v4(at, p);
	if (protocol == bpf_htons(ETH_P_IPV6))
		return parse_v6(at, p);
	return false;
}

static __always_inline bool parse(struct sk_buff *skb, struct packet *p)
{
	return parse_skb(skb, p, false);
}

/* tsval_of returns the value of the packet's timestamp option, 0 without one. */
static __always_inline __u32 tsval_of(const struct packet *p)
{
	__u8 options[64] = {};
	__u32 end = p->header - 20;
	__u32 at = 0;
	__be32 tsval;

	if (p->header <= 20 || end > 40 || bpf_probe_read_kernel(options, 40, p->tcp + 20))
		return 0;
	for (int i = 0; i < 20 && at + 10 <= end; i++) {
		__u8 kind = options[at & 63];

		if (kind == 8) { /* TCPOPT_TIMESTAMP */
			__builtin_memcpy(&tsval, &options[(at + 2) & 31], sizeof(tsval));
			return bpf_ntohl(tsval);
		}
		if (kind == 0)
			break;
		at += kind == 1 ? 1 : options[(at + 1) & 63];
		if (at > 40)
			break;
	}
	return 0;
}

/* is_pure_syn: a SYN and nothing else that matters. */
static __always_inline bool is_pure_syn(const struct packet *p)
{
	return (p->flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == TCP_SYN;
}

static __always_inline struct dst_entry *dst_of_skb(struct sk_buff *skb, bool typed)
{
	/* SKB_DST_NOREF, include/linux/skbuff.h */
	return (struct dst_entry *)(FIELD(typed, skb, _skb_refdst) & ~1UL);
}

static __always_inline struct dst_entry *dst_of(struct sk_buff *skb)
{
	return dst_of_skb(skb, false);
}

/* is_metadata says that the packet has no route, but in its place what a tunnel
 * notes of it: where it came from, or where it is to go. include/net/dst.h */
#define DST_METADATA 0x0080

static __always_inline bool is_metadata(const struct dst_entry *dst)
{
	return CAST_FIELD(dst, struct dst_entry, flags) & DST_METADATA;
}

/* A bridge has lent the packet a route, so that netfilter finds one
 * (net/bridge/br_netfilter_hooks.c). Likewise. */
#define DST_FAKE_RTABLE 0x0010

/*
 * received_on returns the device that the packet came in on, NULL where skb->dev
 * is not that any more: tcp_v4_rcv sets it to NULL and the out-of-order queue
 * uses its space (include/linux/skbuff.h: rbnode).
 */
static __always_inline struct net_device *received_on(struct sk_buff *skb, bool typed)
{
	struct net_device *dev = FIELD(typed, skb, dev);
	int iif = FIELD(typed, skb, skb_iif);

	return dev && iif && FIELD(typed, dev, ifindex) == iif ? dev : NULL;
}

/* route_of says which way a packet goes that came in, by what it has in _skb_refdst,
 * as an enum direction. A global function, as the verifier reads it once and knows
 * nothing of what it returns: its branches do not multiply with those of its callers.
 * received says that it did not go any further than the device that it came in on. */
__noinline int route_of(__u64 refdst, __u32 v4, __u32 received)
{
	struct dst_entry *dst = (struct dst_entry *)(refdst & ~1UL); /* SKB_DST_NOREF */
	unsigned short flags;
	__u16 type;

	if (!dst)
		return DIRECTION_UNROUTED;
	flags = CAST_FIELD(dst, struct dst_entry, flags);
	if (flags & DST_FAKE_RTABLE)
		return DIRECTION_UNROUTED;
	if (flags & DST_METADATA)
		return received ? DIRECTION_UNROUTED : DIRECTION_FORWARD;
	if (!v4)
		return CAST_FIELD(dst, struct rt6_info, rt6i_flags) & (RTF_LOCAL | RTF_ANYCAST)
			       ? DIRECTION_IN
			       : DIRECTION_FORWARD;
	type = CAST_FIELD(dst, struct rtable, rt_type);
	return type == RTN_LOCAL || type == RTN_BROADCAST || type == RTN_MULTICAST
		       ? DIRECTION_IN
		       : DIRECTION_FORWARD;
}

static __always_inline struct net *net_of_sock(struct sock *sk)
{
	return FIELD(false, sk, __sk_common.skc_net.net);
}

/*
 * net_of finds the packet's network namespace. Until ip_rcv orphans it, a packet
 * from a veth peer may still hold its sender's socket (net/core/skbuff.c:
 * skb_scrub_packet), so the device goes before it; a listener's packet has
 * neither any more, but a route.
 */
static __always_inline struct net *net_of(struct sk_buff *skb, struct sock *rx_sk)
{
	struct net_device *dev = received_on(skb, false);
	struct dst_entry *dst;
	struct sock *sk;

	if (dev)
		return FIELD(false, dev, nd_net.net);
	sk = rx_sk ? rx_sk : FIELD(false, skb, sk);
	if (sk)
		return net_of_sock(sk);
	dst = dst_of(skb);
	dev = dst && !is_metadata(dst) ? FIELD(false, dst, dev) : FIELD(false, skb, dev);
	return dev ? FIELD(false, dev, nd_net.net) : NULL;
}

/* cookie_of distinguishes a namespace from the next with its inode number: its
 * cookie or, where not every namespace has one, a random number. typed: see FIELD. */
static __always_inline __u64 cookie_of(struct net *net, bool typed)
{
	if (bpf_core_field_exists(net->net_cookie))
		return FIELD(typed, net, net_cookie);
	return FIELD(typed, net, hash_mix);
}

/* set_netns notes in a key whose the packet is. What is read from NULL is zero. */
static __always_inline void set_netns(struct key *key, struct net *net)
{
	key->netns = FIELD(false, net, ns.inum);
	key->netns_cookie = cookie_of(net, false);
}

/* parse_sock fills p from a connection's or a request's addresses, the peer being
 * the source; false for what is neither IPv4 nor IPv6. */
static __always_inline bool parse_sock(const struct sock_common *sk, struct packet *p)
{
	unsigned short family = BPF_CORE_READ(sk, skc_family);

	p->v4 = family == AF_INET;
	if (p->v4) {
		map_v4(p->src, BPF_CORE_READ(sk, skc_daddr));
		map_v4(p->dst, BPF_CORE_READ(sk, skc_rcv_saddr));
	} else if (family == AF_INET6) {
		BPF_CORE_READ_INTO(&p->src, sk, skc_v6_daddr.in6_u.u6_addr8);
		BPF_CORE_READ_INTO(&p->dst, sk, skc_v6_rcv_saddr.in6_u.u6_addr8);
	} else {
		return false;
	}
	p->proto = IPPROTO_TCP;
	p->src_port = bpf_ntohs(BPF_CORE_READ(sk, skc_dport));
	p->dst_port = BPF_CORE_READ(sk, skc_num);
	return true;
}

#endif
