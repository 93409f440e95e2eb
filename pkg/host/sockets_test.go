// SPDX-License-Identifier: Apache-2.0

package host

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/synwatch/synwatch/pkg/needs"
	"golang.org/x/sys/unix"
)

var equateSockets = cmp.Options{cmp.AllowUnexported(socket{}, queues{}), cmpopts.EquateComparable(netip.AddrPort{})}

func bound(addr string, inode uint64) socket {
	return socket{addr: netip.MustParseAddrPort(addr), inode: inode}
}

func TestMatchIsTheKernels(t *testing.T) {
	wild4, wild6 := bound("0.0.0.0:80", 1), bound("[::]:80", 2)
	only6 := bound("[::]:80", 3)
	only6.v6only = true
	one4, one6 := bound("10.0.0.1:80", 4), bound("[fd00::1]:80", 5)
	eth1 := bound("0.0.0.0:80", 6)
	eth1.ifindex = 1
	twin := bound("0.0.0.0:80", 7)
	all := []socket{wild6, wild4, bound("0.0.0.0:81", 8), one6, one4, bound("10.0.0.2:80", 9)}
	for name, test := range map[string]struct {
		sockets []socket
		dst     string
		ifindex uint32
		want    []uint64
	}{
		"a specific address":           {all, "10.0.0.1:80", 0, []uint64{4}},
		"a specific IPv6 address":      {all, "[fd00::1]:80", 0, []uint64{5}},
		"any address":                  {all, "10.0.0.3:80", 0, []uint64{1}},
		"any IPv6 address":             {all, "[fd00::2]:80", 0, []uint64{2}},
		"dual stack":                   {[]socket{wild6}, "10.0.0.1:80", 0, []uint64{2}},
		"IPv6 only":                    {[]socket{only6}, "10.0.0.1:80", 0, nil},
		"IPv6 only beside IPv4":        {[]socket{only6, wild4}, "[fd00::1]:80", 0, []uint64{3}},
		"IPv4 for IPv6":                {[]socket{wild4}, "[fd00::1]:80", 0, nil},
		"another port":                 {all, "10.0.0.1:82", 0, nil},
		"a bound interface":            {[]socket{wild4, eth1}, "10.0.0.1:80", 1, []uint64{6}},
		"another interface":            {[]socket{wild4, eth1}, "10.0.0.1:80", 2, []uint64{1}},
		"SO_REUSEPORT":                 {[]socket{wild4, twin, wild6}, "10.0.0.1:80", 0, []uint64{1, 7}},
		"an address before a device":   {[]socket{eth1, one4}, "10.0.0.1:80", 1, []uint64{4}},
		"nothing listens there at all": {nil, "10.0.0.1:80", 0, nil},
	} {
		var got []uint64
		for _, s := range match(test.sockets, netip.MustParseAddrPort(test.dst), test.ifindex) {
			got = append(got, s.inode)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestParseDiag(t *testing.T) {
	msg := make([]byte, diagMessageLen, 80)
	msg[0] = unix.AF_INET6
	binary.BigEndian.PutUint16(msg[diagPort:], 443)
	binary.NativeEndian.PutUint32(msg[diagInterface:], 3)
	binary.NativeEndian.PutUint32(msg[diagInode:], 1681)
	binary.NativeEndian.PutUint32(msg[diagWaiting:], 129)
	binary.NativeEndian.PutUint32(msg[diagLimit:], 128)
	want := socket{addr: netip.MustParseAddrPort("[::]:443"), ifindex: 3, inode: 1681, queues: &queues{waiting: 129, limit: 128}}
	got, ok := parseDiag(msg)
	if diff := cmp.Diff(want, got, equateSockets); !ok || diff != "" {
		t.Errorf("%v, (-want +got):\n%s", ok, diff)
	}
	attr := []byte{0, 0, 0, 0, 1, 0, 0, 0}
	binary.NativeEndian.PutUint16(attr, 5)
	binary.NativeEndian.PutUint16(attr[2:], diagSKV6Only)
	if got, ok := parseDiag(append(msg, attr...)); !ok || !got.v6only {
		t.Errorf("v6only: %+v, %v", got, ok)
	}
	memory := make([]byte, 4+4*(memInfoDrops+1))
	binary.NativeEndian.PutUint16(memory, uint16(len(memory)))
	binary.NativeEndian.PutUint16(memory[2:], diagSKMemInfo)
	binary.NativeEndian.PutUint32(memory[4+4*memInfoDrops:], 7)
	if got, ok := parseDiag(append(msg, memory...)); !ok || got.queues.drops == nil || *got.queues.drops != 7 {
		t.Errorf("drops: %+v, %v", got.queues, ok)
	}
	if got, ok := parseDiag(append(msg, memory[:4+4*memInfoDrops]...)); ok && got.queues.drops != nil {
		t.Error("a kernel that does not tell drops is said to have some")
	}
	copy(msg[diagAddr:], netip.MustParseAddr("::ffff:10.0.0.1").AsSlice())
	if got, ok := parseDiag(msg); !ok || got.addr != netip.MustParseAddrPort("10.0.0.1:443") {
		t.Errorf("mapped: %+v, %v", got, ok)
	}
	msg[0] = unix.AF_INET
	copy(msg[diagAddr:], []byte{10, 0, 0, 2})
	if got, ok := parseDiag(msg); !ok || got.addr != netip.MustParseAddrPort("10.0.0.2:443") {
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

func TestParseProcTCP(t *testing.T) {
	needs.LittleEndian(t)
	text := "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n" +
		"   0: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1681 1 0 100 0 0 10 0\n" +
		"   1: 0000000000000000FFFF00000100000A:01BB 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 1682 1\n" +
		"   2: 020200C0:B98C 507100CB:0050 06 00000000:00000000 03:000002DE 00000000     0        0 0 3 0\n"
	got, err := parseProcTCP(strings.NewReader(text))
	if diff := cmp.Diff([]socket{bound("127.0.0.1:80", 1681), bound("10.0.0.1:443", 1682)}, got, equateSockets); err != nil || diff != "" {
		t.Errorf("%v, (-want +got):\n%s", err, diff)
	}
	for _, bad := range []string{"01:0050 a", "0100007F:x a", "zz:0050 a"} {
		if _, err := parseProcTCP(strings.NewReader("title\n0: " + bad + " 0A 0 0 0 0 0 1 1\n")); err == nil {
			t.Errorf("no error for %q", bad)
		}
	}
}

func FuzzParseDiag(f *testing.F) {
	f.Add(make([]byte, diagMessageLen+8))
	f.Fuzz(func(_ *testing.T, msg []byte) { parseDiag(msg) })
}
