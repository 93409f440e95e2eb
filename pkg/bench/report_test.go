// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bufio"
	"iter"
	"net/netip"
	"strings"
	"testing"

	"github.com/synwatch/synwatch/pkg/flood"
)

var watched = Watched{Cause: "no-listener", Sources: flood.Sources, Netns: 7}

func lines(text string) iter.Seq[[]byte] { return each(bufio.NewScanner(strings.NewReader(text))) }

func TestReport(t *testing.T) {
	for _, tt := range []struct {
		name   string
		report func(iter.Seq[[]byte], Watched) (Report, error)
		text   string
		want   Report
	}{
		{"synwatch", synwatchReport, `{"type":"start","schema":1}
{"type":"drop","cause":"no-listener","src":"172.16.0.1","count":5,"netns":7}
{"type":"drop","cause":"no-listener","src":"192.168.0.0","count":100,"netns":7}
{"type":"drop","cause":"other","src":"172.16.0.1","count":9,"netns":8}
{"type":"notice","cause":"handshake-expired","src":"172.16.0.1","count":1}
{"type":"drop","cause":"no-listener","src":"172.31.255.255","count":2,"netns":7}
{"type":"drop","cause":"no-listener","src":"","count":3,"netns":7}
{"type":"summary","drops":110}
`, Report{Drops: 10, Cause: true, Source: true, Sourceless: 3}},
		{"synwatch, another cause", synwatchReport, `{"type":"drop","cause":"no-listener","src":"172.16.0.1","count":5,"netns":7}
{"type":"drop","cause":"other","src":"172.16.0.1","count":5,"netns":7}
`, Report{Drops: 10, Source: true}},
		{"synwatch, nothing", synwatchReport, `{"type":"start"}`, Report{}},
		{"bpftrace-count", countReport, "Attaching 2 probes...\n\n@[3]: 10\n@[30]: 2\n\n@[3]: 4000\n@[30]: 2\n", Report{Drops: 4002}},
		{"bpftrace-print", printReport, "Attaching 1 probe...\n3 172.16.0.1\n3 192.168.0.0\n3 172.17.9.1\nLost 20 events\n", Report{Drops: 2, Source: true}},
		{"bpftrace-print, nothing", printReport, "Lost 20 events\n", Report{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.report(lines(tt.text), watched)
			if err != nil || got != tt.want {
				t.Errorf("got %+v (%v), want %+v", got, err, tt.want)
			}
		})
	}
}

func TestReportIsMalformed(t *testing.T) {
	if _, err := synwatchReport(lines(`{"type":"drop","src":"172.16.0`), watched); err == nil {
		t.Error("no error for half a line")
	}
	if _, err := countReport(lines("@[3]: 99999999999999999999999\n"), watched); err == nil {
		t.Error("no error for a count beyond 64 bits")
	}
}

func TestShows(t *testing.T) {
	source := netip.MustParseAddr("192.168.0.0")
	for _, tt := range []struct {
		shows func([]byte, netip.Addr) bool
		line  string
		want  bool
	}{
		{synwatchShows, `{"type":"drop","cause":"no-listener","src":"192.168.0.0","count":1}`, true},
		{synwatchShows, `{"type":"drop","cause":"no-listener","src":"192.168.0.1","count":1}`, false},
		{synwatchShows, `{"type":"notice","src":"192.168.0.0"}`, false},
		{countShows, "@[3]: 1\n", true},
		{countShows, "Attaching 2 probes...\n", false},
		{printShows, "3 192.168.0.0\n", true},
		{printShows, "3 192.168.0.1\n", false},
		{printShows, "\n", false},
	} {
		if got := tt.shows([]byte(tt.line), source); got != tt.want {
			t.Errorf("%q: %v, want %v", tt.line, got, tt.want)
		}
	}
}
