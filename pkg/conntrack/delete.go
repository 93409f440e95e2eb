// SPDX-License-Identifier: Apache-2.0

package conntrack

import (
	"net/netip"
	"strconv"

	"github.com/synwatch/synwatch/pkg/shell"
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
func (d *Deletion) Command() shell.Command {
	args := []string{"-D"}
	switch one := d.either(); {
	case d.IPv4, one.IsValid() && one.Addr().Is4():
		args = append(args, "-f", "ipv4")
	case d.IPv6, one.IsValid():
		args = append(args, "-f", "ipv6")
	}
	if d.Src.IsValid() {
		args = append(args, "-s", prefixWord(d.Src))
	}
	if d.Dst.IsValid() {
		args = append(args, "-d", prefixWord(d.Dst))
	}
	args = append(args, "-p", d.Kind.Protocol())
	if d.Port != nil {
		args = append(args, "--dport", strconv.Itoa(int(*d.Port)))
	}
	switch d.Kind.State {
	case "":
	case Offloaded:
		args = append(args, "-u", "OFFLOAD")
	default:
		args = append(args, "--state", d.Kind.State)
	}
	if d.Zone != nil {
		args = append(args, "-w", strconv.Itoa(int(*d.Zone)))
	}
	return shell.New("conntrack", args...)
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
