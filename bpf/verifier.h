/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the verifier is not to know. It walks each combination of what it knows by
 * itself, so that a few branches before a long piece of code make it read that
 * code many times. */
#ifndef SYNWATCH_VERIFIER_H
#define SYNWATCH_VERIFIER_H

#include "kernel.h"

/* No program writes it, but the verifier assumes that any variable may change. */
volatile __u64 always_zero;

/* unknown_to_verifier returns n, which the verifier then takes for any number. */
static __always_inline __u64 unknown_to_verifier(__u64 n)
{
	return n + always_zero;
}

/* number_of returns a pointer as a number, which alone a global function takes: the
 * verifier does not see through the call, and lets nobody compute with the address
 * of a context. */
static __always_inline __u64 number_of(const void *pointer)
{
	__u64 number = 0;

	read_words(&number, &pointer, 1);
	return number;
}

#endif
