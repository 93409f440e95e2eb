// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
)

// ParsePrefix reads 10.0.0.0/8 or 10.0.0.1. An IPv4-mapped address is IPv4, as
// in the records.
func ParsePrefix(s string) (netip.Prefix, error) {
	bad := errors.New("must be an address or a CIDR, e.g. 10.0.0.0/8 or fd00::/64")
	if !strings.Contains(s, "/") {
		addr, err := netip.ParseAddr(s)
		if err != nil || addr.Zone() != "" {
			return netip.Prefix{}, bad
		}
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, bad
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), nil
}

// ParsePort reads a port's number.
func ParsePort(s string) (uint16, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n == 0 {
		return 0, errors.New("must be a port from 1 to 65535")
	}
	return uint16(n), nil
}
