// SPDX-License-Identifier: Apache-2.0

// Package host says what the machine itself knows: its name, its network
// namespaces and the kernel's counters in each of them.
package host
