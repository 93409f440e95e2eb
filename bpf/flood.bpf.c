// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The sender of the benchmarks' floods: it paints a source on each frame that
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

/* A TCP segment, as much of it as is painted. */
struct frame {
	__u8 ethernet[14];
	__u8 ip_before_check[10];
	__be16 ip_check;
	__be16 saddr[2];
	__be16 daddr[2];
	__be16 source;
	__u8 tcp_before_check[14];
	__be16 tcp_check;
} __attribute__((packed));

/* How many sources at a time, after how many frames the next takes the place of
 * the first of them (0: never), a mask of their numbers, and the upper half of
 * number 0's address, whose lower half is 0. */
const volatile __u32 sources = 1;
const volatile __u32 churn;
const volatile __u32 mask;
const volatile __u32 first_source;

/* The sums of what the checksums are over, without what is painted. */
const volatile __u32 ip_sum;
const volatile __u32 tcp_sum;

__u64 painted; /* frames, ever */
__u64 limit;   /* of painted: what comes then is not passed */
__u64 random = 1;

static __always_inline __be16 checksum(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return bpf_htons(~sum & 0xffff);
}

/* The kernel gives the same pages again and again with what was painted on them
 * before (net/bpf/test_run.c:xdp_test_run_batch), so all is painted anew. */
SEC("xdp") int paint(struct xdp_md *ctx)
{
	struct frame *f = (void *)(long)ctx->data;
	__u32 host, high, low, port;

	if ((void *)(f + 1) > (void *)(long)ctx->data_end || painted >= limit)
		return XDP_DROP;
	/* Knuth's MMIX generator: every contender gets the same sources, and
	 * pkg/flood/mix.go, which does the same, knows how often each came. */
	random = random * 6364136223846793005ULL + 1442695040888963407ULL;
	host = ((random >> 32) * sources) >> 32;
	if (churn)
		host += painted / churn;
	host &= mask;
	high = first_source + (host >> 16);
	low = host & 0xffff;
	port = 1024 + (painted & 0x7fff);
	f->saddr[0] = bpf_htons(high);
	f->saddr[1] = bpf_htons(low);
	f->source = bpf_htons(port);
	f->ip_check = checksum(ip_sum + high + low);
	f->tcp_check = checksum(tcp_sum + high + low + port);
	painted++;
	return XDP_PASS;
}

/* A veth device has the queue that test_run wants only with a program on it
 * (drivers/net/veth.c:veth_enable_xdp). */
SEC("xdp") int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
