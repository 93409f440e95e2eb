/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel does not run a tracepoint's program on a CPU where that program is
 * running already (kernel/trace/bpf_trace.c:__bpf_trace_run, since 6.1). If a
 * softirq interrupts the program in a task, the program does not see the packets
 * that this softirq drops. A second program on the tracepoint counts them. It knows
 * them by the kernel's own count of the runs that the first one missed. As it costs
 * as much as an empty program, user space detaches it in a flood that does not need
 * it (pkg/probe/recursion.go).
 */
#ifndef SYNWATCH_RECURSION_H
#define SYNWATCH_RECURSION_H

#include "drop.h"
#include "missed.h"

struct last_seen {
	__u64 seen;
	__u64 known; /* from this CPU's first packet on */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct last_seen);
} misses SEC(".maps");

/* was_missed says whether the first program did not see the packet that this one
 * looks at. Whatever comes in between is seen by the first. */
static __always_inline bool was_missed(void)
{
	struct last_seen *m;
	__u32 zero = 0;
	__u64 now;

	m = bpf_map_lookup_elem(&misses, &zero);
	if (!m || !has_counters || !free_stats)
		return false;
	now = misses_on_cpu(free_stats, this_cpu_offset());
	if (m->known && m->seen == now)
		return false;
	m->seen = now;
	if (m->known)
		return true;
	m->known = true;
	return false;
}

SEC("tp_btf/kfree_skb") int tp_btf_kfree_skb_missed(__u64 *ctx)
{
	if (!was_missed())
		return 0;
	bump(STAT_SECOND_PROGRAM, 1);
	return kfree_skb(ctx, true);
}

#endif
