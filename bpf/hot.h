/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tallies that are found without a hash over the key: in front of the table each CPU
 * has a few places, and a key may use one of them. The first that comes to it after an
 * exchange has it until the next: nothing is moved from a place, and user space reads
 * and empties the places with the table, of which there are two, too. A key that has a
 * place is in the table as well, and what is counted of it is the sum.
 */
#ifndef SYNWATCH_HOT_H
#define SYNWATCH_HOT_H

#include "config.h"

static __always_inline struct hot *hot_keys(bool other)
{
	__u32 i = bpf_get_smp_processor_id() * 2 + other;

	return bpf_map_lookup_elem(&hot_by_cpu, &i);
}

/* key_word returns 8 bytes of a key. */
static __always_inline __u64 key_word(const struct key *key, int i)
{
	__u64 word;

	/* Else it is put together from bytes. */
	__builtin_memcpy(&word, __builtin_assume_aligned((const __u8 *)key + 8 * i, 8),
			 sizeof(word));
	return word;
}

/* hot_place is where the key may be. The number goes through a map: the verifier would
 * follow it back through all of the key, and read what follows anew for each value of
 * each part. If the number is that of who interrupts, the key is not found. */
static __always_inline struct hot_key *hot_place(struct hot *h, const struct key *key)
{
	__u64 mixed = key_word(key, 0) ^ key_word(key, 1) ^ key->facts ^ key->location;

	WRITE(h->mixed, (mixed + key->dst_port) * 0x9e3779b97f4a7c15ULL);
	return &h->keys[READ(h->mixed) >> (64 - HOT_BITS)];
}

static __always_inline bool is_hot(const struct hot_key *k, const struct key *key)
{
	__u64 differ = 0;

	if (!k->ready)
		return false;
#pragma unroll
	for (int i = 0; i < (int)sizeof(*key) / 8; i++)
		differ |= key_word(&k->key, i) ^ key_word(key, i);
	return !differ;
}

/* hot_tally returns the tally of a key that has a place, and needs no detail in this
 * window; else NULL. */
static __always_inline struct tally *hot_tally(const struct key *key, __u16 window, bool other)
{
	struct hot *h = hot_keys(other);
	struct hot_key *k;

	if (!h)
		return NULL;
	k = hot_place(h, key);
	return k->tally.sent == window && is_hot(k, key) ? &k->tally : NULL;
}

/* take_hot gives the key a free place. Who interrupts meanwhile sees that the place is
 * not free; where both have taken it neither has it. */
static __always_inline void take_hot(struct hot *h, struct hot_key *k, const struct key *key,
				     __u16 window)
{
	__sync_fetch_and_add(&k->claims, 1);
	if (READ(k->claims) != 1)
		return;
	k->key = *key;
	k->tally.sent = window;
	h->used = 1;
	WRITE(k->ready, 1);
}

/* keep_hot makes the next packets of the key find its tally in its place, until the
 * window is over. */
static __always_inline void keep_hot(const struct key *key, __u16 window, bool other)
{
	struct hot *h = hot_keys(other);
	struct hot_key *k;

	if (!h)
		return;
	k = hot_place(h, key);
	if (!k->claims)
		take_hot(h, k, key, window);
	else if (is_hot(k, key))
		k->tally.sent = window;
}

#endif
