/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The ways to attach to a function. Each hook is written once, as a function of
 * the arguments, and made into a program for either way; user space loads the
 * one that this kernel takes.
 */
#ifndef SYNWATCH_PROBES_H
#define SYNWATCH_PROBES_H

#include "calls.h"

/* A call's frame, as a number: at the entry of a function and at its return it is
 * the same. For fentry and fexit that is the context, which lies on the stack and
 * serves both. For a kprobe it is the stack pointer, and on x86 the return has taken
 * the return address off the stack.
 *
 * A kprobe.multi link shows calls by fprobe, whose registers at a return need not
 * hold the stack pointer. On x86 they lie on the stack, right below where the return
 * address was: with rethook, which itself finds the frame in this way
 * (arch/x86/kernel/rethook.c:arch_rethook_trampoline_callback), and with fgraph, which
 * took its place in 6.14 (arch/x86/kernel/ftrace_64.S:return_to_handler, commit
 * 4346ba160409). arm64 has fprobe with fgraph only, which at both ends saves the frame
 * pointer of the function that makes the call (arch/arm64/kernel/entry-ftrace.S). */
#define FENTRY_FRAME (__u64) ctx
#if defined(__TARGET_ARCH_x86)
#define KPROBE_FRAME (PT_REGS_SP(ctx) + 8)
#define KRETPROBE_FRAME (by_multi ? (__u64)(ctx + 1) + 8 : PT_REGS_SP(ctx))
#else
/* frame_of reads both registers, lest the compiler choose between their places: the
 * verifier refuses a context to which something was added. */
static __always_inline __u64 frame_of(struct pt_regs *ctx)
{
	__u64 sp = PT_REGS_SP(ctx), fp = PT_REGS_FP(ctx);

	barrier_var(sp);
	barrier_var(fp);
	return by_multi ? fp : sp;
}

#define KPROBE_FRAME frame_of(ctx)
#define KRETPROBE_FRAME KPROBE_FRAME
#endif

/* A function's arguments, numbered from 0. */
#define FENTRY_0 (void *)ctx[0]
#define FENTRY_1 (void *)ctx[1]
#define FENTRY_2 (void *)ctx[2]
#define KPROBE_0 (void *)PT_REGS_PARM1(ctx)
#define KPROBE_1 (void *)PT_REGS_PARM2(ctx)
#define KPROBE_2 (void *)PT_REGS_PARM3(ctx)

#define ARGUMENTS1(way, a) way##a
#define ARGUMENTS2(way, a, b) way##a, way##b
#define ARGUMENTS3(way, a, b, c) way##a, way##b, way##c
#define ARGUMENTS4(way, a, b, c, d) way##a, way##b, way##c, way##d
#define ARGUMENTS(way, args...) ___bpf_apply(ARGUMENTS, ___bpf_narg(args))(way, args)

/* ENTRY makes fentry_fn and kprobe_fn, which call enter with what is listed: FRAME,
 * and arguments of fn by their number. */
#define ENTRY(fn, enter, args...)                                                                  \
	SEC("fentry/" #fn) int fentry_##fn(__u64 *ctx)                                             \
	{                                                                                          \
		enter(ARGUMENTS(FENTRY_, args));                                                   \
		return 0;                                                                          \
	}                                                                                          \
	SEC("kprobe/" #fn) int kprobe_##fn(struct pt_regs *ctx)                                    \
	{                                                                                          \
		enter(ARGUMENTS(KPROBE_, args));                                                   \
		return 0;                                                                          \
	}

/* RETURN makes fexit_fn and kretprobe_fn, which call leave with the call of function
 * that began at this frame, and with what fn returned. Argument number i is the
 * call's subject, which a kretprobe does not have. nargs is the number of fn's
 * arguments, 0 for one that returns nothing. */
#define RETURN(fn, function, leave, i, nargs)                                                      \
	SEC("fexit/" #fn) int fexit_##fn(__u64 *ctx)                                               \
	{                                                                                          \
		struct call *call = find_call(function, FENTRY_FRAME, FENTRY_##i);                 \
		if (call) {                                                                        \
			leave(call, returned(ctx, nargs));                                         \
			end_call(call);                                                            \
		}                                                                                  \
		return 0;                                                                          \
	}                                                                                          \
	SEC("kretprobe/" #fn) int kretprobe_##fn(struct pt_regs *ctx)                              \
	{                                                                                          \
		struct call *call = find_call(function, KRETPROBE_FRAME, NULL);                    \
		if (call) {                                                                        \
			leave(call, PT_REGS_RC(ctx));                                              \
			end_call(call);                                                            \
		}                                                                                  \
		return 0;                                                                          \
	}

/* RETURN_ALONE makes the same for a function whose entry keeps nothing: they call
 * leave with the frame and with what fn returned. */
#define RETURN_ALONE(fn, leave, nargs)                                                             \
	SEC("fexit/" #fn) int fexit_##fn(__u64 *ctx)                                               \
	{                                                                                          \
		leave(FENTRY_FRAME, returned(ctx, nargs));                                         \
		return 0;                                                                          \
	}                                                                                          \
	SEC("kretprobe/" #fn) int kretprobe_##fn(struct pt_regs *ctx)                              \
	{                                                                                          \
		leave(KRETPROBE_FRAME, PT_REGS_RC(ctx));                                           \
		return 0;                                                                          \
	}

/* RETURN_ARGUMENT makes fexit_fn, kprobe_fn and kretprobe_fn, which call leave with
 * the frame, argument number i and what fn returned. The call of function keeps the
 * argument for the kretprobe. */
#define RETURN_ARGUMENT(fn, function, leave, i, nargs)                                             \
	SEC("fexit/" #fn) int fexit_##fn(__u64 *ctx)                                               \
	{                                                                                          \
		leave(FENTRY_FRAME, FENTRY_##i, returned(ctx, nargs));                             \
		return 0;                                                                          \
	}                                                                                          \
	SEC("kprobe/" #fn) int kprobe_##fn(struct pt_regs *ctx)                                    \
	{                                                                                          \
		open_call(function, KPROBE_FRAME, NULL, KPROBE_##i);                               \
		return 0;                                                                          \
	}                                                                                          \
	SEC("kretprobe/" #fn) int kretprobe_##fn(struct pt_regs *ctx)                              \
	{                                                                                          \
		struct call *call = find_call(function, KRETPROBE_FRAME, NULL);                    \
		if (call) {                                                                        \
			leave(KRETPROBE_FRAME, (void *)call->subject, PT_REGS_RC(ctx));            \
			end_call(call);                                                            \
		}                                                                                  \
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

#endif
