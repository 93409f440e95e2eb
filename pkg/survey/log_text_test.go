// SPDX-License-Identifier: Apache-2.0

package survey

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// What the kernel says, in the words of different versions.
const dmesgText = `[    0.000000] Linux version 4.18.0
[  100.000001] TCP: request_sock_TCP: Possible SYN flooding on port 8080. Sending cookies.  Check SNMP counters.
[  100.000002] possible SYN flooding on port 80. Sending cookies.
[  200.000003] TCP: request_sock_TCP: Possible SYN flooding on port 8080. Dropping request.  Check SNMP counters.
[  300.000004] request_sock_subflow_v4: Possible SYN flooding on port [::]:443. Sending cookies.
[  400.000005] nf_conntrack: nf_conntrack: table full, dropping packet
[  400.000006] nf_conntrack: expectation table full
[  500.000007] neighbour: arp_cache: neighbor table overflow!
[  500.000008] Neighbour table overflow.
[  600.000009] TCP: too many orphaned sockets
[  700.000010] TCP: out of memory -- consider tuning tcp_mem
[  800.000011] TCP: time wait bucket table overflow
`

func TestReadLog(t *testing.T) {
	s := surveyOf(t, map[string]string{"sos_commands/kernel/dmesg": dmesgText})
	want := []LogEvent{
		{Kind: LogConntrackFull, Count: 1},
		{Kind: LogNeighbourFull, Count: 1}, {Kind: LogNeighbourFull, Count: 1, Subject: "arp_cache"},
		{Kind: LogOrphans, Count: 1},
		{Kind: LogSYNFlood, Count: 1, Port: 80}, {Kind: LogSYNFlood, Count: 1, Port: 443, Subject: "[::]:443"}, {Kind: LogSYNFlood, Count: 2, Port: 8080},
		{Kind: LogTCPMemory, Count: 1}, {Kind: LogTimeWaitFull, Count: 1},
	}
	if diff := cmp.Diff(want, s.System.Log, cmpopts.IgnoreFields(LogEvent{}, "File", "Last")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	last := s.System.Log[len(s.System.Log)-1]
	if last.File != "/sos_commands/kernel/dmesg" || last.Last != "[  800.000011] TCP: time wait bucket table overflow" || s.sayUnread("the kernel's log") {
		t.Errorf("%+v, unread %q", last, s.Unread)
	}
}

// Other programs write into the same files what they like, and the same event is in
// several of them.
func TestReadLogsOfManyPrograms(t *testing.T) {
	s := surveyOf(t, map[string]string{
		"sos_commands/kernel/dmesg_-T": "[Sat Nov 28 10:11:12 2026] nf_conntrack: table full, dropping packet\n",
		"sos_commands/logs/journalctl_--no-pager_--boot": "Nov 28 10:11:12 web1 kernel: nf_conntrack: table full, dropping packet\n" +
			"Nov 28 10:11:13 web1 kernel: nf_conntrack: table full, dropping packet\n" +
			"Nov 28 10:11:14 web1 httpd[9]: kernel: TCP: too many orphaned sockets\n" +
			"Nov 28 10:11:14 web1 httpd: kernel: TCP: too many orphaned sockets\n" +
			"Nov 28 10:11:15 web1 logger[9]: TCP: out of memory -- consider tuning tcp_mem\n",
		"var/log/messages": "2026-11-28T10:11:12+00:00 web1 kernel: message repeated 7 times: [TCP: time wait bucket table overflow]\n" + strings.Repeat("x", 2<<20) + "\n",
	})
	want := []LogEvent{{Kind: LogConntrackFull, Count: 2}, {Kind: LogTimeWaitFull, Count: 7}}
	if diff := cmp.Diff(want, s.System.Log, cmpopts.IgnoreFields(LogEvent{}, "File", "Last")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !s.sayUnread("/var/log/messages: ") {
		t.Errorf("a log that was read in part only: %q", s.Unread)
	}
	if s := surveyOf(t, map[string]string{"sos_commands/kernel/dmesg": "[    0.000000] Linux version 4.18.0\n", "etc/sysctl.conf": "net.a = 1\n"}); s.System.Log == nil || len(s.System.Log) > 0 {
		t.Errorf("a log that says nothing: %#v", s.System.Log)
	}
}

func FuzzReadLog(f *testing.F) {
	f.Add(dmesgText)
	f.Add("Nov 28 10:11:12 web1 kernel: message repeated 99999999999 times: [TCP: time wait bucket table overflow]")
	f.Fuzz(func(_ *testing.T, text string) {
		_, _ = readLog(strings.NewReader(text), "/x", true)
		_, _ = readLog(strings.NewReader(text), "/x", false)
		parseUptimeText(text)
	})
}
