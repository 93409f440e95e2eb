// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The kernel side of synwatch. It observes and counts; what the facts mean is
 * the catalogue's business (pkg/cause). */
#include "conn_request.h"
#include "connect.h"
#include "conntrack.h"
#include "drop.h"
#include "established.h"
#include "handshake.h"
#include "ipsec.h"
#include "location.h"
#include "martian.h"
#include "nat.h"
#include "netfilter.h"
#include "recursion.h"
#include "syn_passage.h"
#include "before_reasons.h"
#include "without_skb.h"

/* Keep the types that only user space needs in the object's BTF. */
const enum fact *unused_fact __attribute__((unused));
const enum hook *unused_hook __attribute__((unused));
const enum stat *unused_stat __attribute__((unused));
const struct detail *unused_detail __attribute__((unused));
const struct tally *unused_tally __attribute__((unused));
const struct last_seen *unused_last_seen __attribute__((unused));
const enum tally_time *unused_tally_time __attribute__((unused));

/* The kernel wants a GPL-compatible string to lend its tracing helpers. */
char _license[] SEC("license") = "Dual BSD/GPL";
