// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the least of tracers costs: the floor that benchmarks compare with. No
 * part of synwatch. */
#include "kernel.h"

/* include/uapi/linux/bpf.h */
enum {
	BPF_MAP_TYPE_LRU_PERCPU_HASH = 10,
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} counted SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_PERCPU_HASH);
	__uint(max_entries, 131072);
	__type(key, __be32);
	__type(value, __u64);
} by_source SEC(".maps");

static __always_inline int count_packet(struct sk_buff *skb)
{
	__u64 *n, one = 1;
	__u32 zero = 0;
	__be32 source;

	n = bpf_map_lookup_elem(&counted, &zero);
	if (n)
		++*n;
	/* the source address of an IPv4 header */
	if (bpf_probe_read_kernel(&source, sizeof(source), skb->head + skb->network_header + 12))
		return 0;
	n = bpf_map_lookup_elem(&by_source, &source);
	if (n)
		++*n;
	else
		bpf_map_update_elem(&by_source, &source, &one, BPF_ANY);
	return 0;
}

SEC("tp_btf/kfree_skb") int floor_free_empty(void *ctx)
{
	return 0;
}

SEC("tp_btf/kfree_skb") int floor_free_count(__u64 *ctx)
{
	return count_packet((void *)ctx[0]);
}

/* tcp_conn_request(rsk_ops, af_ops, sk, skb) consumes a SYN that it drops, so that a
 * tracer has to look at its entry and at its return. */
SEC("fentry/tcp_conn_request") int floor_syn_enter(void *ctx)
{
	return 0;
}

SEC("fexit/tcp_conn_request") int floor_syn_empty(void *ctx)
{
	return 0;
}

SEC("fexit/tcp_conn_request") int floor_syn_count(__u64 *ctx)
{
	return count_packet((void *)ctx[3]);
}

char _license[] SEC("license") = "Dual BSD/GPL";
