/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The time, to the tick of the kernel's timer. The exact time costs as much as
 * finding a tally. */
#ifndef SYNWATCH_CLOCK_H
#define SYNWATCH_CLOCK_H

#include "kernel.h"

struct clock {
	__u64 jiffies;
	__u64 ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct clock);
} clocks SEC(".maps");

/* now_ns is the time when this CPU first asked within the current tick. */
static __always_inline __u64 now_ns(void)
{
	__u64 jiffies = bpf_jiffies64();
	struct clock *c;
	__u32 zero = 0;

	c = bpf_map_lookup_elem(&clocks, &zero);
	if (!c)
		return bpf_ktime_get_ns();
	if (c->jiffies != jiffies) {
		c->ns = bpf_ktime_get_ns();
		c->jiffies = jiffies;
	}
	return c->ns;
}

/* is_older says whether age ns have passed since then; another CPU's clock may
 * be ahead by a tick. */
static __always_inline bool is_older(__u64 now, __u64 then, __s64 age)
{
	return (__s64)(now - then) >= age;
}

#endif
