// SPDX-License-Identifier: Apache-2.0

package sockets

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/synwatch/synwatch/pkg/proc"
)

// The fields of a line of /proc/net/tcp.
const (
	procTCPLocal  = 1
	procTCPRemote = 2
	procTCPState  = 3
	procTCPQueues = 4 // of a listening socket the second is its accept queue
	procTCPInode  = 9
)

// Entry is a TCP socket as /proc/net/tcp shows it.
type Entry struct {
	Local, Remote netip.AddrPort
	State         uint8 // of include/net/tcp_states.h
	// Received is what the socket has to be read, in bytes; of a listening one the
	// connections in its accept queue (net/ipv4/tcp_ipv4.c:get_tcp4_sock).
	Received uint32
	Inode    uint64
}

// Entries lists the TCP sockets of the calling thread's namespace.
func Entries() (all []Entry, err error) {
	err = eachInProc(func(e *Entry) bool {
		all = append(all, *e)
		return true
	})
	return all, err
}

// listeningInProc is for kernels without tcp_diag. It cannot tell V6Only, nor the
// limits of queues.
func listeningInProc() (found []Socket, err error) {
	err = eachInProc(takeListening(&found))
	return found, err
}

// takeListening appends the listening sockets. They come first (net/ipv4/
// tcp_ipv4.c:tcp_seq_start), so that the connections, which may be a great many,
// are left unread.
func takeListening(found *[]Socket) func(*Entry) bool {
	return func(e *Entry) bool {
		if e.State != Listen {
			return false
		}
		*found = append(*found, Socket{Addr: e.Local, Inode: e.Inode, Queue: &Queue{Waiting: e.Received}})
		return true
	}
}

// ParseProcTCP reads the listening sockets of a text of /proc/net/tcp or tcp6. It
// returns how many of its lines are not understood.
func ParseProcTCP(text string) (found []ListenerQueue, bad int) {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] == "sl" {
			continue
		}
		if len(fields) <= procTCPInode {
			bad++
			continue
		}
		e, err := parseProcTCPLine(fields)
		switch {
		case err != nil:
			bad++
		case e.State == Listen:
			found = append(found, ListenerQueue{Addr: e.Local, Inode: e.Inode, Waiting: e.Received})
		}
	}
	return found, bad
}

// eachInProc calls fn with the sockets of both files, of each until it returns
// false.
func eachInProc(fn func(*Entry) bool) error {
	dir, err := proc.ThreadDir()
	if err != nil {
		return err
	}
	for _, name := range []string{"net/tcp", "net/tcp6"} {
		f, err := os.Open(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // no IPv6
		}
		if err != nil {
			return err
		}
		err = parseProcTCP(f, fn)
		_ = f.Close() // was only read
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func parseProcTCP(r io.Reader, fn func(*Entry) bool) error {
	lines := bufio.NewScanner(r)
	lines.Scan() // the title
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) <= procTCPInode {
			continue // a copy may end in the midst of a line
		}
		e, err := parseProcTCPLine(fields)
		if err != nil {
			return err
		}
		if !fn(&e) {
			return nil
		}
	}
	return lines.Err()
}

func parseProcTCPLine(fields []string) (e Entry, err error) {
	if e.Local, err = parseHexAddrPort(fields[procTCPLocal]); err != nil {
		return e, err
	}
	if e.Remote, err = parseHexAddrPort(fields[procTCPRemote]); err != nil {
		return e, err
	}
	state, err := strconv.ParseUint(fields[procTCPState], 16, 8)
	if err != nil {
		return e, fmt.Errorf("state: %w", err)
	}
	e.State = uint8(state)
	_, received, _ := strings.Cut(fields[procTCPQueues], ":")
	queued, err := strconv.ParseUint(received, 16, 32)
	if err != nil {
		return e, fmt.Errorf("queue: %w", err)
	}
	e.Received = uint32(queued)
	if e.Inode, err = strconv.ParseUint(fields[procTCPInode], 10, 64); err != nil {
		return e, fmt.Errorf("inode: %w", err)
	}
	return e, nil
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
