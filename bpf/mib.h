/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * This CPU's part of the kernel's counters. The listener's functions run with
 * bottom halves off: what moves between their entry and their return, they
 * moved.
 */
#ifndef SYNWATCH_MIB_H
#define SYNWATCH_MIB_H

#include "config.h"
#include "packet.h"

/* this_cpu turns a per-CPU pointer into this CPU's. */
static __always_inline const void *this_cpu(const void *ptr)
{
	__u64 offset = 0;

	read_words(&offset, (void *)(per_cpu_offset + 8 * (__u64)bpf_get_smp_processor_id()), 1);
	return ptr + offset;
}

static __always_inline const struct linux_mib *mib_of(struct sock *sk)
{
	const struct net *net = net_of_sock(sk);
	__u64 statistics = 0;

	if (!per_cpu_offset)
		return NULL;
	/* As a number: the verifier adds nothing to a pointer that was loaded. */
	read_words(&statistics, &net->mib.net_statistics, 1);
	return this_cpu((const void *)statistics);
}

/* out_no_routes is this CPU's part of IpOutNoRoutes, or of Ip6OutNoRoutes. */
static __always_inline __u64 out_no_routes(struct sock *sk, bool v4)
{
	const struct net *net = net_of_sock(sk);
	__u64 statistics = 0, value = 0;

	if (!per_cpu_offset || !mib_out_no_routes)
		return 0;
	read_words(&statistics, v4 ? &net->mib.ip_statistics : &net->mib.ipv6_statistics, 1);
	read_words(&value, this_cpu((const void *)statistics) + 8 * mib_out_no_routes, 1);
	return value;
}

static __always_inline __u64 mib_read(const struct linux_mib *mib, __u32 index)
{
	__u64 value = 0;

	if (mib && index)
		read_words(&value, (const __u64 *)mib + index, 1);
	return value;
}

#endif
