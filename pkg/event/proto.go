// SPDX-License-Identifier: Apache-2.0

package event

import (
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"
)

// Proto is the number of the protocol above IP, include/uapi/linux/in.h.
type Proto uint8

// TCP is the protocol that a trace is about unless it is asked for more.
const TCP Proto = unix.IPPROTO_TCP

// protoNames are those of /etc/protocols.
var protoNames = map[Proto]string{
	unix.IPPROTO_ICMP: "icmp", unix.IPPROTO_IGMP: "igmp", unix.IPPROTO_IPIP: "ipip", unix.IPPROTO_TCP: "tcp",
	unix.IPPROTO_UDP: "udp", unix.IPPROTO_DCCP: "dccp", unix.IPPROTO_IPV6: "ipv6", unix.IPPROTO_GRE: "gre",
	unix.IPPROTO_ESP: "esp", unix.IPPROTO_AH: "ah", unix.IPPROTO_ICMPV6: "icmpv6", unix.IPPROTO_SCTP: "sctp",
	unix.IPPROTO_UDPLITE: "udplite",
}

// String is the protocol's name, or its number if it has no name here.
func (p Proto) String() string {
	if name, ok := protoNames[p]; ok {
		return name
	}
	return strconv.Itoa(int(p))
}

// ParseProto reads what String writes, and any number.
func ParseProto(s string) (Proto, error) {
	for p, name := range protoNames {
		if name == s {
			return p, nil
		}
	}
	n, err := strconv.ParseUint(s, 10, 8)
	if err != nil {
		return 0, fmt.Errorf("unknown protocol %q", s)
	}
	return Proto(n), nil
}

// HasPorts says whether the protocol's packets have ports.
func (p Proto) HasPorts() bool {
	switch p {
	case unix.IPPROTO_TCP, unix.IPPROTO_UDP, unix.IPPROTO_DCCP, unix.IPPROTO_SCTP, unix.IPPROTO_UDPLITE:
		return true
	}
	return false
}
