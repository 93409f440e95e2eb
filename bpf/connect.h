/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Connections of this host's own that its routes refuse before there is a packet:
 * tcp_v4_connect (net/ipv4/tcp_ipv4.c) and tcp_v6_connect (net/ipv6/tcp_ipv6.c). */
#ifndef SYNWATCH_CONNECT_H
#define SYNWATCH_CONNECT_H

#include "drop.h"
#include "mib.h"
#include "probes.h"

/* include/uapi/linux/in.h and in6.h */
struct address_v4 {
	__u16 family;
	__be16 port;
	__be32 addr;
};

struct address_v6 {
	__u16 family;
	__be16 port;
	__be32 flow;
	__u8 addr[16];
};

/* parse_peer fills p with the peer as the destination; false for an address that is no
 * route's business: too short, or link-local, which wants an interface. */
static __always_inline bool parse_peer(const void *at, __u32 length, struct packet *p)
{
	struct address_v6 v6;
	struct address_v4 v4;

	if (length < 16 || bpf_probe_read_kernel(&v4, sizeof(v4), at))
		return false;
	p->proto = IPPROTO_TCP;
	p->dst_port = bpf_ntohs(v4.port);
	p->v4 = v4.family == AF_INET;
	if (p->v4) {
		map_v4(p->dst, v4.addr);
		return true;
	}
	if (v4.family != AF_INET6 || length < 24 || bpf_probe_read_kernel(&v6, sizeof(v6), at))
		return false;
	__builtin_memcpy(p->dst, v6.addr, sizeof(p->dst));
	return v6.addr[0] != 0xfe || (v6.addr[1] & 0xc0) != 0x80;
}

/* take_bound adds the socket's own address, unspecified unless it is bound. */
static __always_inline void take_bound(const struct sock *sk, struct packet *p)
{
	p->src_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	if (p->v4)
		map_v4(p->src, BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr));
	else
		BPF_CORE_READ_INTO(&p->src, sk, __sk_common.skc_v6_rcv_saddr.in6_u.u6_addr8);
}

/* tcp_v{4,6}_connect(sk, uaddr, addr_len). The IPv6 one calls the other for a mapped
 * address: the inner call takes the outer one's place, and its return reports. */
static __always_inline void enter_connect(__u64 frame, struct sock *sk, const void *address,
					  const void *length)
{
	struct call *call = open_call(CALL_CONNECT, frame, sk, sk);

	if (!call)
		return;
	if (!parse_peer(address, (__u64)length, &call->packet)) {
		call->packet.dst_port = 0;
		return;
	}
	take_bound(sk, &call->packet);
	call->before[0] = out_no_routes(sk, call->packet.v4);
}

static __always_inline __u64 connect_facts(const struct call *call, __s32 error)
{
	if (error != -ENETUNREACH)
		return FACT_CONNECT_FAILED;
	/* Not for a multicast address. */
	if (!call->migrated && out_no_routes(call->sk, call->packet.v4) == call->before[0])
		return FACT_CONNECT_FAILED;
	return FACT_CONNECT_FAILED | FACT_NO_ROUTE;
}

static __always_inline void leave_connect(struct call *call, __u64 ret)
{
	struct key key = { .direction = DIRECTION_OUT };
	struct evidence e = { .in_task = true };
	__s32 error = ret;

	/* What the types of routes say: include/uapi/linux/rtnetlink.h, fib_props and
	 * ip6_rt_type_to_error. */
	if (error != -ENETUNREACH && error != -EHOSTUNREACH && error != -EACCES && error != -EINVAL)
		return;
	if (!enabled || !call->packet.dst_port)
		return;
	key.hook = call->packet.v4 ? HOOK_CONNECT_V4 : HOOK_CONNECT_V6;
	key.facts = unknown_to_verifier(connect_facts(call, error));
	fill_key(&key, &call->packet, net_of_sock(call->sk));
	count(&key, call->packet.src_port, &e);
}

ENTRY(tcp_v4_connect, enter_connect, FRAME, 0, 1, 2)
RETURN(tcp_v4_connect, CALL_CONNECT, leave_connect, 0, 3)
ENTRY(tcp_v6_connect, enter_connect, FRAME, 0, 1, 2)
RETURN(tcp_v6_connect, CALL_CONNECT, leave_connect, 0, 3)

#endif
