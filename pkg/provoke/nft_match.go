// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"net/netip"

	"github.com/google/nftables/expr"
	"github.com/synwatch/synwatch/pkg/event"
)

// onProtocol matches packets of a protocol.
func onProtocol(p event.Proto) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{byte(p)}},
	}
}

// toAddr matches packets to an address: struct iphdr, struct ipv6hdr. What is there in
// a packet of the other family is no such address.
func toAddr(a netip.Addr) []expr.Any {
	offset := uint32(16)
	if a.Is6() {
		offset = 24
	}
	return []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: uint32(a.BitLen() / 8)},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: a.AsSlice()},
	}
}
