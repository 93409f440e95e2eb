// SPDX-License-Identifier: Apache-2.0

// Package netns holds what a network namespace is: its identity, where it is
// found, its name, and how a thread enters it.
package netns

import "cmp"

// ID is the identity of a network namespace.
type ID struct {
	// Cookie is given to one namespace only, as long as the machine runs:
	// net/core/net_namespace.c:preinit_net; a socket tells it by SO_NETNS_COOKIE
	// (from 5.14). Before 5.12 not every namespace has one, and what the kernel side
	// tells here is a random number of 32 bits that each has (struct net: hash_mix),
	// which nothing else tells. Zero where it is not known.
	Cookie uint64
	// Inode is the number that people see (lsns, readlink /proc/PID/ns/net). The
	// kernel gives it to another namespace as soon as it is free.
	Inode uint32
}

// Differs says whether the two are certain to be different namespaces.
func (id ID) Differs(o ID) bool {
	return id.Inode != o.Inode || id.Cookie != 0 && o.Cookie != 0 && id.Cookie != o.Cookie
}

// Compare orders by inode number.
func (id ID) Compare(o ID) int {
	return cmp.Or(cmp.Compare(id.Inode, o.Inode), cmp.Compare(id.Cookie, o.Cookie))
}
