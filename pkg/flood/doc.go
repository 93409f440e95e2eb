// SPDX-License-Identifier: Apache-2.0

// Package flood drops packets by the million, for benchmarks and tests: frames that the
// kernel makes itself (BPF_PROG_TEST_RUN), with sources that an XDP program
// writes into them. The server of a throw-away lab receives, drops and counts each of
// them.
package flood
