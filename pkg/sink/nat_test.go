// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"net/netip"
	"testing"

	"github.com/synwatch/synwatch/pkg/event"
)

func TestRangeWord(t *testing.T) {
	for want, bounds := range map[string][2]string{
		"192.0.2.1:1024-65535":             {"192.0.2.1:1024", "192.0.2.1:65535"},
		"192.0.2.1:1024":                   {"192.0.2.1:1024", "192.0.2.1:1024"},
		"192.0.2.1-192.0.2.4:1024-65535":   {"192.0.2.1:1024", "192.0.2.4:65535"},
		"192.0.2.1-192.0.2.4":              {"192.0.2.1:0", "192.0.2.4:0"},
		"192.0.2.1":                        {"192.0.2.1:0", "192.0.2.1:0"},
		"[2001:db8::1]:1024-65535":         {"[2001:db8::1]:1024", "[2001:db8::1]:65535"},
		"2001:db8::1-2001:db8::2":          {"[2001:db8::1]:0", "[2001:db8::2]:0"},
		"[2001:db8::1]-[2001:db8::2]:1-65": {"[2001:db8::1]:1", "[2001:db8::2]:65"},
	} {
		nat := event.SourceNAT{First: netip.MustParseAddrPort(bounds[0]), Last: netip.MustParseAddrPort(bounds[1])}
		if got := rangeWord(&nat); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := rangeWord(&event.SourceNAT{}); got != "" {
		t.Errorf("got %q of nothing", got)
	}
}
