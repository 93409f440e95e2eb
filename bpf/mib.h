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

/* this_cpu_offset is how far this CPU's part of anything per CPU is from the pointer to
 * it. A kernel without CONFIG_KALLSYMS_ALL does not say where it keeps that, but one
 * such pointer and what it leads to are known: those of a map. */
static __always_inline __u64 this_cpu_offset(void)
{
	__u64 offset = 0, pointer = 0;
	__u32 zero = 0;
	void *value;

	if (per_cpu_offset) {
		read_words(&offset,
			   (void *)(per_cpu_offset + 8 * (__u64)bpf_get_smp_processor_id()), 1);
		return offset;
	}
	if (!bpf_core_field_exists(((struct bpf_array *)0)->pptrs))
		return 0;
	value = bpf_map_lookup_elem(&stats, &zero);
	read_words(&pointer,
		   (void *)(number_of(&stats) + bpf_core_field_offset(struct bpf_array, pptrs)), 1);
	return value ? number_of(value) - pointer : 0;
}

/* mib_of_net is this CPU's part of a namespace's counters; offset is this_cpu_offset. */
static __always_inline const struct linux_mib *mib_of_net(const struct net *net, __u64 offset)
{
	__u64 statistics = 0;

	if (!has_counters)
		return NULL;
	/* As a number: the verifier adds nothing to a pointer that was loaded. */
	read_words(&statistics, &net->mib.net_statistics, 1);
	return (const void *)statistics + offset;
}

static __always_inline const struct linux_mib *mib_of(struct sock *sk)
{
	return mib_of_net(net_of_sock(sk), this_cpu_offset());
}

/* out_no_routes_of is this CPU's part of IpOutNoRoutes, or of Ip6OutNoRoutes, likewise. */
static __always_inline __u64 out_no_routes_of(const struct net *net, bool v4, __u64 offset)
{
	__u64 statistics = 0, value = 0;

	if (!has_counters || !mib_out_no_routes)
		return 0;
	read_words(&statistics, v4 ? &net->mib.ip_statistics : &net->mib.ipv6_statistics, 1);
	read_words(&value, (const void *)statistics + offset + 8 * mib_out_no_routes, 1);
	return value;
}

static __always_inline __u64 out_no_routes(struct sock *sk, bool v4)
{
	return out_no_routes_of(net_of_sock(sk), v4, this_cpu_offset());
}

static __always_inline __u64 mib_read(const struct linux_mib *mib, __u32 index)
{
	__u64 value = 0;

	if (mib && index)
		read_words(&value, (const __u64 *)mib + index, 1);
	return value;
}

#endif
