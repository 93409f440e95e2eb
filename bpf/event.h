/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the kernel side tells user space: the one owner of the layout. bpf2go
 * makes the Go types of package probe from it.
 *
 * Largest fields first, no implicit padding.
 */
#ifndef SYNWATCH_EVENT_H
#define SYNWATCH_EVENT_H

#include "types.h"

/* What the hooks saw happen to a packet; see pkg/event/facts.go. */
enum fact {
	FACT_LISTEN_OVERFLOW = 1 << 0,
	FACT_LISTEN_DROP = 1 << 1,
	FACT_REQ_QUEUE_DROP = 1 << 2,
	FACT_COOKIE_SENT = 1 << 3,
	FACT_RESERVED = 1 << 4,
	FACT_FINAL_ACK = 1 << 5,
	FACT_COOKIE_ACK = 1 << 6,
	FACT_COOKIE_FAILED = 1 << 7,
	FACT_COOKIE_REFUSED = 1 << 8,
	FACT_LISTENER_ACK = 1 << 9,
	FACT_HANDSHAKE_ACK = 1 << 10,
	FACT_REQUEST_SYN = 1 << 11,
	FACT_DEFER_ACCEPT = 1 << 12,
	FACT_TIME_WAIT = 1 << 13,
	FACT_PAWS = 1 << 14,
	FACT_RESET_SENT = 1 << 15,
	FACT_NO_SOCKET = 1 << 16,
	FACT_BAD_CHECKSUM = 1 << 17,
	FACT_CT_FULL = 1 << 18,
	FACT_CT_DROP = 1 << 19,
	FACT_CT_INVALID = 1 << 20,
	FACT_CT_CONFIRM = 1 << 21,
	FACT_CT_CLASH = 1 << 22,
	FACT_CT_CHAIN = 1 << 23,
	FACT_REJECTED = 1 << 24,
	FACT_PACKET_RST = 1 << 25,
	FACT_OUTGOING = 1 << 26,
	FACT_PACKET_SYN = 1 << 27,
	FACT_HANDSHAKE = 1 << 28,
	FACT_PAWS_TIME_WAIT = 1 << 29,
	FACT_PAWS_OLD_ACK = 1 << 30,
	FACT_ZERO_WINDOW = 1LL << 31,
	FACT_BEFORE_WINDOW = 1LL << 32,
	FACT_BEYOND_WINDOW = 1LL << 33,
	FACT_RECEIVE_BUFFER = 1LL << 34,
	FACT_TCP_MEMORY = 1LL << 35,
	FACT_SOCKET_BACKLOG = 1LL << 36,
	FACT_SOCKET_FILTER = 1LL << 37,
	FACT_AUTH_MISSING = 1LL << 38,
	FACT_AUTH_UNEXPECTED = 1LL << 39,
	FACT_AUTH_FAILED = 1LL << 40,
	FACT_REVERSE_PATH = 1LL << 41,
	FACT_MARTIAN = 1LL << 42,
	FACT_CPU_BACKLOG = 1LL << 43,
	FACT_EXPIRED = 1LL << 44,
	FACT_ACKED = 1LL << 45,
	FACT_ICMP_ERROR = 1LL << 46,
	FACT_CT_EVICTED = 1LL << 47,
	FACT_TIME_WAIT_OVERFLOW = 1LL << 48,
	FACT_TIME_WAIT_SOCKET = 1LL << 49,
};

enum hook {
	HOOK_FREE,
	HOOK_CONN_REQUEST,
	HOOK_VALIDATE_INCOMING,
	HOOK_DATA_QUEUE,
	HOOK_RMEM_SCHEDULE,
	HOOK_PRUNE_OFO,
	HOOK_REQUEST_TIMER,
	HOOK_REQUEST_ERROR,
	HOOK_TIME_WAIT_ALLOC,
	HOOK_CHECK_OOM,
	HOOK_CONNTRACK_DELETE,
};

/* What a count is keyed by. Addresses are IPv6, IPv4 ones mapped. */
struct key {
	__u8 src[16];
	__u8 dst[16];
	__u64 facts;
	__u64 location; /* return address of the free, 0 for HOOK_CONN_REQUEST */
	__u32 netns;	/* inode number */
	__u32 reason;	/* enum skb_drop_reason, 0 where the kernel has none */
	__u16 dst_port; /* host byte order */
	__u8 hook;
	__u8 pad[5];
};

/* How often, and when and from which port last. It is small, as every CPU has one
 * for every key, and as a flood's are read from memory. */
struct tally {
	__u64 count;
	__u32 time; /* bpf_ktime_get_ns, to a tick, >> TALLY_TIME_SHIFT, or 0 */
	__u16 sent; /* the window in which a detail was sent last, or 0 */
	__u16 src_port;
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

/* One packet in detail. */
struct detail {
	struct key key;
	struct queues queues;
	struct timestamps timestamps;
	struct receiver receiver;
	struct chain chain;
	__u64 time;
	__u32 ifindex; /* that the packet came in on, 0 where it is not known */
	__u16 src_port;
	__u8 pad[6];
};

/* Index into the map "stats", per CPU. */
enum stat {
	STAT_UNATTRIBUTED, /* observations for which the tally had no room */
	STAT_LOST,	   /* observations that could not be counted */
	STAT_RESCUED,	   /* packets that the tracepoint's first program missed */
	STAT_MAX,
};

#endif
