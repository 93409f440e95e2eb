// SPDX-License-Identifier: Apache-2.0

package conntrack

import (
	"bufio"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// ReadText reads a saved table as /proc/net/nf_conntrack, or conntrack -L, shows
// it, an entry a line, and hands each to fn, without the port of ICMP and the
// like. Other lines are skipped.
func ReadText(r io.Reader, fn func(*Entry)) error {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if e, ok := parseLine(lines.Text()); ok {
			fn(&e)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read a saved conntrack table: %w", err)
	}
	return nil
}

// parseLine reads "ipv4 2 tcp 6 431999 ESTABLISHED src=... dst=...
// sport=... dport=... [UNREPLIED] src=... [ASSURED] mark=0 zone=0 use=2", of
// which conntrack -L leaves out the first two words
// (net/netfilter/nf_conntrack_standalone.c:ct_seq_show).
func parseLine(line string) (Entry, bool) {
	e := Entry{Status: statusSeenReply}
	head, rest, ok := strings.Cut(line, " src=")
	if !ok || !e.parseHead(strings.Fields(head)) {
		return e, false
	}
	for i, word := range strings.Fields("src=" + rest) {
		key, value, _ := strings.Cut(word, "=")
		e.parseWord(key, value, i < 4)
	}
	return e, e.Src.IsValid() && e.Dst.IsValid() && e.Src.Is4() == e.Dst.Is4()
}

// parseHead reads the protocol, the remaining time and the state, of which an
// offloaded entry has neither.
func (e *Entry) parseHead(words []string) bool {
	if len(words) > 1 && (words[0] == "ipv4" || words[0] == "ipv6") {
		words = words[2:]
	}
	if len(words) < 2 {
		return false
	}
	proto, err := strconv.ParseUint(words[1], 10, 8)
	if err != nil {
		return false
	}
	e.Proto = uint8(proto)
	if len(words) > 2 {
		seconds, err := strconv.ParseUint(words[2], 10, 32)
		e.Timeout, e.HasTimeout = uint32(seconds), err == nil
	}
	if len(words) > 3 {
		e.State = stateNumber(e.Proto, words[3])
	}
	return true
}

// parseWord reads what comes after. Only the first four words are about the
// first packet.
func (e *Entry) parseWord(key, value string, first bool) {
	switch key {
	case "[UNREPLIED]":
		e.Status &^= statusSeenReply
	case "[ASSURED]":
		e.Status |= statusAssured
	case "[OFFLOAD]", "[HW_OFFLOAD]":
		e.Status |= statusOffload
	case "zone":
		zone, _ := strconv.ParseUint(value, 10, 16)
		e.Zone = uint16(zone)
	}
	if !first {
		return
	}
	switch key {
	case "src":
		e.Src = parseAddr(value)
	case "dst":
		e.Dst = parseAddr(value)
	case "sport":
		e.SrcPort = parsePort(value)
	case "dport":
		e.DstPort = parsePort(value)
	}
}

func parseAddr(s string) netip.Addr {
	addr, _ := netip.ParseAddr(s) // else it is invalid
	return addr.Unmap().WithZone("")
}

func parsePort(s string) uint16 {
	port, _ := strconv.ParseUint(s, 10, 16)
	return uint16(port)
}

func stateNumber(proto uint8, name string) uint8 {
	states := tcpStates[:]
	if proto == unix.IPPROTO_SCTP {
		states = sctpStates[:]
	}
	return uint8(max(slices.Index(states, name), 0))
}
