// SPDX-License-Identifier: Apache-2.0

package host

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// socket is a listening TCP socket.
type socket struct {
	addr    netip.AddrPort // as bound; an IPv4-mapped address is IPv4
	ifindex uint32         // of the interface that it is bound to, 0 for none
	inode   uint64
	// v6only tells that an unspecified IPv6 address takes no IPv4 connections.
	v6only bool
	queues *queues // nil where there is no tcp_diag
}

// queues is the state of a listening socket.
type queues struct {
	waiting, limit uint32
	drops          *uint32 // nil where the kernel does not tell
}

// The kernel's struct inet_diag_req_v2 and struct inet_diag_msg,
// include/uapi/linux/inet_diag.h, by their offsets.
const (
	diagRequestLen  = 56
	diagExtensions  = 2 // in the request
	diagStates      = 4
	diagRequestPort = 8
	diagMessageLen  = 72
	diagPort        = 4
	diagAddr        = 8
	diagInterface   = 40
	diagWaiting     = 56 // of a listening socket: sk_ack_backlog
	diagLimit       = 60 // and sk_max_ack_backlog
	diagInode       = 68
	diagSKMemInfo   = 7  // INET_DIAG_SKMEMINFO
	diagSKV6Only    = 11 // INET_DIAG_SKV6ONLY
	memInfoDrops    = 8  // SK_MEMINFO_DROPS, a word
	tcpListen       = 10 // include/net/tcp_states.h
)

// listening lists the listening sockets of the calling thread's namespace. The
// library's dumps would return every connection, too, and not IPV6_V6ONLY.
func listening() ([]socket, error) {
	var sockets []socket
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		found, err := dumpListening(family)
		if errors.Is(err, unix.ENOENT) { // there is no tcp_diag
			return listeningInProc()
		}
		if err != nil {
			return nil, fmt.Errorf("dump listening sockets: %w", err)
		}
		sockets = append(sockets, found...)
	}
	return sockets, nil
}

func dumpListening(family uint8) ([]socket, error) {
	request := make([]byte, diagRequestLen)
	request[0], request[1] = family, unix.IPPROTO_TCP
	request[diagExtensions] = 1 << (diagSKMemInfo - 1)
	binary.NativeEndian.PutUint32(request[diagStates:], 1<<tcpListen)
	req := nl.NewNetlinkRequest(nl.SOCK_DIAG_BY_FAMILY, unix.NLM_F_DUMP)
	req.AddRawData(request)
	var sockets []socket
	err := req.ExecuteIter(unix.NETLINK_INET_DIAG, nl.SOCK_DIAG_BY_FAMILY, func(msg []byte) bool {
		if s, ok := parseDiag(msg); ok {
			sockets = append(sockets, s)
		}
		return true
	})
	if errors.Is(err, nl.ErrDumpInterrupted) {
		err = nil // it is looked at again soon
	}
	return sockets, err
}

func parseDiag(msg []byte) (socket, bool) {
	if len(msg) < diagMessageLen {
		return socket{}, false
	}
	var addr netip.Addr
	switch msg[0] {
	case unix.AF_INET:
		addr = netip.AddrFrom4([4]byte(msg[diagAddr:]))
	case unix.AF_INET6:
		addr = netip.AddrFrom16([16]byte(msg[diagAddr:])).Unmap()
	default:
		return socket{}, false
	}
	s := socket{
		addr:    netip.AddrPortFrom(addr, binary.BigEndian.Uint16(msg[diagPort:])),
		ifindex: binary.NativeEndian.Uint32(msg[diagInterface:]),
		inode:   uint64(binary.NativeEndian.Uint32(msg[diagInode:])),
		queues: &queues{
			waiting: binary.NativeEndian.Uint32(msg[diagWaiting:]),
			limit:   binary.NativeEndian.Uint32(msg[diagLimit:]),
		},
	}
	attrs, err := nl.ParseRouteAttr(msg[diagMessageLen:])
	if err != nil {
		return socket{}, false
	}
	for _, a := range attrs {
		switch {
		case a.Attr.Type == diagSKV6Only && len(a.Value) > 0:
			s.v6only = a.Value[0] != 0
		case a.Attr.Type == diagSKMemInfo && len(a.Value) >= 4*(memInfoDrops+1):
			drops := binary.NativeEndian.Uint32(a.Value[4*memInfoDrops:])
			s.queues.drops = &drops
		}
	}
	return s, true
}

// listeningInProc is for kernels without tcp_diag. It cannot tell v6only.
func listeningInProc() ([]socket, error) {
	dir, err := threadDir()
	if err != nil {
		return nil, err
	}
	var sockets []socket
	for _, name := range []string{"net/tcp", "net/tcp6"} {
		f, err := os.Open(filepath.Join(dir, name))
		if errors.Is(err, os.ErrNotExist) {
			continue // no IPv6
		}
		if err != nil {
			return nil, err
		}
		found, err := parseProcTCP(f)
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		sockets = append(sockets, found...)
	}
	return sockets, nil
}
