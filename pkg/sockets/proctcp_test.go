// SPDX-License-Identifier: Apache-2.0

package sockets

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/synwatch/synwatch/pkg/needs"
)

func TestParseProcTCP(t *testing.T) {
	needs.LittleEndian(t)
	text := "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n" +
		"   0: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1681 1 0 100 0 0 10 0\n" +
		"   1: 0000000000000000FFFF00000100000A:01BB 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 1682 1\n" +
		"   2: 020200C0:B98C 507100CB:0050 06 00000000:00000000 03:000002DE 00000000     0        0 0 3 0\n"
	got, err := ParseProcTCP(strings.NewReader(text))
	if diff := cmp.Diff([]Socket{bound("127.0.0.1:80", 1681), bound("10.0.0.1:443", 1682)}, got, equateSockets); err != nil || diff != "" {
		t.Errorf("%v, (-want +got):\n%s", err, diff)
	}
	var all []string
	err = parseProcTCP(strings.NewReader(text+"   3: cut o"), func(e *Entry) bool {
		all = append(all, fmt.Sprintf("%s %s %d", e.Local, e.Remote, e.State))
		return true
	})
	want := []string{"127.0.0.1:80 0.0.0.0:0 10", "10.0.0.1:443 [::]:0 10", "192.0.2.2:47500 203.0.113.80:80 6"}
	if diff := cmp.Diff(want, all); err != nil || diff != "" {
		t.Errorf("all: %v, (-want +got):\n%s", err, diff)
	}
	for _, bad := range []string{"01:0050 00000000:0000", "0100007F:x 00000000:0000", "zz:0050 00000000:0000", "0100007F:0050 a"} {
		if _, err := ParseProcTCP(strings.NewReader("title\n0: " + bad + " 0A 0 0 0 0 0 1 1\n")); err == nil {
			t.Errorf("no error for %q", bad)
		}
	}
}
