/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Why a packet that is not for this host may not be forwarded: what the functions
 * look at that free it, net/ipv4/ip_forward.c, net/ipv4/route.c:ip_error and
 * net/ipv6/ip6_output.c:ip6_forward. The catalogue decides whether it died there. */
#ifndef SYNWATCH_ROUTE_H
#define SYNWATCH_ROUTE_H

#include "packet.h"
#include "verifier.h"

/* forwards_v4: IN_DEV_FORWARD */
static __always_inline bool forwards_v4(const struct net_device *dev)
{
	struct in_device *in = CAST_FIELD(dev, struct net_device, ip_ptr);

	return CAST_FIELD(in, struct in_device, cnf.data[0]);
}

static __always_inline bool forwards_v6(const struct net_device *dev)
{
	struct net *net = CAST_FIELD(dev, struct net_device, nd_net.net);
	struct ipv6_devconf *all = CAST_FIELD(net, struct net, ipv6.devconf_all);
	struct inet6_dev *idev;

	if (CAST_FIELD(all, struct ipv6_devconf, forwarding))
		return true;
	if (!bpf_core_field_exists(all->force_forwarding))
		return false;
	idev = CAST_FIELD(dev, struct net_device, ip6_ptr);
	return CAST_FIELD(idev, struct inet6_dev, cnf.force_forwarding);
}

/* ip_route_input_slow makes a route of an error, for ip_error: EHOSTUNREACH, whatever
 * there is, on an interface that does not forward, ENETUNREACH for no route. */
static __always_inline __u64 error_facts_v4(const struct dst_entry *dst,
					    const struct net_device *dev)
{
	switch (CAST_FIELD(dst, struct dst_entry, error)) {
	case ENETUNREACH:
		return FACT_NO_ROUTE;
	case EHOSTUNREACH:
		return forwards_v4(dev) ? FACT_ROUTE_REFUSES : FACT_FORWARDING_OFF;
	}
	return FACT_ROUTE_REFUSES;
}

/* net/ipv6/route.c:ip6_rt_type_to_error. ip6_pkt_discard and ip6_pkt_prohibit count
 * Ip6InNoRoutes whatever the type is, dst_discard nothing. */
static __always_inline __u64 error_facts_v6(const struct dst_entry *dst)
{
	switch (-CAST_FIELD(dst, struct dst_entry, error)) {
	case 0:
		return 0;
	case ENETUNREACH:
		return FACT_NO_ROUTE;
	case EINVAL:
		return FACT_ROUTE_REFUSES;
	}
	return FACT_NO_ROUTE | FACT_ROUTE_REFUSES;
}

/* mtu_of_route: ip_dst_mtu_maybe_forward and ip6_dst_mtu_maybe_forward, but for what
 * net.ipv4.ip_forward_use_pmtu adds. The metrics begin with RTAX_LOCK; RTAX_MTU is 2
 * (include/uapi/linux/rtnetlink.h). */
static __always_inline __u32 mtu_of_route(const struct dst_entry *dst)
{
	__u64 metrics = CAST_FIELD(dst, struct dst_entry, _metrics) & ~3UL;
	struct net_device *dev;
	__u32 mtu = 0;

	if (metrics)
		bpf_probe_read_kernel(&mtu, sizeof(mtu), (void *)metrics + 4);
	if (mtu)
		return mtu;
	dev = CAST_FIELD(dst, struct dst_entry, dev);
	return CAST_FIELD(dev, struct net_device, mtu);
}

static __always_inline bool may_fragment(const void *ip, __u32 v4)
{
	__be16 frag_off = 0;

	if (!v4)
		return false;
	bpf_probe_read_kernel(&frag_off, sizeof(frag_off), ip + 6);
	return !(frag_off & bpf_htons(0x4000)); /* IP_DF */
}

static __always_inline __u8 hop_limit(const void *ip, __u32 v4)
{
	__u8 limit = 0;

	bpf_probe_read_kernel(&limit, sizeof(limit), ip + (v4 ? 8 : 7));
	return limit;
}

/* size_of is that of the packet, or of the packets that its segments become. */
static __always_inline __u32 size_of(struct sk_buff *skb)
{
	struct skb_shared_info *shared = (void *)FIELD(false, skb, head) + FIELD(false, skb, end);
	__u16 gso_size = CAST_FIELD(shared, struct skb_shared_info, gso_size);
	struct packet p = {};

	if (!gso_size || !parse(skb, &p) || !p.tcp)
		return FIELD(false, skb, len);
	return p.tcp + p.header + gso_size -
	       (void *)(FIELD(false, skb, head) + FIELD(false, skb, network_header));
}

/* route_facts returns the facts of a packet that was to be forwarded. A global
 * function; see route_of. */
__noinline __u64 route_facts(__u64 skb_number, __u32 v4)
{
	struct sk_buff *skb = (struct sk_buff *)skb_number;
	const void *ip = FIELD(false, skb, head) + FIELD(false, skb, network_header);
	struct net_device *dev = FIELD(false, skb, dev);
	struct dst_entry *dst = dst_of(skb);
	__u64 facts = 0;
	__u32 mtu;

	if (!dst || is_metadata(dst))
		return 0;
	if (hop_limit(ip, v4) <= 1)
		facts |= FACT_HOP_LIMIT;
	if (v4 && CAST_FIELD(dst, struct rtable, rt_type) == RTN_UNREACHABLE)
		return facts | error_facts_v4(dst, dev);
	if (!v4)
		facts |= error_facts_v6(dst);
	if (!v4 && !forwards_v6(dev))
		facts |= FACT_FORWARDING_OFF;
	mtu = mtu_of_route(dst);
	if (FIELD(false, skb, len) > mtu && size_of(skb) > mtu && !may_fragment(ip, v4))
		facts |= FACT_TOO_BIG;
	return facts;
}

/* to_martian says that ip_rcv_finish_core freed a packet for its destination, 0.0.0.0/8
 * or 127.0.0.0/8, as ip_route_input_slow refused it. What refuses a source is a function
 * of its own, which has a hook: bpf/martian.h. */
static __always_inline bool to_martian(const struct packet *p, __u64 location, __u32 reason)
{
	return location > finish_core_start && location <= finish_core_end &&
	       reason == reason_not_specified && p->v4 && (p->dst[12] == 0 || p->dst[12] == 127);
}

static __always_inline void read_path(struct path *path, struct sk_buff *skb)
{
	struct dst_entry *dst = dst_of(skb);

	if (!dst || is_metadata(dst))
		return;
	path->mtu = mtu_of_route(dst);
	path->size = size_of(skb);
	path->known = 1;
}

/* leaves_by returns the index of the interface by which the packet was to leave, 0 if
 * it is not known. A global function; see route_of. */
__noinline __u32 leaves_by(__u64 skb_number)
{
	struct sk_buff *skb = (struct sk_buff *)skb_number;
	struct net_device *dev = FIELD(false, skb, dev);
	struct dst_entry *dst = dst_of(skb);

	/* Until it is handed to that interface, skb->dev is the one that it came in on. A
	 * route that is an error has the loopback device, or none of use. */
	if (received_on(skb, false)) {
		if (!dst || is_metadata(dst) || CAST_FIELD(dst, struct dst_entry, error))
			return 0;
		dev = CAST_FIELD(dst, struct dst_entry, dev);
	}
	return dev ? FIELD(false, dev, ifindex) : 0;
}

#endif
