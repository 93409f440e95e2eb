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
#include "mib.h"

/* What the kernel keeps of each program's runs, per CPU: include/linux/filter.h. */
struct bpf_prog_stats {
	struct {
		__u64 v;
	} misses;
} __attribute__((preserve_access_index));

struct bpf_prog_aux {
	__u32 id;
} __attribute__((preserve_access_index));

struct bpf_prog {
	struct bpf_prog_stats *stats;
	struct bpf_prog_aux *aux;
} __attribute__((preserve_access_index));

struct bpf_iter__bpf_prog {
	struct bpf_prog *prog;
} __attribute__((preserve_access_index));

/* The first program, and where its statistics are. */
volatile __u32 free_id;
volatile __u64 free_stats;

/* user space lets it run once. */
SEC("iter/bpf_prog") int find_free(struct bpf_iter__bpf_prog *ctx)
{
	struct bpf_prog *prog = ctx->prog;

	if (prog && prog->aux->id == free_id)
		free_stats = (__u64)prog->stats;
	return 0;
}

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
	const struct bpf_prog_stats *stats;
	struct last_seen *m;
	__u32 zero = 0;
	__u64 now;

	m = bpf_map_lookup_elem(&misses, &zero);
	if (!m || !per_cpu_offset || !free_stats)
		return false;
	stats = this_cpu((const void *)free_stats);
	if (bpf_core_read(&now, sizeof(now), &stats->misses))
		return false;
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
