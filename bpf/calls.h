/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Calls of hooked functions that have begun and not returned. A call is known by
 * its stack frame, which no other call can have at the same time, on any CPU and
 * in any context: a softirq that interrupts a task, a task that preempts another.
 * A return must also be about the skb or socket of the entry, where the kernel
 * passes the arguments to a return (fexit).
 */
#ifndef SYNWATCH_CALLS_H
#define SYNWATCH_CALLS_H

#include "config.h"
#include "mib.h"
#include "packet.h"
#include "verifier.h"

enum function {
	CALL_CONN_REQUEST,
	CALL_COOKIE_SOCK,
	CALL_CHECK_REQ,
	CALL_COOKIE_CHECK,
	CALL_TIME_WAIT,
	CALL_INBOUND_MD5,
	CALL_ADD_BACKLOG,
	CALL_CPU_BACKLOG,
	CALL_ROUTE_INPUT,
	CALL_REQUEST_TIMER,
	CALL_REQUEST_ERROR,
	/* The rest also runs in tasks with bottom halves on. */
	CALL_OF_TASKS,
	CALL_CONNTRACK_IN = CALL_OF_TASKS,
	CALL_CONFIRM,
	CALL_EARLY_DROP,
	CALL_CT_ICMP,
	CALL_SOCKET_FILTER,
	CALL_CHECK_OOM,
	CALL_TIME_WAIT_ALLOC,
	CALL_VALIDATE,
	CALL_DATA_QUEUE,
	CALL_RMEM_SCHEDULE,
	CALL_PRUNE_OFO,
	CALL_CONNECT,
	CALL_IPSEC,
	CALL_FUNCTIONS,
};

/* A task, a softirq that interrupts it, and one more: for a call whose return was
 * not shown, and for kernels on which a task preempts a task. */
#define CALL_PLACES 3

/* A call whose return was not shown is given up after so many ticks, which are one
 * to ten seconds: calls take microseconds. */
#define CALL_LIFE 1000

/* A function's frame is within so many bytes of that of the function that calls it,
 * if both are hooked. A softirq has a stack of its own, or lies deeper. */
#define CALL_DEPTH 2048

struct call {
	__u64 frame;	      /* 0: the place is free */
	const void *subject;  /* the argument that tells calls apart, such as the skb; or NULL */
	const void *argument; /* another one that the return looks at */
	__u64 opened;	      /* jiffies */
	struct packet packet;
	__u64 facts;
	__u64 before[5];	     /* the counters at entry */
	const struct linux_mib *mib; /* the CPU's, of sk's namespace */
	struct sock *sk;
	__u32 seq;
	__u32 newest; /* timestamp, and when it was seen */
	__u32 stamp;
	bool refused;  /* a function that it calls said no */
	bool migrated; /* to another CPU: the counters at entry are not this CPU's */
};

/* The calls of one function on one CPU. */
struct calls {
	struct call call[CALL_PLACES];
};

/* By CPU and function. It is no per-CPU map, as a task may return from a call on
 * another CPU. User space makes room for all CPUs. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CALL_FUNCTIONS);
	__type(key, __u32);
	__type(value, struct calls);
} calls SEC(".maps");

static __always_inline struct calls *calls_on(__u32 cpu, __u32 function)
{
	__u32 i = cpu * CALL_FUNCTIONS + function;

	return bpf_map_lookup_elem(&calls, &i);
}

static __always_inline struct calls *calls_of(__u32 function)
{
	return calls_on(bpf_get_smp_processor_id(), function);
}

static __always_inline bool is_expired(const struct call *call)
{
	return bpf_jiffies64() - call->opened > CALL_LIFE;
}

/* is_over says whether a call that began with this frame, or about this subject,
 * means that the one that is kept is over. It is not if a function for IPv6 calls the
 * one for IPv4: then the inner return reports, and the outer one finds nothing. */
static __always_inline bool is_over(const struct call *call, __u64 frame, const void *subject)
{
	return call->frame && (call->frame == frame || (subject && call->subject == subject));
}

static __always_inline bool is_any_open(const struct calls *c)
{
	return c->call[0].frame | c->call[1].frame | c->call[2].frame;
}

static __always_inline __u64 place_to_open(const struct calls *c, __u64 frame, const void *subject)
{
	if (!is_any_open(c))
		return 0;
#pragma unroll
	for (int i = 0; i < CALL_PLACES; i++)
		if (is_over(&c->call[i], frame, subject))
			return i;
#pragma unroll
	for (int i = 0; i < CALL_PLACES - 1; i++)
		if (!c->call[i].frame || is_expired(&c->call[i]))
			return i;
	return CALL_PLACES - 1;
}

/* open_call keeps what is known at the entry of a function. */
static __always_inline struct call *open_call(__u32 function, __u64 frame, struct sock *sk,
					      const void *subject)
{
	struct calls *c = calls_of(function);
	struct call *call;
	__u64 i;

	if (!c)
		return NULL;
	i = unknown_to_verifier(place_to_open(c, frame, subject));
	if (i >= CALL_PLACES)
		return NULL;
	call = &c->call[i];
	/* From here on a softirq that interrupts takes the place for used, and neither
	 * for expired nor for that of its own packet. */
	WRITE(call->opened, bpf_jiffies64());
	WRITE(call->subject, NULL);
	WRITE(call->frame, frame);
	WRITE(call->subject, subject);
	call->sk = sk;
	call->mib = sk ? mib_of(sk) : NULL;
	call->facts = 0;
	call->refused = false;
	call->migrated = false;
	return call;
}

/* end_call frees the call's place. A softirq that interrupts may then use it. */
static __always_inline void end_call(struct call *call)
{
	WRITE(call->subject, NULL);
	WRITE(call->frame, 0);
}

static __always_inline __u64 place_of(const struct calls *c, __u64 frame)
{
#pragma unroll
	for (int i = 0; i < CALL_PLACES; i++)
		if (c->call[i].frame == frame)
			return i;
	return CALL_PLACES;
}

/* cpu_of_call finds a call on any CPU; cpus if there is none. */
__noinline __u32 cpu_of_call(__u32 function, __u64 frame)
{
	const struct calls *c;
	__u32 cpu;

	for (cpu = 0; cpu < cpus; cpu++) {
		c = calls_on(cpu, function);
		if (c && place_of(c, frame) < CALL_PLACES)
			break;
	}
	return cpu;
}

/* find_call returns the call that began with this frame, NULL if its entry was not
 * shown. subject is NULL where the kernel does not pass the arguments to a return.
 */
static __always_inline struct call *find_call(__u32 function, __u64 frame, const void *subject)
{
	struct calls *c = calls_of(function);
	bool migrated = false;
	struct call *call;
	__u64 i;

	if (!c)
		return NULL;
	i = place_of(c, frame);
	if (i >= CALL_PLACES && function >= CALL_OF_TASKS) {
		frame = number_of((void *)frame);
		c = calls_on(cpu_of_call(function, frame), function);
		if (!c)
			return NULL;
		i = place_of(c, frame);
		migrated = true;
	}
	i = unknown_to_verifier(i);
	if (i >= CALL_PLACES)
		return NULL;
	call = &c->call[i];
	if (subject && call->subject != subject) {
		end_call(call);
		return NULL;
	}
	call->migrated = migrated;
	return call;
}

/* call_on returns the call about subject that this CPU is in, NULL if there is none. */
static __always_inline struct call *call_on(__u32 function, const void *subject)
{
	struct calls *c = calls_of(function);
	__u64 i;

	if (!c)
		return NULL;
#pragma unroll
	for (i = 0; i < CALL_PLACES; i++)
		if (c->call[i].subject == subject && !is_expired(&c->call[i]))
			break;
	i = unknown_to_verifier(i);
	return i < CALL_PLACES ? &c->call[i] : NULL;
}

/* place_near returns the place of the call whose frame is nearest to this one, and
 * on its outer or its inner side. */
static __always_inline __u64 place_near(const struct calls *c, __u64 frame, bool outer)
{
	__u64 nearest = CALL_DEPTH, distance;
	__u64 place = CALL_PLACES;

#pragma unroll
	for (int i = 0; i < CALL_PLACES; i++) {
		distance = outer ? c->call[i].frame - frame : frame - c->call[i].frame;
		if (!c->call[i].frame || distance >= nearest || is_expired(&c->call[i]))
			continue;
		nearest = distance;
		place = i;
	}
	return unknown_to_verifier(place);
}

/* outer_call returns the call of function within which this frame's is, NULL if
 * there is none. */
static __always_inline struct call *outer_call(__u32 function, __u64 frame)
{
	struct calls *c = calls_of(function);
	__u64 i;

	if (!c || !is_any_open(c))
		return NULL;
	i = place_near(c, number_of((void *)frame), true);
	return i < CALL_PLACES ? &c->call[i] : NULL;
}

/* end_inner_call ends the call of function that was made within this frame's and is
 * kept beyond its return; it says whether there is one, and it said no. */
static __always_inline bool end_inner_call(__u32 function, __u64 frame)
{
	struct calls *c = calls_of(function);
	bool refused;
	__u64 i;

	if (!c || !is_any_open(c))
		return false;
	i = place_near(c, number_of((void *)frame), false);
	if (i >= CALL_PLACES)
		return false;
	refused = c->call[i].refused;
	end_call(&c->call[i]);
	return refused;
}

/* remember_counter keeps a counter's value at entry in place i. */
static __always_inline void remember_counter(struct call *call, int i, __u32 index)
{
	call->before[i] = mib_read(call->mib, index);
}

/* has_moved says whether the counter kept in place i has moved since. */
static __always_inline bool has_moved(const struct call *call, int i, __u32 index)
{
	return !call->migrated && mib_read(call->mib, index) != call->before[i];
}

#endif
