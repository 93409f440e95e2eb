// SPDX-License-Identifier: Apache-2.0

// Package netns holds what a network namespace is.
package netns

// ID is the identity of a network namespace.
type ID struct {
	// Cookie is given to one namespace only, as long as the machine runs; see
	// net/core/net_namespace.c:preinit_net. Zero where it is not known.
	Cookie uint64
	// Inode is the number that people see (lsns, readlink /proc/PID/ns/net). The
	// kernel gives it to another namespace as soon as it is free.
	Inode uint32
}
