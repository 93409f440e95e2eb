// SPDX-License-Identifier: Apache-2.0

package sockets

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/synwatch/synwatch/pkg/needs"
)

func TestParseProcTCP(t *testing.T) {
	needs.LittleEndian(t)
	text := "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n" +
		"   0: 0100007F:0050 00000000:0000 0A 00000000:00000081 00:00000000 00000000     0        0 1681 1 0 100 0 0 10 0\n" +
		"   1: 0000000000000000FFFF00000100000A:01BB 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 1682 1\n" +
		"   2: 020200C0:B98C 507100CB:0050 06 00000000:00000007 03:000002DE 00000000     0        0 0 3 0\n"
	want := []ListenerQueue{
		{Addr: netip.MustParseAddrPort("127.0.0.1:80"), Inode: 1681, Waiting: 129},
		{Addr: netip.MustParseAddrPort("10.0.0.1:443"), Inode: 1682},
	}
	got, bad := ParseProcTCP(text)
	if diff := cmp.Diff(want, got, equateSockets); bad != 0 || diff != "" {
		t.Errorf("%d lines are bad, (-want +got):\n%s", bad, diff)
	}
	var all []string
	err := parseProcTCP(strings.NewReader(text+"   3: cut o"), func(e *Entry) bool {
		all = append(all, fmt.Sprintf("%s %s %d %d", e.Local, e.Remote, e.State, e.Received))
		return true
	})
	if diff := cmp.Diff([]string{"127.0.0.1:80 0.0.0.0:0 10 129", "10.0.0.1:443 [::]:0 10 0", "192.0.2.2:47500 203.0.113.80:80 6 7"}, all); err != nil || diff != "" {
		t.Errorf("all: %v, (-want +got):\n%s", err, diff)
	}
	for _, address := range []string{"01:0050 00000000:0000", "0100007F:x 00000000:0000", "zz:0050 00000000:0000", "0100007F:0050 a"} {
		text := text + "0: " + address + " 0A 0:0 0 0 0 0 1 1\n"
		if got, bad := ParseProcTCP(text); bad != 1 || len(got) != 2 {
			t.Errorf("%q: %d lines are bad, %v", address, bad, got)
		}
		if err := parseProcTCP(strings.NewReader(text), func(*Entry) bool { return true }); err == nil {
			t.Errorf("no error for %q", address)
		}
	}
}

func FuzzParseProcTCP(f *testing.F) {
	f.Add("0: 0100007F:0050 00000000:0000 0A 00000000:00000081 0 0 0 0 1681 1")
	f.Fuzz(func(_ *testing.T, text string) { ParseProcTCP(text) })
}
