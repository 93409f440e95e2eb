// SPDX-License-Identifier: Apache-2.0

package sockets

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func bound(addr string, inode uint64) Socket {
	return Socket{Addr: netip.MustParseAddrPort(addr), Inode: inode}
}

func TestMatchIsTheKernels(t *testing.T) {
	wild4, wild6 := bound("0.0.0.0:80", 1), bound("[::]:80", 2)
	only6 := bound("[::]:80", 3)
	only6.V6Only = true
	one4, one6 := bound("10.0.0.1:80", 4), bound("[fd00::1]:80", 5)
	eth1 := bound("0.0.0.0:80", 6)
	eth1.Ifindex = 1
	twin := bound("0.0.0.0:80", 7)
	all := []Socket{wild6, wild4, bound("0.0.0.0:81", 8), one6, one4, bound("10.0.0.2:80", 9)}
	for name, test := range map[string]struct {
		sockets []Socket
		dst     string
		ifindex uint32
		want    []uint64
	}{
		"a specific address":           {all, "10.0.0.1:80", 0, []uint64{4}},
		"a specific IPv6 address":      {all, "[fd00::1]:80", 0, []uint64{5}},
		"any address":                  {all, "10.0.0.3:80", 0, []uint64{1}},
		"any IPv6 address":             {all, "[fd00::2]:80", 0, []uint64{2}},
		"dual stack":                   {[]Socket{wild6}, "10.0.0.1:80", 0, []uint64{2}},
		"IPv6 only":                    {[]Socket{only6}, "10.0.0.1:80", 0, nil},
		"IPv6 only beside IPv4":        {[]Socket{only6, wild4}, "[fd00::1]:80", 0, []uint64{3}},
		"IPv4 for IPv6":                {[]Socket{wild4}, "[fd00::1]:80", 0, nil},
		"another port":                 {all, "10.0.0.1:82", 0, nil},
		"a bound interface":            {[]Socket{wild4, eth1}, "10.0.0.1:80", 1, []uint64{6}},
		"another interface":            {[]Socket{wild4, eth1}, "10.0.0.1:80", 2, []uint64{1}},
		"SO_REUSEPORT":                 {[]Socket{wild4, twin, wild6}, "10.0.0.1:80", 0, []uint64{1, 7}},
		"an address before a device":   {[]Socket{eth1, one4}, "10.0.0.1:80", 1, []uint64{4}},
		"nothing listens there at all": {nil, "10.0.0.1:80", 0, nil},
	} {
		var got []uint64
		for _, s := range Match(test.sockets, netip.MustParseAddrPort(test.dst), test.ifindex) {
			got = append(got, s.Inode)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
