/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The counters that show what a listener does to a SYN. */
#ifndef SYNWATCH_SYN_COUNTERS_H
#define SYNWATCH_SYN_COUNTERS_H

#include "mib.h"

/* The counters that tcp_conn_request moves, and those of a reply without a route. */
enum syn_counter {
	SYN_OVERFLOWS,
	SYN_DROPS,
	SYN_QUEUE_DROPS,
	SYN_COOKIES,
	SYN_NO_ROUTES,
	SYN_COUNTERS,
};

/* read_syn_counters reads them but for SYN_NO_ROUTES. */
static __always_inline void read_syn_counters(__u64 to[SYN_COUNTERS], const struct linux_mib *mib)
{
	to[SYN_OVERFLOWS] = mib_read(mib, mib_listen_overflows);
	to[SYN_DROPS] = mib_read(mib, mib_listen_drops);
	to[SYN_QUEUE_DROPS] = mib_read(mib, mib_req_queue_drop);
	to[SYN_COOKIES] = mib_read(mib, mib_cookies_sent);
}

#endif
