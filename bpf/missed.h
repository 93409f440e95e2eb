/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How often the kernel did not run a program of the tracepoints at which packets are
 * freed: it does not run a program within itself. */
#ifndef SYNWATCH_MISSED_H
#define SYNWATCH_MISSED_H

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

/* The first program of kfree_skb and that of consume_skb, and where their statistics
 * are. */
volatile __u32 free_id;
volatile __u64 free_stats;
volatile __u32 consume_id;
volatile __u64 consume_stats;

/* user space lets it run once. */
SEC("iter/bpf_prog") int find_stats(struct bpf_iter__bpf_prog *ctx)
{
	struct bpf_prog *prog = ctx->prog;

	if (!prog)
		return 0;
	if (prog->aux->id == free_id)
		free_stats = (__u64)prog->stats;
	if (prog->aux->id == consume_id)
		consume_stats = (__u64)prog->stats;
	return 0;
}

/* misses_on_cpu is how many runs of a program this CPU has missed so far, 0 where that
 * is not known; offset is this_cpu_offset. */
static __always_inline __u64 misses_on_cpu(__u64 address, __u64 offset)
{
	__u64 now = 0;

	/* From 5.12 on (commit 9ed9e9ba2337); before, the kernel misses none. */
	if (!bpf_core_field_exists(((struct bpf_prog_stats *)0)->misses) || !has_counters ||
	    !address)
		return 0;
	address += bpf_core_field_offset(struct bpf_prog_stats, misses);
	read_words(&now, (const void *)(address + offset), 1);
	return now;
}

/* missed_frees stays the same while this CPU misses none of either. */
static __always_inline __u64 missed_frees(__u64 offset)
{
	return misses_on_cpu(free_stats, offset) + misses_on_cpu(consume_stats, offset);
}

#endif
