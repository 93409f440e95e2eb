// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/stream"
	"github.com/synwatch/synwatch/pkg/text"
)

// wayMarks stand before a line's addresses. What came to this host has none.
var wayMarks = map[event.Direction]string{event.In: "", event.Forward: "fwd", event.Out: "out", "": "?"}

// protoMark stands before the addresses of what is not TCP.
func protoMark(p event.Proto) string {
	if p == event.TCP || p == 0 {
		return ""
	}
	return p.String()
}

func sourceWords(r *stream.Record) string {
	return text.Join(" ", wayMarks[r.Direction], protoMark(r.Proto), endWords(r, r.Src))
}

func destinationWords(r *stream.Record) string { return endWords(r, r.Dst) }

// endWords is an address with its port if the protocol has ports.
func endWords(r *stream.Record, a netip.AddrPort) string {
	switch {
	case !a.Addr().IsValid():
		return unknown
	case !hasPorts(r.Proto):
		return a.Addr().String()
	}
	return a.String()
}

func hasPorts(p event.Proto) bool { return p == 0 || p.HasPorts() }

func protoValue(r *stream.Record) any {
	if r.Proto == 0 {
		return nil
	}
	return r.Proto.String()
}

// originalDst is what the client had addressed, if NAT changed it.
func originalDst(r *stream.Record) netip.AddrPort {
	if r.Evidence == nil {
		return netip.AddrPort{}
	}
	return r.Evidence.OrigDst
}

// ways says in words which ways the packets of a cause took and what they were, empty
// for TCP to this host.
func ways(c *stream.CauseTotal) string {
	var ways, protos []string
	for _, d := range []event.Direction{event.In, event.Forward, event.Out, ""} {
		if n := c.ByDirection[d]; n > 0 {
			ways = append(ways, fmt.Sprintf("%d %s", n, wayWords[d]))
		}
	}
	for _, p := range byCount(c.ByProto) {
		protos = append(protos, fmt.Sprintf("%d %s", c.ByProto[p], protoWord(p)))
	}
	if c.ByDirection[event.In] == c.Count {
		ways = nil
	}
	if c.ByProto[event.TCP] == c.Count {
		protos = nil
	}
	return text.Join("; ", text.Join(", ", ways...), text.Join(", ", protos...))
}

// wayWords say in a summary which way packets took.
var wayWords = map[event.Direction]string{event.In: "in", event.Forward: "forwarded", event.Out: "out", "": "in an unknown direction"}

func protoWord(p event.Proto) string {
	if p == 0 {
		return "of an unknown protocol"
	}
	return p.String()
}

// byCount lists protocols with the most frequent first.
func byCount(counts map[event.Proto]uint64) []event.Proto {
	return slices.SortedFunc(maps.Keys(counts), func(a, b event.Proto) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
}

// directionCounts and protoCounts are the same for programs.
func directionCounts(c *stream.CauseTotal) map[string]uint64 {
	found := map[string]uint64{}
	for d, n := range c.ByDirection {
		if d != "" {
			found[string(d)] = n
		}
	}
	return found
}

func protoCounts(c *stream.CauseTotal) map[string]uint64 {
	found := map[string]uint64{}
	for p, n := range c.ByProto {
		if p != 0 {
			found[p.String()] = n
		}
	}
	return found
}
