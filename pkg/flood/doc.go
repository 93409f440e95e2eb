// SPDX-License-Identifier: Apache-2.0

// Package flood drops packets by the million, for benchmarks and tests: frames made
// inside the kernel by BPF_PROG_TEST_RUN, with sources that an XDP program
// paints on them, are received by the server of a throw-away lab, which drops
// every one and counts it.
package flood
