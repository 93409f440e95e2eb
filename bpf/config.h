/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What user space says before the programs are loaded, and the maps. */
#ifndef SYNWATCH_CONFIG_H
#define SYNWATCH_CONFIG_H

#include "event.h"
#include "kernel.h"

/* The program is attached by a kprobe.multi link, not by a kprobe. User space gives
 * each program the map of its way. */
const volatile bool by_multi SEC(".rodata.way");

/* Address of __per_cpu_offset[], 0 where /proc/kallsyms hides it; see mib.h. */
const volatile __u64 per_cpu_offset;

/* The kernel's counters can be found. */
const volatile bool has_counters;

/* How many CPUs there may be. */
const volatile __u32 cpus;

/* Indices into linux_mib, from the kernel's BTF (they are renumbered between
 * releases); 0 for a counter that this kernel does not have. */
const volatile __u32 mib_listen_overflows;
const volatile __u32 mib_listen_drops;
const volatile __u32 mib_req_queue_drop;
const volatile __u32 mib_cookies_sent;
const volatile __u32 mib_cookies_recv;
const volatile __u32 mib_cookies_failed;
const volatile __u32 mib_defer_accept;
const volatile __u32 mib_paws_estab;
const volatile __u32 mib_paws_time_wait;
const volatile __u32 mib_paws_old_ack;
const volatile __u32 mib_zero_window;
const volatile __u32 mib_backlog_drop;
const volatile __u32 mib_md5_missing;
const volatile __u32 mib_md5_unexpected;
const volatile __u32 mib_md5_failed;
/* Likewise into ipstats_mib. */
const volatile __u32 mib_out_no_routes;

/* Drop reasons (SKB_DROP_REASON_…), 0 where there is no such reason. */
const volatile __u32 reason_cpu_backlog;
const volatile __u32 reason_old_sequence;
const volatile __u32 reason_invalid_sequence;
const volatile __u32 reason_proto_mem;

/* Where ip_rcv_finish_core is, and SKB_DROP_REASON_NOT_SPECIFIED, 0 where another hook or
 * reason shows what is wrong with a packet's addresses; see route.h. */
const volatile __u64 finish_core_start;
const volatile __u64 finish_core_end;
const volatile __u32 reason_not_specified;

/* The free of a segment tells what was wrong with it; see segment.h. */
const volatile bool segments_told;

/* How many arguments the functions whose prototype changes have here; a fexit
 * program finds the returned value behind them. */
const volatile __u32 nargs_cookie_sock;
const volatile __u32 nargs_check_req;
const volatile __u32 nargs_timewait;
const volatile __u32 nargs_prune_ofo;
const volatile __u32 nargs_add_backlog;

const volatile bool filter_src;
const volatile bool filter_dst;
const volatile bool filter_port;
const volatile bool filter_netns;
const volatile bool filter_proto;
/* By their numbers. */
const volatile bool wanted_protos[256];
/* A bit for each direction. */
const volatile __u32 filter_directions;
/* A detail for every observation, not only for the first of a key. */
const volatile bool every_drop;

/* Counting is off until every hook is in place. */
volatile bool enabled;
/* Some hook may add facts before a packet is freed. */
volatile bool hooked;
/* When facts were last added to a packet, to a tenth of a second. */
volatile __u64 facts_added_at;

struct prefix {
	__u32 len;
	__u8 addr[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix);
	__type(value, __u8);
} src_prefixes SEC(".maps"), dst_prefixes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u8);
} ports SEC(".maps");

/* By inode number the namespace's cookie, 0 until a packet of it is seen: the next
 * namespace with that number is another one. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} namespaces SEC(".maps");

/*
 * Counts of the current interval, in one of two maps. To fetch them user space
 * makes the other one current and waits until no program uses the full one any
 * more, so nothing is counted twice or never. What it waits with is an update of
 * epoch: the kernel returns from that of a map in a map when every program that
 * runs has ended (kernel/bpf/syscall.c:maybe_wait_bpf_programs). The maps
 * themselves are not in a map, so that the kernel can inline their lookup.
 */
struct tally_map {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct key);
	__type(value, struct tally);
} tally_a SEC(".maps"), tally_b SEC(".maps");

/* In front of each table; see hot.h. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2); /* for each CPU */
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct hot);
} hot_by_cpu SEC(".maps");

struct empty_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct empty_map);
} epoch SEC(".maps");

/* tally_b is the current one; the current one has counts; it has no room. */
volatile bool second;
volatile bool counted;
volatile bool full;

/* What found no room, by everything but addresses and ports. They are exchanged
 * and emptied with the tallies. */
struct overflow_map {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct kind_in_netns);
	__type(value, __u64);
} overflow_a SEC(".maps"), overflow_b SEC(".maps");

/* Kinds that user space takes no interest in; whether there are any. They need no
 * room, in whatever namespace. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct kind);
	__type(value, __u8);
} ignored SEC(".maps");

volatile bool ignoring;

/* The hashes of those that were found in ignored, each in the place for it: a write of
 * one number, which needs no care. User space empties it when no program uses a kind any
 * more that it has taken out of ignored. */
#define IGNORED_HASHES 64 /* a power of two */
volatile __u64 ignored_hashes[IGNORED_HASHES];

/* How many details of a kind, which is known by its hash, a CPU may still send
 * within a window of time. The last is for kinds that find no place of their own. */
struct allowance {
	__u64 kind;
	__u32 window;
	__u32 left;
};

#define ALLOWANCES 256 /* a power of two */

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, ALLOWANCES + 1);
	__type(key, __u32);
	__type(value, struct allowance);
} allowances SEC(".maps");

/* User space makes it larger for a detail of every drop. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 2 << 20);
} details SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, STAT_MAX);
	__type(key, __u32);
	__type(value, __u64);
} stats SEC(".maps");

#endif
