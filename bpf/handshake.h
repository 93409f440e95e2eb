/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What follows the SYN: final ACKs, cookies, TIME_WAIT, and our resets. */
#ifndef SYNWATCH_HANDSHAKE_H
#define SYNWATCH_HANDSHAKE_H

#include "drop.h"
#include "probes.h"

/* Whoever is to make a socket of a final ACK calls tcp_v{4,6}_syn_recv_sock. Where no
 * socket comes of it, that moves ListenDrops, and ListenOverflows if the accept queue
 * was full. */
static __always_inline void remember_listener(struct call *call)
{
	remember_counter(call, 2, mib_listen_overflows);
	remember_counter(call, 3, mib_listen_drops);
}

static __always_inline __u64 final_ack_facts(const struct call *call)
{
	if (!has_moved(call, 3, mib_listen_drops))
		return 0;
	if (has_moved(call, 2, mib_listen_overflows))
		return FACT_FINAL_ACK | FACT_LISTEN_DROP | FACT_LISTEN_OVERFLOW;
	return FACT_FINAL_ACK | FACT_LISTEN_DROP;
}

/* tcp_get_cookie_sock(sk, skb, req, …), net/ipv4/syncookies.c, returns NULL when no
 * socket came of a good cookie. */
static __always_inline void enter_cookie_sock(__u64 frame, struct sock *sk, struct sk_buff *skb)
{
	struct call *call = open_call(CALL_COOKIE_SOCK, frame, sk, skb);

	if (call)
		remember_listener(call);
}

static __always_inline void leave_cookie_sock(struct call *call, __u64 ret)
{
	__u64 facts = ret ? 0 : final_ack_facts(call);
	struct skb_facts *m;

	if (!facts)
		return;
	m = add_facts((struct sk_buff *)call->subject,
		      unknown_to_verifier(facts | FACT_COOKIE_ACK));
	if (m)
		read_queues(&m->queues, call->sk);
}

ENTRY(tcp_get_cookie_sock, enter_cookie_sock, FRAME, 0, 1)
RETURN(tcp_get_cookie_sock, CALL_COOKIE_SOCK, leave_cookie_sock, 1, nargs_cookie_sock)

/* tcp_check_req(sk, skb, req, …), net/ipv4/tcp_minisocks.c, returns the listener
 * itself for a wrong acknowledgement, and NULL for what goes no further. */
static __always_inline void enter_check_req(__u64 frame, struct sock *sk, struct sk_buff *skb,
					    struct tcp_request_sock *req)
{
	struct call *call = open_call(CALL_CHECK_REQ, frame, sk, skb);

	if (!call)
		return;
	call->argument = req;
	remember_counter(call, 0, mib_defer_accept);
	remember_counter(call, 1, mib_paws_estab);
	remember_listener(call);
}

static __always_inline __u64 check_req_facts(const struct call *call, const struct packet *p)
{
	const struct tcp_request_sock *req = call->argument;
	__u64 facts = final_ack_facts(call);

	if (facts)
		return facts;
	if (has_moved(call, 0, mib_defer_accept))
		return FACT_DEFER_ACCEPT;
	if (has_moved(call, 1, mib_paws_estab))
		return FACT_PAWS | FACT_HANDSHAKE;
	if (is_pure_syn(p) && p->seq == BPF_CORE_READ(req, rcv_isn))
		return FACT_REQUEST_SYN;
	return 0;
}

static __always_inline void leave_check_req(struct call *call, __u64 ret)
{
	const struct request_sock *req;
	struct packet p = {};
	struct sk_buff *skb;
	struct skb_facts *m;
	__u64 facts;

	if (ret && ret != (__u64)call->sk)
		return;
	skb = (struct sk_buff *)call->subject;
	if (!parse(skb, &p))
		return;
	facts = unknown_to_verifier(ret ? FACT_HANDSHAKE_ACK : check_req_facts(call, &p));
	m = facts ? add_packet_facts(skb, &p, facts) : NULL;
	req = call->argument;
	if (m && facts & FACT_PAWS)
		read_timestamps(&m->timestamps, tsval_of(&p), BPF_CORE_READ(req, ts_recent), 0);
	if (m && facts & FACT_FINAL_ACK)
		read_queues(&m->queues, call->sk);
}

ENTRY(tcp_check_req, enter_check_req, FRAME, 0, 1, 2)
RETURN(tcp_check_req, CALL_CHECK_REQ, leave_check_req, 1, nargs_check_req)

/* cookie_v{4,6}_check(sk, skb), net/ipv4/syncookies.c, returns the listener
 * itself for anything but a SYN that no cookie lets in. */
static __always_inline void enter_cookie_check(__u64 frame, struct sock *sk, struct sk_buff *skb)
{
	struct call *call = open_call(CALL_COOKIE_CHECK, frame, sk, skb);

	if (!call)
		return;
	remember_counter(call, 0, mib_cookies_failed);
	remember_counter(call, 1, mib_cookies_recv);
}

static __always_inline __u64 cookie_facts(const struct call *call, const struct packet *p)
{
	if (has_moved(call, 0, mib_cookies_failed))
		return FACT_COOKIE_FAILED;
	if (has_moved(call, 1, mib_cookies_recv))
		return FACT_COOKIE_REFUSED;
	if (p->flags & TCP_ACK && !(p->flags & TCP_RST))
		return FACT_LISTENER_ACK;
	return 0;
}

static __always_inline void leave_cookie_check(struct call *call, __u64 ret)
{
	struct packet p = {};
	struct sk_buff *skb;
	__u64 facts;

	if (ret != (__u64)call->sk)
		return;
	skb = (struct sk_buff *)call->subject;
	if (!parse(skb, &p))
		return;
	facts = cookie_facts(call, &p);
	if (facts)
		add_packet_facts(skb, &p, facts);
}

ENTRY(cookie_v4_check, enter_cookie_check, FRAME, 0, 1)
RETURN(cookie_v4_check, CALL_COOKIE_CHECK, leave_cookie_check, 1, 2)
ENTRY(cookie_v6_check, enter_cookie_check, FRAME, 0, 1)
RETURN(cookie_v6_check, CALL_COOKIE_CHECK, leave_cookie_check, 1, 2)

/* tcp_timewait_state_process(tw, skb, th, …), net/ipv4/tcp_minisocks.c: what it
 * handles is freed whether it was of use or not, but for a SYN that TCP_TW_SYN
 * lets through. */
static __always_inline void enter_time_wait(__u64 frame, struct sock *tw, struct sk_buff *skb)
{
	struct call *call = open_call(CALL_TIME_WAIT, frame, tw, skb);
	struct tcp_timewait_sock *tcptw = (struct tcp_timewait_sock *)tw;

	if (!call)
		return;
	call->newest = BPF_CORE_READ(tcptw, tw_ts_recent);
	call->stamp = BPF_CORE_READ(tcptw, tw_ts_recent_stamp);
	remember_counter(call, 0, mib_paws_estab);
	remember_counter(call, 1, mib_paws_time_wait);
}

static __always_inline void leave_time_wait(struct call *call, __u64 ret)
{
	__u64 facts = FACT_TIME_WAIT;
	struct packet p = {};
	struct sk_buff *skb;
	struct skb_facts *m;

	if ((__u32)ret == bpf_core_enum_value(enum tcp_tw_status, TCP_TW_SYN))
		return;
	skb = (struct sk_buff *)call->subject;
	if (!parse(skb, &p))
		return;
	if (has_moved(call, 0, mib_paws_estab))
		facts |= FACT_PAWS;
	if (has_moved(call, 1, mib_paws_time_wait))
		facts |= FACT_PAWS_TIME_WAIT;
	m = add_packet_facts(skb, &p, facts);
	if (m && facts != FACT_TIME_WAIT)
		read_timestamps(&m->timestamps, tsval_of(&p), call->newest, call->stamp);
}

ENTRY(tcp_timewait_state_process, enter_time_wait, FRAME, 0, 1)
RETURN(tcp_timewait_state_process, CALL_TIME_WAIT, leave_time_wait, 1, nargs_timewait)

/* tcp_v{4,6}_send_reset(sk, skb, …). Without a socket it means that there was
 * none; from 6.1 the drop reason says so at less cost. */
static __always_inline void enter_send_reset(struct sock *sk, struct sk_buff *skb)
{
	if (sk)
		add_facts(skb, FACT_RESET_SENT);
	else if (!kernel_has_reasons())
		add_facts(skb, FACT_RESET_SENT | FACT_NO_SOCKET);
}

ENTRY(tcp_v4_send_reset, enter_send_reset, 0, 1)
ENTRY(tcp_v6_send_reset, enter_send_reset, 0, 1)

#endif
