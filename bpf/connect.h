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
 * route's business: link-local, which wants an interface. */
static __always_inline bool parse_peer(const void *at, bool v4, struct packet *p)
{
	struct address_v4 of_v4;
	struct address_v6 of_v6;

	p->proto = IPPROTO_TCP;
	p->v4 = v4;
	if (v4) {
		if (bpf_probe_read_kernel(&of_v4, sizeof(of_v4), at))
			return false;
		p->dst_port = bpf_ntohs(of_v4.port);
		map_v4(p->dst, of_v4.addr);
		return true;
	}
	if (bpf_probe_read_kernel(&of_v6, sizeof(of_v6), at))
		return false;
	p->dst_port = bpf_ntohs(of_v6.port);
	__builtin_memcpy(p->dst, of_v6.addr, sizeof(p->dst));
	return of_v6.addr[0] != 0xfe || (of_v6.addr[1] & 0xc0) != 0x80;
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
 * address: the inner call takes the outer one's place, and its return reports. The
 * address is the kernel's copy, which outlives the call. */
static __always_inline void enter_connect(__u64 frame, struct sock *sk, const void *address,
					  bool v4)
{
	struct call *call = open_call(CALL_CONNECT, frame, NULL, sk);

	if (!call)
		return;
	call->sk = sk;
	call->argument = address;
	call->before[0] = out_no_routes(sk, v4);
}

/* An address that is too short the kernel refuses itself, with EINVAL. */
static __always_inline void enter_connect_v4(__u64 frame, struct sock *sk, const void *address,
					     const void *length)
{
	enter_connect(frame, sk, (__u64)length < 16 ? NULL : address, true);
}

static __always_inline void enter_connect_v6(__u64 frame, struct sock *sk, const void *address,
					     const void *length)
{
	enter_connect(frame, sk, (__u64)length < 24 ? NULL : address, false);
}

static __always_inline __u64 connect_facts(const struct call *call, bool v4, __s32 error)
{
	if (error != -ENETUNREACH)
		return FACT_CONNECT_FAILED;
	/* Not for a multicast address. */
	if (!call->migrated && out_no_routes(call->sk, v4) == call->before[0])
		return FACT_CONNECT_FAILED;
	return FACT_CONNECT_FAILED | FACT_NO_ROUTE;
}

static __always_inline void leave_connect(struct call *call, bool v4, __u64 ret)
{
	struct key key = { .direction = DIRECTION_OUT };
	struct evidence e = { .in_task = true };
	struct packet p = {};
	__s32 error = ret;

	/* What the types of routes say: include/uapi/linux/rtnetlink.h, fib_props and
	 * ip6_rt_type_to_error. */
	if (error != -ENETUNREACH && error != -EHOSTUNREACH && error != -EACCES && error != -EINVAL)
		return;
	if (!enabled || !call->argument || !parse_peer(call->argument, v4, &p) || !p.dst_port)
		return;
	take_bound(call->sk, &p);
	key.hook = v4 ? HOOK_CONNECT_V4 : HOOK_CONNECT_V6;
	key.facts = unknown_to_verifier(connect_facts(call, v4, error));
	fill_key(&key, &p, net_of_sock(call->sk));
	count(&key, p.src_port, &e);
}

static __always_inline void leave_connect_v4(struct call *call, __u64 ret)
{
	leave_connect(call, true, ret);
}

static __always_inline void leave_connect_v6(struct call *call, __u64 ret)
{
	leave_connect(call, false, ret);
}

ENTRY(tcp_v4_connect, enter_connect_v4, FRAME, 0, 1, 2)
RETURN(tcp_v4_connect, CALL_CONNECT, leave_connect_v4, 0, 3)
ENTRY(tcp_v6_connect, enter_connect_v6, FRAME, 0, 1, 2)
RETURN(tcp_v6_connect, CALL_CONNECT, leave_connect_v6, 0, 3)

#endif
