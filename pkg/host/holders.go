// SPDX-License-Identifier: Apache-2.0

package host

import (
	"bufio"
	"io"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
)

// maxHolders bounds the sources that are told apart.
const maxHolders = 65536

// Holders is who has the entries of a connection tracking table.
type Holders struct {
	Entries     uint64
	Established uint64 // TCP connections in that state
	// BySource counts entries by who opened the connection.
	BySource map[netip.Addr]uint64
}

// parseHolders reads /proc/net/nf_conntrack, an entry a line. A line that is
// none is left out.
func parseHolders(r io.Reader) (*Holders, error) {
	h := &Holders{BySource: map[netip.Addr]uint64{}}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		h.add(lines.Text())
	}
	return h, lines.Err()
}

func (h *Holders) add(line string) {
	_, rest, ok := strings.Cut(line, " src=")
	if !ok {
		return
	}
	source, _, _ := strings.Cut(rest, " ")
	addr, err := netip.ParseAddr(source)
	if err != nil {
		return
	}
	h.Entries++
	if strings.Contains(line, " ESTABLISHED ") {
		h.Established++
	}
	addr = addr.Unmap()
	if _, known := h.BySource[addr]; known || len(h.BySource) < maxHolders {
		h.BySource[addr]++
	}
}

// holdersFrom is from what share of the table on, in percent, it is looked
// through on a running machine: that takes a second for 300,000 entries.
const holdersFrom = 75

// readHolders looks through the table, on a running machine only when it fills.
// Kernels may lack the file, and others than root may not read it.
func (s *Space) readHolders(r Root, dir string) {
	count, err1 := strconv.ParseUint(s.Sysctls["net.netfilter.nf_conntrack_count"], 10, 64)
	limit, err2 := strconv.ParseUint(s.Sysctls["net.netfilter.nf_conntrack_max"], 10, 64)
	if !r.saved() && (err1 != nil || err2 != nil || count*100 < limit*holdersFrom) {
		return
	}
	at, err := r.locate(filepath.Join(dir, "net/nf_conntrack"))
	if err != nil {
		return
	}
	f, err := openPlain(at)
	if err != nil {
		return
	}
	defer f.Close()
	if h, err := parseHolders(f); err == nil {
		s.Holders = h
	}
}
