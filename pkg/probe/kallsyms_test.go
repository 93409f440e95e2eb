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
