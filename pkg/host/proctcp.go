// SPDX-License-Identifier: Apache-2.0

package host

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// The fields of a line of /proc/net/tcp.
const (
	procTCPLocal  = 1
	procTCPState  = 3
	procTCPInode  = 9
	procTCPListen = "0A"
)

// parseProcTCP reads the listening sockets of /proc/net/tcp or tcp6. They come
// first (net/ipv4/tcp_ipv4.c:tcp_seq_start), so that the connections, which may
// be a great many, are left unread.
func parseProcTCP(r io.Reader) ([]socket, error) {
	var found []socket
	lines := bufio.NewScanner(r)
	lines.Scan() // the title
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) <= procTCPInode || fields[procTCPState] != procTCPListen {
			break
		}
		addr, err := parseHexAddrPort(fields[procTCPLocal])
		if err != nil {
			return nil, err
		}
		inode, err := strconv.ParseUint(fields[procTCPInode], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("inode: %w", err)
		}
		found = append(found, socket{addr: addr, inode: inode})
	}
	return found, lines.Err()
}

// parseHexAddrPort reads 0100007F:0050, whose address is words of the machine's
// own byte order.
func parseHexAddrPort(s string) (netip.AddrPort, error) {
	words, port, _ := strings.Cut(s, ":")
	raw, err := hex.DecodeString(words)
	if err != nil || len(raw) != 4 && len(raw) != 16 {
		return netip.AddrPort{}, fmt.Errorf("%q is no address", s)
	}
	for word := range slices.Chunk(raw, 4) {
		binary.NativeEndian.PutUint32(word, binary.BigEndian.Uint32(word))
	}
	n, err := strconv.ParseUint(port, 16, 16)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("port of %q: %w", s, err)
	}
	addr, _ := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(addr.Unmap(), uint16(n)), nil
}
