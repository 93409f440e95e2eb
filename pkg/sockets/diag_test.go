// SPDX-License-Identifier: Apache-2.0

package sockets

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sys/unix"
)

var equateSockets = cmpopts.EquateComparable(netip.AddrPort{})

func TestParseDiag(t *testing.T) {
	msg := make([]byte, diagMessageLen, 80)
	msg[0] = unix.AF_INET6
	binary.BigEndian.PutUint16(msg[diagPort:], 443)
	binary.NativeEndian.PutUint32(msg[diagInterface:], 3)
	binary.NativeEndian.PutUint32(msg[diagInode:], 1681)
	binary.NativeEndian.PutUint32(msg[diagWaiting:], 129)
	binary.NativeEndian.PutUint32(msg[diagLimit:], 128)
	limit := uint32(128)
	want := Socket{Addr: netip.MustParseAddrPort("[::]:443"), Ifindex: 3, Inode: 1681, Queue: &Queue{Waiting: 129, Limit: &limit}}
	got, ok := parseDiag(msg)
	if diff := cmp.Diff(want, got, equateSockets); !ok || diff != "" {
		t.Errorf("%v, (-want +got):\n%s", ok, diff)
	}
	attr := []byte{0, 0, 0, 0, 1, 0, 0, 0}
	binary.NativeEndian.PutUint16(attr, 5)
	binary.NativeEndian.PutUint16(attr[2:], diagSKV6Only)
	if got, ok := parseDiag(append(msg, attr...)); !ok || !got.V6Only {
		t.Errorf("v6only: %+v, %v", got, ok)
	}
	memory := make([]byte, 4+4*(memInfoDrops+1))
	binary.NativeEndian.PutUint16(memory, uint16(len(memory)))
	binary.NativeEndian.PutUint16(memory[2:], diagSKMemInfo)
	binary.NativeEndian.PutUint32(memory[4+4*memInfoDrops:], 7)
	if got, ok := parseDiag(append(msg, memory...)); !ok || got.Queue.Drops == nil || *got.Queue.Drops != 7 {
		t.Errorf("drops: %+v, %v", got.Queue, ok)
	}
	if got, ok := parseDiag(append(msg, memory[:4+4*memInfoDrops]...)); ok && got.Queue.Drops != nil {
		t.Error("a kernel that does not tell drops is said to have some")
	}
	copy(msg[diagAddr:], netip.MustParseAddr("::ffff:10.0.0.1").AsSlice())
	if got, ok := parseDiag(msg); !ok || got.Addr != netip.MustParseAddrPort("10.0.0.1:443") {
		t.Errorf("mapped: %+v, %v", got, ok)
	}
	msg[0] = unix.AF_INET
	copy(msg[diagAddr:], []byte{10, 0, 0, 2})
	if got, ok := parseDiag(msg); !ok || got.Addr != netip.MustParseAddrPort("10.0.0.2:443") {
		t.Errorf("IPv4: %+v, %v", got, ok)
	}
	msg[0] = unix.AF_UNIX
	if _, ok := parseDiag(msg); ok {
		t.Error("a unix socket listens on TCP")
	}
	if _, ok := parseDiag(msg[:diagMessageLen-1]); ok {
		t.Error("a short message is taken")
	}
}

func FuzzParseDiag(f *testing.F) {
	f.Add(make([]byte, diagMessageLen+8))
	f.Fuzz(func(_ *testing.T, msg []byte) { parseDiag(msg) })
}
