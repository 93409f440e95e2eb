/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * This CPU's part of the kernel's counters. The listener's functions run with
 * bottom halves off: what moves between their entry and their return, they
 * moved.
 */
#ifndef SYNWATCH_MIB_H
#define SYNWATCH_MIB_H

#include "config.h"

/* this_cpu turns a per-CPU pointer into this CPU's. */
static __always_inline const void *this_cpu(const void *ptr)
{
	__u64 offset = 0;

	bpf_probe_read_kernel(&offset, sizeof(offset),
			      (void *)(per_cpu_offset + 8 * (__u64)bpf_get_smp_processor_id()));
	return ptr + offset;
}

static __always_inline const struct linux_mib *mib_of(struct sock *sk)
{
	if (!per_cpu_offset)
		return NULL;
	return this_cpu(BPF_CORE_READ(sk, __sk_common.skc_net.net, mib.net_statistics));
}

static __always_inline __u64 mib_read(const struct linux_mib *mib, __u32 index)
{
	__u64 value = 0;

	if (mib && index)
		bpf_probe_read_kernel(&value, sizeof(value), (const __u64 *)mib + index);
	return value;
}

#endif
