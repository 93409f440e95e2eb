// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"github.com/synwatch/synwatch/pkg/event"
)

// protoChoice is a flag that lists protocols, or says that all are meant.
type protoChoice struct {
	protos []event.Proto
	all    bool
}

func (c *protoChoice) Type() string   { return "PROTOCOL" }
func (c *protoChoice) String() string { return "" }

func (c *protoChoice) Set(s string) error {
	for part := range strings.SplitSeq(s, ",") {
		name := strings.ToLower(strings.TrimSpace(part))
		if name == "all" {
			c.all = true
			continue
		}
		p, err := event.ParseProto(name)
		if err != nil {
			return fmt.Errorf("%w: must be a name (tcp, udp, icmp, icmpv6, sctp, ...), a number, or all", err)
		}
		c.protos = append(c.protos, p)
	}
	return nil
}

// list is the protocols that alone are meant, empty if that is not so.
func (c *protoChoice) list() []event.Proto {
	if c.all {
		return nil
	}
	return c.protos
}
