// SPDX-License-Identifier: Apache-2.0

package conntrack

import (
	"encoding/hex"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/synwatch/synwatch/pkg/needs"
)

// captured are messages of real dumps, from the nfgenmsg on.
var captured = map[string]struct {
	hex  string
	want Entry
}{
	"tcp4": {"" +
		"02000000340001801400018008000100cb00710708000200c00002011c0002800500010006000000060002009c4000000600030001bb00" +
		"00340002801400018008000100c000020108000200cb0071071c00028005000100060000000600020001bb0000060003009c4000000800" +
		"03000000000e080008000000000008000c002569bcc508000b0000000001080007000001517f300004802c000180050001000300000005" +
		"00020000000000050003000000000006000400000000000600050000000000100014800c00010018e9f459cf60e2551c00188008000100" +
		"0000000008000200000000000800030000000000",
		Entry{Src: addr("203.0.113.7"), Dst: addr("192.0.2.1"), SrcPort: 40000, DstPort: 443, Proto: 6, State: 3,
			Status: 14, Timeout: 86399, HasTimeout: true, Start: 1795234593052353109}},
	"icmp": {"" +
		"020000003c0001801400018008000100c633640908000200c000020124000280050001000100000006000400004d000005000500080000" +
		"0005000600000000003c0002801400018008000100c000020108000200c633640924000280050001000100000006000400004d00000500" +
		"0500000000000500060000000000080003000000000a080008000000000008000c00e45892c708000b0000000001080007000000001310" +
		"0014800c00010018e9f459cf6101ab1c001880080001000000000008000200000000000800030000000000",
		Entry{Src: addr("198.51.100.9"), Dst: addr("192.0.2.1"), Proto: 1,
			Status: 10, Timeout: 19, HasTimeout: true, Start: 1795234593052361131}},
	"udp without a reply": {"" +
		"02000000340001801400018008000100c633640908000200c00002011c000280050001001100000006000200cf08000006000300003500" +
		"00340002801400018008000100c000020108000200c63364091c0002800500010011000000060002000035000006000300cf0800000800" +
		"030000000008080008000000000008000c00225e4e6808000b00000000010800070000000018100014800c00010018e9f459cf60f9ce1c" +
		"001880080001000000000008000200000000000800030000000000",
		Entry{Src: addr("198.51.100.9"), Dst: addr("192.0.2.1"), SrcPort: 53000, DstPort: 53, Proto: 17,
			Status: 8, Timeout: 24, HasTimeout: true, Start: 1795234593052359118}},
	"tcp6 in a zone": {"" +
		"0a0000004c0001802c0001801400030020010db80000000000000000000000071400040020010db80001000000000000000000011c0002" +
		"800500010006000000060002009c4100000600030001bb00004c0002802c0001801400030020010db80001000000000000000000011400" +
		"040020010db80000000000000000000000071c00028005000100060000000600020001bb0000060003009c410000060012000007000008" +
		"00030000000008080008000000000008000c009eeffa0b08000b00000000010800070000000063300004802c0001800500010001000000" +
		"0500020000000000050003000000000006000400000000000600050000000000100014800c00010018e9f459cf60ef701c001880080001" +
		"000000000008000200000000000800030000000000",
		Entry{Src: addr("2001:db8::7"), Dst: addr("2001:db8:1::1"), SrcPort: 40001, DstPort: 443, Zone: 7, Proto: 6, State: 1,
			Status: 8, Timeout: 99, HasTimeout: true, Start: 1795234593052356464}},
}

var addrs = cmpopts.EquateComparable(netip.Addr{})

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	needs.LittleEndian(t)
	return b
}

func TestDecode(t *testing.T) {
	for name, test := range captured {
		got, err := Decode(unhex(t, test.hex))
		if diff := cmp.Diff(test.want, got, addrs); err != nil || diff != "" {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
}

func TestDecodeAllocatesNothing(t *testing.T) {
	b := unhex(t, captured["tcp6 in a zone"].hex)
	if n := testing.AllocsPerRun(100, func() { Decode(b) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestDecodeTruncated(t *testing.T) {
	b := unhex(t, captured["tcp4"].hex)
	for n := range 4 + 4 + 20 { // up to the addresses' end
		if e, err := Decode(b[:n]); err == nil {
			t.Errorf("%d bytes gave %+v", n, e)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, test := range captured {
		f.Add(unhex(f, test.hex))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		before := string(b)
		e, err := Decode(b)
		if err == nil && (e.Src.BitLen() != e.Dst.BitLen() || !e.Src.IsValid()) {
			t.Errorf("no error, but %+v", e)
		}
		if string(b) != before {
			t.Error("the message was changed")
		}
	})
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte{20, 0, 0, 0, 3, 0, 2, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{36, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 255, 255, 255, 255, 20, 0, 0, 0, 1, 1, 1, 3, 1, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		var d Dumped
		var n uint64
		d.decode(b, func(*Entry) { n++ })
		if n != d.Entries || n+d.Malformed > uint64(len(b)/16) {
			t.Errorf("%d entries, %+v, of %d bytes", n, d, len(b))
		}
	})
}
