/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The function that an address of the kernel's code lies in, for user space, which
 * would have to read all of the kernel's symbols to find it. */
#ifndef SYNWATCH_LOCATION_H
#define SYNWATCH_LOCATION_H

#include "kernel.h"

/* KSYM_SYMBOL_LEN, include/linux/kallsyms.h, at its largest. */
char location_name[640];

/* %pB is for the address behind a call, which may be the last of its function. User
 * space runs the program with the address as the only argument. */
SEC("raw_tp") int name_location(__u64 *ctx)
{
	static const char format[] = "%pB";
	__u64 address = ctx[0];

	return bpf_snprintf(location_name, sizeof(location_name), format, &address,
			    sizeof(address));
}

#endif
