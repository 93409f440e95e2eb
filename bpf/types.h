/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The kernel's basic types and the few constants of its user-space ABI. */
#ifndef SYNWATCH_TYPES_H
#define SYNWATCH_TYPES_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u64 __be64;
typedef __u16 __sum16;
typedef __u32 __wsum;
typedef _Bool bool;

/* bpf_tracing.h: name the registers as the kernel does. */
#define __VMLINUX_H__

#define true 1
#define false 0
#define NULL ((void *)0)

/* include/uapi/linux/bpf.h */
enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_HASH = 5,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_LPM_TRIE = 11,
	BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
	BPF_MAP_TYPE_RINGBUF = 27,
};

enum {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
	BPF_F_NO_PREALLOC = 1,
	BPF_F_MMAPABLE = 1 << 10,
};

/* include/uapi/linux/{if_ether,in,netfilter,if_packet}.h */
enum {
	ETH_P_IP = 0x0800,
	ETH_P_IPV6 = 0x86dd,
	IPPROTO_ICMP = 1,
	IPPROTO_TCP = 6,
	IPPROTO_UDP = 17,
	IPPROTO_DCCP = 33,
	IPPROTO_ICMPV6 = 58,
	IPPROTO_SCTP = 132,
	IPPROTO_UDPLITE = 136,
	PACKET_HOST = 0,
	PACKET_MULTICAST = 2,
	PACKET_OTHERHOST = 3,
	NF_DROP = 0,
	NF_ACCEPT = 1,
};

/* include/uapi/linux/rtnetlink.h and ipv6_route.h */
enum {
	RTN_LOCAL = 2,
	RTN_BROADCAST = 3,
	RTN_MULTICAST = 5,
	RTN_UNREACHABLE = 7,
	RTF_ANYCAST = 0x00100000,
};
#define RTF_LOCAL 0x80000000U

/* include/uapi/asm-generic/errno.h and errno-base.h */
enum {
	EACCES = 13,
	EINVAL = 22,
	ENETUNREACH = 101,
	EHOSTUNREACH = 113,
};

/* The registers of a kprobe's context: arch/{x86,arm64}/include/uapi/asm/ptrace.h. */
struct pt_regs {
#if defined(__TARGET_ARCH_x86)
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8;
	unsigned long ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss;
#endif
};

struct user_pt_regs {
	__u64 regs[31];
	__u64 sp, pc, pstate;
};

#endif
