// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/synwatch/synwatch/pkg/conntrack"
	"github.com/synwatch/synwatch/pkg/conntrack/conntracktest"
	"github.com/synwatch/synwatch/pkg/needs"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// fakeTable is a table of 1000 entries that one range fills, in a namespace.
func fakeTable(inode uint32) (conntrackTable, error) {
	t := conntrackTable{shut: func() error { return nil }}
	t.Usage = conntrack.Usage{Count: 1000, Max: 1000, Buckets: 128}
	t.Netns, t.Sysctls = 1, map[string]uint32{
		"nf_conntrack_tcp_timeout_established": 432000, "nf_conntrack_tcp_timeout_syn_sent": 120, "nf_conntrack_udp_timeout": 30,
	}
	if inode != 0 {
		t.Netns, t.Name, t.Enter = inode, "web", []string{"ip", "netns", "exec", "web"}
	}
	t.dump = func(_ context.Context, family uint8, fn func(*conntrack.Entry)) (d conntrack.Dumped, err error) {
		for i := range 1000 {
			e := fakeEntry(i)
			if family == 0 || family == unix.AF_INET6 == e.Src.Is6() {
				d.Entries++
				fn(&e)
			}
		}
		return d, nil
	}
	return t, nil
}

func fakeEntry(i int) conntrack.Entry {
	e := conntrack.Entry{
		Src: netip.AddrFrom4([4]byte{203, 0, 113, byte(i % 64)}), Dst: netip.MustParseAddr("192.0.2.1"),
		SrcPort: uint16(i), DstPort: 443, Proto: unix.IPPROTO_TCP, State: nl.TCP_CONNTRACK_ESTABLISHED,
		Status: conntracktest.SeenReply | conntracktest.Assured, Timeout: 432000 - 3*3600, HasTimeout: true,
	}
	switch {
	case i%100 < 61:
	case i%4 == 0:
		e.Src, e.Dst, e.Zone = netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 5: 9, 15: byte(i)}), netip.MustParseAddr("2001:db8::1"), 7
		e.State, e.Status, e.Timeout = nl.TCP_CONNTRACK_SYN_SENT, 0, 100
	default:
		e.Src = netip.AddrFrom4([4]byte{byte(1 + i%99), byte(i % 251), byte(i % 241), byte(i)})
		e.Proto, e.State, e.Status, e.DstPort, e.Timeout = unix.IPPROTO_UDP, 0, 0, 53, 25
	}
	return e
}

func conntrackCommand(t *testing.T, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	e := fakeEnv(newFake(), &stdout, &stderr)
	e.conntrack = fakeTable
	status := run(t.Context(), e, append([]string{"conntrack"}, args...))
	return result{status, stdout.String(), stderr.String()}
}

// TestConntrackGolden compares with files; SYNWATCH_UPDATE=1 writes them anew.
func TestConntrackGolden(t *testing.T) {
	for name, args := range map[string][]string{
		"conntrack.txt":        nil,
		"conntrack.json":       {"--json", "--top", "3"},
		"conntrack-filter.txt": {"--by", "src", "--state", "syn_sent,SYN_RECV", "--zone", "7", "--family", "ipv6", "--top", "2"},
	} {
		got := conntrackCommand(t, args...)
		if got.status != exitFine || got.stderr != "" {
			t.Errorf("%s: %d %s", name, got.status, got.stderr)
		}
		got.stdout = strings.ReplaceAll(got.stdout, version(), "VERSION")
		path := filepath.Join("testdata", name)
		if os.Getenv("SYNWATCH_UPDATE") != "" {
			if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(path, []byte(got.stdout), 0o644)); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if diff := cmp.Diff(string(want), got.stdout); err != nil || diff != "" {
			t.Errorf("%s: %v %s", name, err, diff)
		}
		for line := range strings.Lines(got.stdout) {
			if args == nil && len([]rune(strings.TrimSuffix(line, "\n"))) > 100 {
				t.Errorf("%s: too wide: %s", name, line)
			}
		}
	}
}

func TestConntrackBy(t *testing.T) {
	for by, want := range map[string]string{
		"src":    "    203.0.113.0 ",
		"dst":    "conntrack -D -f ipv4 -d 192.0.2.1 -p tcp --state ESTABLISHED\n",
		"dport":  "conntrack -D -p udp --dport 53\n",
		"state":  "conntrack -D -p tcp --state ESTABLISHED\n",
		"prefix": "conntrack -D -f ipv4 -s 203.0.113.0/26 -p tcp --state ESTABLISHED\n",
	} {
		got := conntrackCommand(t, "--by", by)
		if got.status != exitFine || !strings.Contains(got.stdout, want) || strings.Count(got.stdout, "ENTRIES") != 1 {
			t.Errorf("%s: no %q in\n%s%s", by, want, got.stdout, got.stderr)
		}
	}
}

func TestConntrackNothing(t *testing.T) {
	for args, want := range map[string]string{
		"--state LAST_ACK": "0 read in 0s: 0 IPv4, 0 IPv6, 0 % without a reply; 1000 others were left out, as asked\n",
		"--zone 9":         "1000 others were left out",
	} {
		got := conntrackCommand(t, strings.Fields(args)...)
		if got.status != exitFine || !strings.Contains(got.stdout, want) || strings.Contains(got.stdout, "ENTRIES") {
			t.Errorf("%s: %+v", args, got)
		}
	}
}

func TestConntrackInNamespace(t *testing.T) {
	netns, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	got := conntrackCommand(t, "--netns", netns, "--zone", "0")
	want := "    ip netns exec web conntrack -D -f ipv4 -s 203.0.113.0/26 -p tcp --state ESTABLISHED -w 0\n"
	if !strings.HasPrefix(got.stdout, "The conntrack table of network namespace web is 100 % full") || !strings.Contains(got.stdout, want) {
		t.Errorf("got %+v", got)
	}
}

func TestConntrackWrongUsage(t *testing.T) {
	for args, want := range map[string]string{
		"--by port": "src, dst, dport, state or prefix", "--state OPEN": "one of NONE, SYN_SENT",
		"--zone 65536": "from 0 to 65535", "--zone -1": "from 0 to 65535", "--family inet": "ipv4 or ipv6",
		"--top 0": "from 1 to 100000", "--top many": "from 1 to 100000", "--netns no-such-name": "no-such-name",
		"--color pink": "auto, always or never", "-o /no/such/file": "/no/such/file", "extra": "unexpected argument",
	} {
		got := conntrackCommand(t, strings.Fields(args)...)
		if got.status != exitUsage || got.stdout != "" || strings.Count(got.stderr, "\n") != 1 || !strings.Contains(got.stderr, want) {
			t.Errorf("%s: got %+v, want %q", args, got, want)
		}
	}
}

func TestConntrackCannot(t *testing.T) {
	for err, want := range map[error]int{
		fmt.Errorf("%w: it takes root", conntrack.ErrCannot):        exitCannot,
		fmt.Errorf("%w: %w", conntrack.ErrCannot, fs.ErrPermission): exitCannot,
		errors.New("network namespace 7 is gone"):                   exitFailed,
	} {
		var stdout, stderr bytes.Buffer
		e := fakeEnv(newFake(), &stdout, &stderr)
		e.conntrack = func(uint32) (conntrackTable, error) { return conntrackTable{}, err }
		status := run(t.Context(), e, []string{"conntrack"})
		if status != want || stdout.Len() > 0 || strings.Count(stderr.String(), "\n") != 1 {
			t.Errorf("%v: %d %q %q", err, status, stdout.String(), stderr.String())
		}
	}
}

// The command itself, on a real table in a namespace of its own.
func TestConntrackNative(t *testing.T) {
	needs.Root(t)
	_, err := conntrack.InNetns(netns.ID{}, func(*conntrack.NetnsTable) error { return nil })
	needs.Able(t, err, conntrack.ErrNotLoaded)
	const entries = 4000
	var own string
	ready, done := make(chan error), make(chan struct{})
	go func() {
		ready <- netns.InsideNew(func() error {
			if err := conntracktest.Fill(conntracktest.OneRange(entries)); err != nil {
				return err
			}
			link, err := os.Readlink("/proc/thread-self/ns/net")
			own = link
			ready <- err
			<-done
			return nil
		})
	}()
	if err := <-ready; err != nil {
		t.Fatal(err)
	}
	defer func() { close(done); <-ready }()
	var stdout, stderr bytes.Buffer
	e := fakeEnv(newFake(), &stdout, &stderr)
	e.now, e.conntrack = time.Now, openConntrack
	if status := run(t.Context(), e, []string{"conntrack", "--netns", own, "--json", "--top", "5"}); status != exitFine {
		t.Fatalf("%d %s", status, stderr.String())
	}
	// By the process, if the main thread of this one was left there.
	wantFree := regexp.MustCompile(`^nsenter (--net=/proc/\S+|-t \d+ -n) conntrack -D -f ipv4 -s 203\.0\.113\.0/26 -p tcp --state ESTABLISHED$`)
	var table struct {
		Entries, Count, Max, IPv6 int
		Free                      []struct{ Command string }
	}
	if err := json.Unmarshal([]byte(strings.SplitN(stdout.String(), "\n", 2)[0]), &table); err != nil {
		t.Fatal(err)
	}
	if table.Entries != entries || table.Count != entries || table.IPv6 == 0 {
		t.Errorf("got %+v", table)
	}
	full := table.Count*100 >= table.Max*80 // nf_conntrack_max goes by the machine's memory
	if table.Max == 0 || full != (len(table.Free) == 1) || full && !wantFree.MatchString(table.Free[0].Command) {
		t.Errorf("%d of %d: %+v", table.Count, table.Max, table.Free)
	}
	if want := `"by":"prefix","prefix":"203.0.113.0/26","entries":2440,"share":0.61,"unreplied":0,"own":2440,"addresses":64`; !strings.Contains(stdout.String(), want) {
		t.Errorf("no %s in\n%s", want, stdout.String())
	}
}

// Whoever deletes entries of a table that has room breaks connections for nothing.
func TestConntrackDeletesNothingWhereThereIsRoom(t *testing.T) {
	for max, deletes := range map[uint32]bool{1000: true, 1250: true, 1251: false, 262144: false, 0: false} {
		var stdout, stderr bytes.Buffer
		e := fakeEnv(newFake(), &stdout, &stderr)
		e.conntrack = func(inode uint32) (conntrackTable, error) {
			table, err := fakeTable(inode)
			table.Max = max
			return table, err
		}
		status := run(t.Context(), e, []string{"conntrack"})
		if text := stdout.String(); status != exitFine || strings.Contains(text, "conntrack -D") != deletes || strings.Contains(text, "To free them") != deletes {
			t.Errorf("1000 of %d: %d %s%s", max, status, text, stderr.String())
		}
	}
}
