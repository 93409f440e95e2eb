// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The sender of the benchmarks' floods: it writes a source into each frame that
 * BPF_PROG_TEST_RUN gives it and passes it on as received. No part of synwatch. */
#include "types.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* include/uapi/linux/bpf.h */
enum xdp_action {
	XDP_DROP = 1,
	XDP_PASS = 2,
};

struct xdp_md {
	__u32 data;
	__u32 data_end;
};

/* A TCP segment, up to the last field that is written. */
struct frame {
	__u8 ethernet[14];
	__u8 ip_before_id[4];
	__be16 id;
	__u8 ip_before_check[4];
	__be16 ip_check;
	__be16 saddr[2];
	__be16 daddr[2];
	__be16 source;
	__u8 tcp_before_check[14];
	__be16 tcp_check;
} __attribute__((packed));

/* One that sends. Its number is in the identification of its frames. */
struct sender {
	__u32 sources;	    /* at a time */
	__u32 churn;	    /* after so many frames a new source comes for the oldest; 0: never */
	__u32 mask;	    /* of the sources' numbers */
	__u32 first_source; /* upper half of number 0's address, whose lower half is 0 */
	/* The checksums' sums, without the fields that are written. */
	__u32 ip_sum;
	__u32 tcp_sum;
	__u64 passed; /* frames, ever */
	__u64 limit;  /* of passed: later frames are dropped */
	__u64 random;
	__u64 apart[8]; /* from the next one's cache line */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct sender);
} senders SEC(".maps");

static __always_inline __be16 checksum(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return bpf_htons(~sum & 0xffff);
}

/* The source MAC address of the sender's frames is 02:00:00:00:00:09. */
static __always_inline bool is_of_sender(const struct frame *f)
{
	return f->ethernet[6] == 2 && !f->ethernet[7] && !f->ethernet[8] && !f->ethernet[9] &&
	       !f->ethernet[10] && f->ethernet[11] == 9;
}

/* The kernel gives the same pages again and again with what was written to them
 * before (net/bpf/test_run.c:xdp_test_run_batch), so all fields are written anew.
 *
 * The program is also that of the server's device: a veth has the queue that
 * test_run wants only with one (drivers/net/veth.c:veth_enable_xdp), and with
 * this one test_run need not patch the kernel's text each time
 * (kernel/bpf/dispatcher.c). Other packets that come in there are passed. */
SEC("xdp") int write_source(struct xdp_md *ctx)
{
	struct frame *f = (void *)(long)ctx->data;
	__u32 id, host, high, low, port;
	struct sender *s;

	if ((void *)(f + 1) > (void *)(long)ctx->data_end || !is_of_sender(f))
		return XDP_PASS;
	id = bpf_ntohs(f->id);
	s = bpf_map_lookup_elem(&senders, &id);
	if (!s || s->passed >= s->limit)
		return XDP_DROP;
	/* Knuth's MMIX generator: every contender gets the same sources, and
	 * pkg/flood/mix.go, which does the same, knows how often each came. */
	s->random = s->random * 6364136223846793005ULL + 1442695040888963407ULL;
	host = ((s->random >> 32) * s->sources) >> 32;
	if (s->churn)
		host += s->passed / s->churn;
	host &= s->mask;
	high = s->first_source + (host >> 16);
	low = host & 0xffff;
	port = 1024 + (s->passed & 0x7fff);
	f->saddr[0] = bpf_htons(high);
	f->saddr[1] = bpf_htons(low);
	f->source = bpf_htons(port);
	f->ip_check = checksum(s->ip_sum + high + low);
	f->tcp_check = checksum(s->tcp_sum + high + low + port);
	s->passed++;
	return XDP_PASS;
}

/* Frames of different kinds, which come in turn, each CPU beginning where it stopped. */
#define REPLAYED 64

struct replay_frame {
	__u8 bytes[54];
	__u8 pad[2];
	__u64 passed;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, REPLAYED);
	__type(key, __u32);
	__type(value, struct replay_frame);
} replayed SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} replay_next SEC(".maps");

/* replay passes the frames on in lists, in place of the one that it is given. */
SEC("xdp") int replay(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	struct replay_frame *r;
	__u32 zero = 0, at;
	__u32 *next;

	next = bpf_map_lookup_elem(&replay_next, &zero);
	if (!next || data + sizeof(r->bytes) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	at = (*next)++ % REPLAYED;
	r = bpf_map_lookup_elem(&replayed, &at);
	if (!r)
		return XDP_DROP;
	__builtin_memcpy(data, r->bytes, sizeof(r->bytes));
	__sync_fetch_and_add(&r->passed, 1);
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
