// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"strings"
	"testing"
)

const someSymbols = `ffffffff81000000 T _text
ffffffff81000010 t tcp_v4_rcv.cold
ffffffff81000100 T tcp_v4_rcv
ffffffff81000180 d table
ffffffff81000200 T tcp_v6_rcv
ffffffffc0000000 t nft_do_chain	[nf_tables]
`

func TestReadKallsyms(t *testing.T) {
	var got []string
	err := readKallsyms(strings.NewReader(someSymbols), func(_ uint64, kind byte, name []byte) {
		got = append(got, string(kind)+" "+string(name))
	})
	want := "T _text,t tcp_v4_rcv.cold,T tcp_v4_rcv,d table,T tcp_v6_rcv,t nft_do_chain"
	if err != nil || strings.Join(got, ",") != want {
		t.Fatalf("got %v, %v; want %s", got, err, want)
	}
}

func TestReadKallsymsMalformed(t *testing.T) {
	err := readKallsyms(strings.NewReader("not an address\n"), func(uint64, byte, []byte) {})
	if err == nil {
		t.Fatal("no error for a line without an address")
	}
}

// What gcc and clang make of names; see symbols.whole.
const suffixedSymbols = `ffffffff81000010 t tcp_check_req.cold
ffffffff81000020 t tcp_validate_incoming.llvm.4711
ffffffff81000030 t tcp_validate_incoming.llvm.4711.cold
ffffffff81000040 t reqsk_timer_handler.llvm.1
ffffffff81000050 t reqsk_timer_handler.llvm.2
ffffffff81000060 t tcp_data_queue.isra.0
ffffffff81000080 t nf_ct_delete.part.0
`

func TestSuffixedFunctions(t *testing.T) {
	k := &kernel{}
	wanted := map[string]bool{"tcp_check_req": true, "tcp_validate_incoming": true, "reqsk_timer_handler": true, "tcp_data_queue": true, "nf_ct_delete": true}
	err := readKallsyms(strings.NewReader(suffixedSymbols), func(_ uint64, _ byte, name []byte) {
		k.symbols.noteVariant(name, wanted)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		hook         hook
		symbol, lack string
		typed        bool
	}{
		{hook{name: "tcp_check_req"}, "", "no such function in this kernel", false},
		{hook{name: "tcp_validate_incoming"}, "tcp_validate_incoming.llvm.4711", "", true},
		{hook{name: "reqsk_timer_handler"}, "", "the compiler made reqsk_timer_handler.llvm.1 and reqsk_timer_handler.llvm.2 of it", false},
		{hook{name: "tcp_data_queue"}, "", "the compiler made tcp_data_queue.isra.0 of it", false},
		{hook{name: "nf_ct_delete"}, "", "the compiler made nf_ct_delete.part.0 of it", false},
	} {
		symbol := k.function(&c.hook)
		if symbol != c.symbol || c.hook.typed(symbol) != c.typed {
			t.Errorf("%s: hooked %q, with types: %v; want %q, %v", c.hook.name, symbol, c.hook.typed(symbol), c.symbol, c.typed)
		}
		if lack := k.absent(&c.hook); symbol == "" && lack != c.lack {
			t.Errorf("%s: %q, want %q", c.hook.name, lack, c.lack)
		}
	}
}

func TestExtent(t *testing.T) {
	var e extent
	for _, s := range []struct {
		name string
		addr uint64
	}{{"before", 0x1000}, {"f", 0x2000}, {"alias", 0x2000}, {"after", 0x2400}, {"f.cold", 0x9000}} {
		e.add("f", []byte(s.name), s.addr)
	}
	if want := (extent{0x2000, 0x2400}); e != want {
		t.Errorf("f reaches over %x, want %x", e, want)
	}
	var hidden extent
	hidden.add("f", []byte("f"), 0)
	hidden.add("f", []byte("after"), 0)
	if hidden != (extent{}) {
		t.Errorf("where addresses are hidden f reaches over %x", hidden)
	}
}

func TestWithoutSuffix(t *testing.T) {
	for symbol, want := range map[string]string{
		"f": "f", "f.isra.0": "f", "f.constprop.0": "f",
		"f.cold": "f.cold", "f.isra.0.cold": "f.isra.0.cold", "f.part.0": "f.part.0",
	} {
		if got := withoutSuffix([]byte(symbol)); string(got) != want {
			t.Errorf("%s is taken for %s, want %s", symbol, got, want)
		}
	}
}
