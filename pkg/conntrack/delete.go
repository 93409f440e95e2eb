// SPDX-License-Identifier: Apache-2.0

package conntrack

import (
	"fmt"
	"net/netip"
	"strings"
)

// Deletion says which entries a command is to delete. What is zero or nil does
// not matter.
type Deletion struct {
	Src, Dst netip.Prefix
	IPv4     bool // only of IPv4; an address says so, too
	IPv6     bool
	Kind     Kind
	Port     *uint16 // the destination's
	Zone     *uint16
}

// Command is the command that deletes them, valid for conntrack 1.4.
func (d *Deletion) Command() string {
	words := []string{"conntrack -D"}
	switch one := d.either(); {
	case d.IPv4, one.IsValid() && one.Addr().Is4():
		words = append(words, "-f ipv4")
	case d.IPv6, one.IsValid():
		words = append(words, "-f ipv6")
	}
	if d.Src.IsValid() {
		words = append(words, "-s "+prefixWord(d.Src))
	}
	if d.Dst.IsValid() {
		words = append(words, "-d "+prefixWord(d.Dst))
	}
	words = append(words, "-p "+d.Kind.Protocol())
	if d.Port != nil {
		words = append(words, fmt.Sprintf("--dport %d", *d.Port))
	}
	switch d.Kind.State {
	case "":
	case Offloaded:
		words = append(words, "-u OFFLOAD")
	default:
		words = append(words, "--state "+d.Kind.State)
	}
	if d.Zone != nil {
		words = append(words, fmt.Sprintf("-w %d", *d.Zone))
	}
	return strings.Join(words, " ")
}

func (d *Deletion) either() netip.Prefix {
	if d.Src.IsValid() {
		return d.Src
	}
	return d.Dst
}

func prefixWord(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}
