// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"cmp"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/stream"
	"github.com/synwatch/synwatch/pkg/text"
)

func pathWords(r *stream.Record) string {
	if r.Evidence == nil || r.Evidence.Path == nil {
		return ""
	}
	p := r.Evidence.Path
	return fmt.Sprintf("%d bytes, MTU %d", p.Size, p.MTU)
}

func natWords(r *stream.Record) string {
	if r.Evidence == nil || r.Evidence.SourceNAT == nil {
		return ""
	}
	nat := r.Evidence.SourceNAT
	return "source NAT chose " + endWords(r, nat.Chosen) + text.Prefixed(" of ", rangeWord(nat))
}

// rangeWord is what source NAT had to choose from: 192.0.2.1-192.0.2.4:1024-65535, or less
// where it is one address, one port, or no ports. It is empty where that is not known.
func rangeWord(nat *event.SourceNAT) string {
	first, last := nat.First, nat.Last
	if !first.Addr().IsValid() {
		return ""
	}
	ports := strconv.Itoa(int(first.Port()))
	if last.Port() != first.Port() {
		ports += "-" + strconv.Itoa(int(last.Port()))
	}
	noPorts := first.Port() == 0 && last.Port() == 0
	switch {
	case last.Addr() != first.Addr() && last.Addr().IsValid():
		return bracketed(first.Addr(), noPorts) + "-" + bracketed(last.Addr(), noPorts) + unless(noPorts, ":"+ports)
	}
	return bracketed(first.Addr(), noPorts) + unless(noPorts, ":"+ports)
}

// bracketed sets an IPv6 address before a port apart from it.
func bracketed(a netip.Addr, alone bool) string {
	if a.Is4() || alone {
		return a.String()
	}
	return "[" + a.String() + "]"
}

func unless(not bool, s string) string {
	if not {
		return ""
	}
	return s
}

// originalWords is what the client had addressed.
func originalWords(r *stream.Record) string {
	dst := originalDst(r)
	if !dst.IsValid() {
		return ""
	}
	return "addressed to " + endWords(r, dst)
}

// interfaceWords name the interfaces that the packet came in on and was to leave by.
func interfaceWords(r *stream.Record) string {
	switch {
	case r.OutInterface == "":
		return text.Prefixed("on ", r.Interface)
	case r.Interface == "":
		return "to " + r.OutInterface
	}
	return "from " + r.Interface + " to " + r.OutInterface
}

// parseRange reads what rangeWord writes. What it does not write is no range.
func parseRange(word string) (first, last netip.AddrPort) {
	addrs, ports := word, ""
	if at := strings.LastIndexByte(word, ':'); at >= 0 && (strings.HasSuffix(word[:at], "]") || !strings.Contains(word[:at], ":")) {
		addrs, ports = word[:at], word[at+1:]
	}
	firstAddr, lastAddr, ranged := strings.Cut(addrs, "-")
	if !ranged {
		lastAddr = firstAddr
	}
	firstPort, lastPort, ranged := strings.Cut(ports, "-")
	if !ranged {
		lastPort = firstPort
	}
	first, last = parseEnd(firstAddr, firstPort), parseEnd(lastAddr, lastPort)
	if !first.IsValid() || !last.IsValid() {
		return netip.AddrPort{}, netip.AddrPort{}
	}
	return first, last
}

func parseEnd(addr, port string) netip.AddrPort {
	a, err := netip.ParseAddr(strings.Trim(addr, "[]"))
	if err != nil {
		return netip.AddrPort{}
	}
	n, err := strconv.ParseUint(cmp.Or(port, "0"), 10, 16)
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(a, uint16(n))
}
