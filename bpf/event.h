/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the kernel side sends to user space: the one owner of the layout. bpf2go
 * makes the Go types of package probe from it.
 */
#ifndef SYNWATCH_EVENT_H
#define SYNWATCH_EVENT_H

#include "schema.h"
#include "types.h"

/* What is copied as bytes has none that nobody set. */
#pragma clang diagnostic push
#pragma clang diagnostic error "-Wpadded"

/* What a count is keyed by. Addresses are IPv6, IPv4 ones mapped. */
struct key {
	__u8 src[16];
	__u8 dst[16];
	__u64 facts;
	__u64 location;	    /* return address of the free, 0 for a hook that sees none */
	__u64 netns_cookie; /* of one network namespace only; see set_netns */
	__u32 netns;	    /* its inode number, which the next one may get */
	__u32 reason;	    /* enum skb_drop_reason, 0 where the kernel has none */
	__u16 dst_port;	    /* host byte order */
	__u8 hook;
	__u8 direction; /* enum direction */
	__u8 proto;	/* IPPROTO_* */
	__u8 pad[3];
};

/* What it was, without where and from whom. */
struct kind {
	__u64 facts;
	__u64 location;
	__u32 reason;
	__u32 hook;
};

/* The key of overflow, which counts drops whose source had no room: kind and namespace. */
struct kind_in_netns {
	struct kind kind;
	__u64 netns_cookie;
	__u32 netns;
	__u32 pad;
};

/* How often, and when and from which port last. It is small, as every CPU has one
 * for every key, and as a flood's are read from memory. */
struct tally {
	__u64 count;
	__u32 time; /* bpf_ktime_get_ns, to a tick, >> TALLY_TIME_SHIFT, or 0 */
	__u16 sent; /* the window in which a detail was sent last, or 0 */
	__u16 src_port;
};

/* A tally in front of the table; see hot.h. */
struct hot_key {
	struct key key;
	struct tally tally;
	__u32 claims; /* 0: the place is free */
	__u32 ready;  /* the key has it */
};

enum hot_size {
	HOT_BITS = 7,
	HOT_KEYS = 1 << HOT_BITS,
};

/* Those of a CPU. */
struct hot {
	__u64 used;  /* some key has a place */
	__u64 mixed; /* what finds the place of the last key */
	struct hot_key keys[HOT_KEYS];
};

enum tally_time {
	TALLY_TIME_SHIFT = 16, /* 65.5 µs; the time wraps after three days */
};

/* A listener's queues and the limits on them. */
struct queues {
	__u32 accept;
	__u32 accept_max;
	__u32 syn;
	__u32 max_syn_backlog;
	__u32 somaxconn;
	__u32 known; /* 0: there was no listener, or it was not seen */
};

/* A packet's timestamp and the newest that was seen before. */
struct timestamps {
	__u32 tsval;
	__u32 newest;
	__u32 age; /* of the newest, in seconds */
	__u32 known;
};

/* A connection's receive buffer, in bytes. */
struct receiver {
	__u32 memory;
	__u32 limit;
	__u32 backlog;
	__u32 window;
	__u32 known;
};

/* The base chain that a packet was in last. Names are cut at their size. */
struct chain {
	char table[32];
	char name[32]; /* empty for an iptables table: its chain is the hook's */
	__u8 family;   /* NFPROTO_*: the table's, or the packet's where there is no table */
	__u8 pf;       /* NFPROTO_* and NF_*_* hook number */
	__u8 hook;
	__u8 known;
};

/* What a packet was too big for, in bytes. */
struct path {
	__u32 mtu;
	__u32 size;
	__u32 known;
};

/* An address and a port, in host byte order. */
struct end {
	__u8 addr[16];
	__u16 port;
};

/* What source NAT had chosen, and from which range. */
struct source_nat {
	struct end chosen;
	struct end first;
	struct end last;
	__u8 known;
	__u8 ranged; /* so is the range */
};

/* The task that was sending. */
struct process {
	char comm[16];
	__u32 pid; /* 0: not known */
};

/* One packet in detail. */
struct detail {
	struct key key;
	struct queues queues;
	struct timestamps timestamps;
	struct receiver receiver;
	struct chain chain;
	struct path path;
	struct process process;
	struct source_nat source_nat;
	struct end orig_dst; /* what the client had addressed, if that is another */
	__u16 src_port;
	__u8 has_orig_dst;
	__u8 pad[3];
	__u64 time;
	__u32 ifindex;	   /* that the packet came in on, 0 where it is not known */
	__u32 out_ifindex; /* that it was to leave by, likewise */
};

#pragma clang diagnostic pop

/* Index into the map "stats", per CPU. */
enum stat {
	STAT_UNATTRIBUTED,   /* observations for which the tally had no room */
	STAT_LOST,	     /* observations that could not be counted */
	STAT_SECOND_PROGRAM, /* packets that the tracepoint's first program missed */
	STAT_MAX,
};

#endif
