/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel's structures, only those that are used and only their fields that
 * are used, and every difference between kernels. CO-RE finds the real offsets.
 */
#ifndef SYNWATCH_KERNEL_H
#define SYNWATCH_KERNEL_H

#include "types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct hlist_nulls_node {
	struct hlist_nulls_node *next;	 /* odd: there is none */
	struct hlist_nulls_node **pprev; /* NULL: in no list */
};

struct ns_common {
	unsigned int inum;
};

struct linux_mib {
	unsigned long mibs[1];
};

struct ipstats_mib {
	__u64 mibs[1];
};

struct netns_mib {
	struct linux_mib *net_statistics; /* per CPU, as the others */
	struct ipstats_mib *ip_statistics;
	struct ipstats_mib *ipv6_statistics;
};

struct ipv6_devconf {
	__s32 forwarding;
	__s32 force_forwarding; /* from 6.17 (commit f24987ef6959) */
};

struct netns_ipv6 {
	struct ipv6_devconf *devconf_all;
};

struct hlist_nulls_head {
	struct hlist_nulls_node *first;
};

struct inet_listen_hashbucket {
	struct hlist_nulls_head nulls_head;
};

/* Where listeners are, by their address and port. */
struct inet_hashinfo {
	unsigned int lhash2_mask;
	struct inet_listen_hashbucket *lhash2;
};

/* In netns_ipv4 itself, but for 5.18 to 6.0. */
struct inet_timewait_death_row {
	struct inet_hashinfo *hashinfo;
};

struct netns_ipv4 {
	struct inet_timewait_death_row tcp_death_row;
	int sysctl_max_syn_backlog;
	__u8 sysctl_tcp_syncookies; /* an int before 5.15 */
};

struct netns_core {
	int sysctl_somaxconn;
};

/* net->ct.stat exists with CONFIG_NF_CONNTRACK; chaintoolong from 5.15
 * (commit d532bcd0b269, "netfilter: conntrack: limit hash chain length"). */
struct ip_conntrack_stat {
	unsigned int chaintoolong;
};

struct netns_ct {
	struct ip_conntrack_stat *stat; /* per CPU */
};

struct net {
	struct ns_common ns;
	struct netns_mib mib;
	struct netns_ipv4 ipv4;
	struct netns_ipv6 ipv6;
	struct netns_core core;
	struct netns_ct ct;
	/* From 5.12 (commit 3d368ab87cf6): before, it was an atomic64_t, set only
	 * in namespaces of which a socket option had asked for the cookie. */
	__u64 net_cookie;
	__u32 hash_mix; /* random */
};

typedef struct {
	struct net *net;
} possible_net_t;

/* data[0] is IPV4_DEVCONF_FORWARDING, include/uapi/linux/ip.h. */
struct ipv4_devconf {
	int data[1];
};

struct in_device {
	struct ipv4_devconf cnf;
};

struct inet6_dev {
	struct ipv6_devconf cnf;
};

struct net_device {
	int ifindex;
	unsigned int mtu;
	struct in_device *ip_ptr;
	struct inet6_dev *ip6_ptr;
	possible_net_t nd_net;
};

typedef struct {
	int counter;
} atomic_t;

struct in6_addr {
	union {
		__u8 u6_addr8[16];
	} in6_u;
};

struct sock_common {
	struct hlist_nulls_node skc_nulls_node;
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	unsigned char skc_ipv6only : 1;
	int skc_bound_dev_if;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	struct sock *skc_listener; /* of a request */
};

struct sock {
	struct sock_common __sk_common;
	atomic_t sk_drops;
	__u16 sk_protocol;
	struct {
		atomic_t rmem_alloc;
		int len;
	} sk_backlog;
	struct {
		int owned; /* by a task that is in a system call on it */
	} sk_lock;
	int sk_rcvbuf;
	__u32 sk_ack_backlog;
	__u32 sk_max_ack_backlog;
};

struct tcp_options_received {
	int ts_recent_stamp; /* seconds since boot */
	__u32 ts_recent;
	__u32 rcv_tsval;
};

struct tcp_sock {
	__u32 rcv_nxt;
	__u32 rcv_wnd;
	__u32 rcv_wup;
	struct tcp_options_received rx_opt;
};

struct tcp_timewait_sock {
	int tw_ts_recent_stamp;
	__u32 tw_ts_recent;
};

struct tcp_skb_cb {
	__u32 seq;
	__u32 end_seq;
};

struct timer_list {
	unsigned long expires;
};

struct request_sock {
	struct sock_common __req_common;
	__u32 ts_recent;
	struct timer_list rsk_timer;
};

struct inet_request_sock {
	__u16 acked : 1;
};

struct request_sock_queue {
	atomic_t qlen;
};

struct hlist_node {
	struct hlist_node *next;
};

struct inet_connection_sock {
	struct request_sock_queue icsk_accept_queue;
	/* A listener's place in lhash2 before 5.19, which uses skc_nulls_node (commit
	 * cae3873c5b3a). */
	struct hlist_node icsk_listen_portaddr_node;
};

struct tcp_request_sock {
	__u32 rcv_isn;
};

/* Of a per-CPU array: where its values are. include/linux/bpf.h */
struct bpf_array {
	void *pptrs[1]; /* per CPU */
};

struct dst_entry {
	struct net_device *dev;
	unsigned long _metrics; /* address of the metrics, and two flags */
	unsigned short flags;
	short error;
};

struct rtable {
	__u16 rt_type;
};

struct rt6_info {
	__u32 rt6i_flags;
};

struct sk_buff {
	struct sock *sk;
	struct net_device *dev;
	unsigned long _nfct;
	unsigned long _skb_refdst;
	char cb[48];
	unsigned char *head;
	unsigned char *data;
	unsigned int end; /* from head: where skb_shared_info is */
	unsigned int len;
	unsigned int truesize;
	int skb_iif;
	__be16 protocol;
	__u16 network_header;
	__u8 pkt_type : 3;
	__u8 csum_valid : 1;
	__u8 csum_complete_sw : 1;
};

struct skb_shared_info {
	unsigned short gso_size;
};

/* include/net/netfilter/nf_conntrack_tuple.h */
union nf_inet_addr {
	__u32 all[4];
};

union nf_conntrack_man_proto {
	__be16 all;
};

struct nf_conntrack_man {
	union nf_inet_addr u3;
	union nf_conntrack_man_proto u;
	__u16 l3num;
};

struct nf_conntrack_tuple {
	struct nf_conntrack_man src;
	struct {
		union nf_inet_addr u3;
		union nf_conntrack_man_proto u;
		__u8 protonum;
	} dst;
};

struct nf_conntrack_tuple_hash {
	struct nf_conntrack_tuple tuple;
};

struct nf_conn {
	__u32 timeout; /* when it expires, in jiffies */
	unsigned long status;
	possible_net_t ct_net;
	struct nf_conntrack_tuple_hash tuplehash[2];
};

/* include/linux/netfilter.h; hook was wider before 5.17, and all of synwatch's
 * machines are little-endian. */
struct nf_hook_state {
	__u8 hook;
	__u8 pf;
};

/* Of the modules nf_tables, ip_tables and ip6_tables: only their own hooks may
 * use these. */
struct nft_table {
	__u16 family : 6;
	char *name;
};

struct nft_chain {
	struct nft_table *table;
	char *name;
};

/* state is its own member since 5.14 (commit f06ad944b6a4). */
struct nft_pktinfo {
	struct sk_buff *skb;
	struct nf_hook_state *state;
};

struct xt_table {
	char name[32];
};

/* include/net/tcp_states.h; part of the user-space ABI (TCP_INFO). */
enum {
	TCP_SYN_SENT = 2,
	TCP_TIME_WAIT = 6,
	TCP_LISTEN = 10,
	TCP_NEW_SYN_RECV = 12,
	AF_INET = 2,
	AF_INET6 = 10,
};

/* Resolved from the kernel's BTF when used. */
enum tcp_tw_status {
	TCP_TW_SYN = 3,
};

enum ip_conntrack_status {
	IPS_SRC_NAT = 1 << 4,
	IPS_DST_NAT = 1 << 5,
};

/* Its values are the running kernel's; CO-RE wants the kind of type to match. */
enum skb_drop_reason {
	SKB_DROP_REASON_ANY,
};

/* The tracepoint has the argument where its record has the field: reason from
 * 5.17 (commit c504e5c2f964), rx_sk from 6.11 (commit c53795d48ee8). */
struct trace_event_raw_kfree_skb {
	enum skb_drop_reason reason;
	void *rx_sk;
};

#pragma clang attribute pop

/* Since 6.2 (commit a35b9af4ec2c) a program may load from any address, as if it
 * pointed to a type; a fault reads as zero. */
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;

/* A member of what p points to, as far as anybody knows. Copying it by a call,
 * which is all that kernels before 6.2 allow, costs a fifth of counting a drop. */
#define CAST_FIELD(p, type, member)                                                                \
	(bpf_rdonly_cast ? ((type *)bpf_rdonly_cast(p, bpf_core_type_id_kernel(type)))->member     \
			 : BPF_CORE_READ((type *)(p), member))

/* A member of what p points to. Where the verifier knows the type of p, which it
 * does of a tp_btf program's arguments and of what they lead to, that is a load
 * on any kernel. typed is a constant. */
#define FIELD(typed, p, member) ((typed) ? (p)->member : CAST_FIELD(p, typeof(*(p)), member))
#define BITFIELD(typed, p, member)                                                                 \
	((typed) ? BPF_CORE_READ_BITFIELD(p, member) : BPF_CORE_READ_BITFIELD_PROBED(p, member))

/* read_words copies n words of 8 bytes, n being a constant; false where they
 * cannot be read. The type serves for its 16 bytes of integers. */
static __always_inline bool read_words(__u64 *to, const void *from, int n)
{
	if (!bpf_rdonly_cast)
		return !bpf_probe_read_kernel(to, n * 8, from);
#pragma unroll
	for (int i = 0; i < n; i += 2) {
		const __u64 *two =
			bpf_rdonly_cast(from + i * 8, bpf_core_type_id_kernel(struct in6_addr));

		to[i] = two[0];
		if (i + 1 < n)
			to[i + 1] = two[1];
	}
	return true;
}

/* The order of these writes and reads counts. */
#define WRITE(to, value) (*(volatile typeof(to) *)&(to) = (value))
#define READ(from) (*(volatile typeof(from) *)&(from))

static __always_inline bool kernel_has_reasons(void)
{
	return bpf_core_field_exists(((struct trace_event_raw_kfree_skb *)0)->reason);
}

/* Wire formats. */
struct ipv4_header {
	__u8 ihl_version;
	__u8 tos;
	__be16 tot_len;
	__be16 id;
	__be16 frag_off;
	__u8 ttl;
	__u8 protocol;
	__sum16 check;
	__be32 saddr;
	__be32 daddr;
};

struct ipv6_header {
	__be32 flow;
	__be16 payload_len;
	__u8 nexthdr;
	__u8 hop_limit;
	__u8 saddr[16];
	__u8 daddr[16];
};

struct ipv6_option_header {
	__u8 nexthdr;
	__u8 hdrlen;
	__be16 more;
};

struct tcp_header {
	__be16 source;
	__be16 dest;
	__be32 seq;
	__be32 ack_seq;
	__u8 doff;
	__u8 flags;
};

enum {
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_ACK = 0x10,
};

#endif
