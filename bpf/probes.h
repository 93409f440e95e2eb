/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The ways to attach to a function. Each hook is written once, as a function of
 * the arguments, and made into a program for either way; user space loads the
 * one that this kernel takes.
 */
#ifndef SYNWATCH_PROBES_H
#define SYNWATCH_PROBES_H

#include "config.h"
#include "mib.h"
#include "packet.h"

#define KARG0(ctx) PT_REGS_PARM1(ctx)
#define KARG1(ctx) PT_REGS_PARM2(ctx)
#define KARG2(ctx) PT_REGS_PARM3(ctx)
#define KARG3(ctx) PT_REGS_PARM4(ctx)

/* ENTRY makes fentry_fn and kprobe_fn, which call enter with the arguments
 * number i and j (from 0) of fn. */
#define ENTRY(fn, enter, i, j)                                                                     \
	SEC("fentry/" #fn) int fentry_##fn(__u64 *ctx)                                             \
	{                                                                                          \
		enter((void *)ctx[i], (void *)ctx[j]);                                             \
		return 0;                                                                          \
	}                                                                                          \
	SEC("kprobe/" #fn) int kprobe_##fn(struct pt_regs *ctx)                                    \
	{                                                                                          \
		enter((void *)KARG##i(ctx), (void *)KARG##j(ctx));                                 \
		return 0;                                                                          \
	}

/* ENTRY1 and ENTRY3 are ENTRY with one argument and with three. */
#define ENTRY1(fn, enter, i)                                                                       \
	SEC("fentry/" #fn) int fentry_##fn(__u64 *ctx)                                             \
	{                                                                                          \
		enter((void *)ctx[i]);                                                             \
		return 0;                                                                          \
	}                                                                                          \
	SEC("kprobe/" #fn) int kprobe_##fn(struct pt_regs *ctx)                                    \
	{                                                                                          \
		enter((void *)KARG##i(ctx));                                                       \
		return 0;                                                                          \
	}

#define ENTRY3(fn, enter, i, j, k)                                                                 \
	SEC("fentry/" #fn) int fentry_##fn(__u64 *ctx)                                             \
	{                                                                                          \
		enter((void *)ctx[i], (void *)ctx[j], (void *)ctx[k]);                             \
		return 0;                                                                          \
	}                                                                                          \
	SEC("kprobe/" #fn) int kprobe_##fn(struct pt_regs *ctx)                                    \
	{                                                                                          \
		enter((void *)KARG##i(ctx), (void *)KARG##j(ctx), (void *)KARG##k(ctx));           \
		return 0;                                                                          \
	}

/* RETURN makes fexit_fn and kretprobe_fn, which call leave with what fn
 * returned. nargs is the number of its arguments, 0 for one that returns nothing. */
#define RETURN(fn, leave, nargs)                                                                   \
	SEC("fexit/" #fn) int fexit_##fn(__u64 *ctx)                                               \
	{                                                                                          \
		leave(returned(ctx, nargs));                                                       \
		return 0;                                                                          \
	}                                                                                          \
	SEC("kretprobe/" #fn) int kretprobe_##fn(struct pt_regs *ctx)                              \
	{                                                                                          \
		leave(PT_REGS_RC(ctx));                                                            \
		return 0;                                                                          \
	}

/* RETURN_ARG makes fexit_fn, kprobe_fn and kretprobe_fn, which call leave with
 * argument number i and what fn returned; call is the slot that keeps the
 * argument where the return does not have it. */
#define RETURN_ARG(fn, leave, i, nargs, call)                                                      \
	SEC("fexit/" #fn) int fexit_##fn(__u64 *ctx)                                               \
	{                                                                                          \
		leave((void *)ctx[i], returned(ctx, nargs));                                       \
		return 0;                                                                          \
	}                                                                                          \
	SEC("kprobe/" #fn) int kprobe_##fn(struct pt_regs *ctx)                                    \
	{                                                                                          \
		open_slot(call, NULL, (void *)KARG##i(ctx));                                       \
		return 0;                                                                          \
	}                                                                                          \
	SEC("kretprobe/" #fn) int kretprobe_##fn(struct pt_regs *ctx)                              \
	{                                                                                          \
		struct sk_buff *arg;                                                               \
		if (close_slot(call, &arg))                                                        \
			leave((void *)arg, PT_REGS_RC(ctx));                                       \
		return 0;                                                                          \
	}

/* A context is read at constant offsets only, which the compiler would merge
 * into a variable one, and not past what the function has: the verifier knows
 * nargs as the constant that it is and drops the other branches. */
#define CTX_WORD(ctx, i)                                                                           \
	({                                                                                         \
		__u64 word;                                                                        \
		asm volatile("%0 = *(u64 *)(%1 + %2)" : "=r"(word) : "r"(ctx), "i"((i) * 8));      \
		word;                                                                              \
	})

static __always_inline __u64 returned(__u64 *ctx, __u32 nargs)
{
	if (nargs == 1)
		return CTX_WORD(ctx, 1);
	if (nargs == 2)
		return CTX_WORD(ctx, 2);
	if (nargs == 3)
		return CTX_WORD(ctx, 3);
	if (nargs == 4)
		return CTX_WORD(ctx, 4);
	if (nargs == 5)
		return CTX_WORD(ctx, 5);
	if (nargs == 6)
		return CTX_WORD(ctx, 6);
	if (nargs == 7)
		return CTX_WORD(ctx, 7);
	return 0;
}

/*
 * From a function's entry to its return. One slot a function and CPU: they run
 * with bottom halves off. Connection tracking may also run in process context
 * and be interrupted; what is then overwritten is our own outgoing packet's,
 * and a return that finds no entry tells nothing.
 */
enum call {
	CALL_CONN_REQUEST,
	CALL_SYN_RECV_SOCK,
	CALL_CHECK_REQ,
	CALL_COOKIE_CHECK,
	CALL_TIME_WAIT,
	CALL_CONNTRACK_IN,
	CALL_CONFIRM,
	CALL_EARLY_DROP,
	CALL_INBOUND_MD5,
	CALL_ADD_BACKLOG,
	CALL_CPU_BACKLOG,
	CALL_SOCKET_FILTER,
	CALL_ROUTE_INPUT,
	CALL_REQUEST_TIMER,
	CALL_REQUEST_ERROR,
	CALL_TIME_WAIT_ALLOC,
	CALL_CHECK_OOM,
	/* A connection's functions also run in process context, and a softirq in
	 * between: two slots each. */
	CALL_VALIDATE,
	CALL_VALIDATE_NESTED,
	CALL_DATA_QUEUE,
	CALL_DATA_QUEUE_NESTED,
	CALL_RMEM_SCHEDULE,
	CALL_RMEM_SCHEDULE_NESTED,
	CALL_PRUNE_OFO,
	CALL_PRUNE_OFO_NESTED,
	CALL_MAX,
};

struct slot {
	struct sk_buff *skb; /* NULL: no call under way */
	__u64 facts;
	struct packet packet;
	struct sock *sk;
	const struct linux_mib *mib; /* this CPU's counters of sk's namespace */
	__u64 before[4];	     /* and what they were at entry */
	__u32 isn;
	__u32 newest; /* timestamp, and when it was seen */
	__u32 stamp;
	bool noted;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, CALL_MAX);
	__type(key, __u32);
	__type(value, struct slot);
} slots SEC(".maps");

static __always_inline struct slot *slot_of(__u32 call)
{
	return bpf_map_lookup_elem(&slots, &call);
}

static __always_inline struct slot *open_slot(__u32 call, struct sock *sk, struct sk_buff *skb)
{
	struct slot *s = slot_of(call);

	if (!s)
		return NULL;
	s->skb = skb;
	s->sk = sk;
	s->mib = sk ? mib_of(sk) : NULL;
	s->noted = false;
	s->facts = 0;
	return s;
}

/* remember_counter keeps a counter's value at entry in the slot's place i. */
static __always_inline void remember_counter(struct slot *s, int i, __u32 index)
{
	s->before[i] = mib_read(s->mib, index);
}

/* moved says whether the counter kept in place i has moved since. */
static __always_inline bool moved(const struct slot *s, int i, __u32 index)
{
	return mib_read(s->mib, index) != s->before[i];
}

/* close_slot returns the slot and the skb that it was opened for, or NULL. */
static __always_inline struct slot *close_slot(__u32 call, struct sk_buff **skb)
{
	struct slot *s = slot_of(call);

	if (!s || !s->skb)
		return NULL;
	*skb = s->skb;
	s->skb = NULL;
	return s;
}

/* open_nested and close_nested are for the calls with two slots. */
static __always_inline struct slot *open_nested(__u32 call, struct sock *sk, struct sk_buff *skb)
{
	struct slot *outer = slot_of(call);

	return open_slot(outer && outer->skb ? call + 1 : call, sk, skb);
}

static __always_inline struct slot *close_nested(__u32 call, struct sk_buff **skb)
{
	struct slot *inner = slot_of(call + 1);

	return close_slot(inner && inner->skb ? call + 1 : call, skb);
}

#endif
