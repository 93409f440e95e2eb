// SPDX-License-Identifier: Apache-2.0

// Package bench measures what tracers of dropped packets cost, and what they report,
// while a machine is flooded: see docs/bench.md.
package bench
