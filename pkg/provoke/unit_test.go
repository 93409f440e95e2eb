// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestNamesAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range All() {
		if seen[p.Name()] {
			t.Errorf("two provocations are named %s", p.Name())
		}
		seen[p.Name()] = true
		if len(p.Families) == 0 {
			t.Errorf("%s has no family", p.Name())
		}
		for _, need := range p.Needs {
			if probes[need] == nil {
				t.Errorf("%s needs %s, which nothing looks for", p.Name(), need)
			}
		}
	}
}

// A frame that was built parses back to its fields, for both families.
func TestSegmentFrame(t *testing.T) {
	for _, addrs := range [][2]string{{"10.9.1.1:20000", "10.0.0.1:443"}, {"[fd09::1]:20000", "[fd00::1]:443"}} {
		s := segment{
			src: netip.MustParseAddrPort(addrs[0]), dst: netip.MustParseAddrPort(addrs[1]),
			flags: syn | ack, seq: 7, ack: 9, ts: &timestamps{val: 11, ecr: 13},
		}
		frame, err := s.frame()
		if err != nil {
			t.Fatal(err)
		}
		got, ok := parseReply(frame)
		want := reply{src: s.src, dst: s.dst, flags: s.flags, seq: 7, ack: 9, window: 65535, ts: timestamps{11, 13}}
		if !ok || got != want {
			t.Errorf("got %+v (%v), want %+v", got, ok, want)
		}
	}
}

func FuzzParseReply(f *testing.F) {
	s := segment{src: netip.MustParseAddrPort("10.9.1.1:20000"), dst: netip.MustParseAddrPort("10.0.0.1:443")}
	frame, err := s.frame()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(frame)
	f.Fuzz(func(_ *testing.T, b []byte) { parseReply(b) })
}

// Claims of the same value share it, another value waits, and the last one to
// leave restores what was there.
func TestClaims(t *testing.T) {
	values := map[string]string{"a": "0", "b": "0"}
	c := claims{
		read:  func(name string) (string, error) { return values[name], nil },
		write: func(name, value string) error { values[name] = value; return nil },
	}
	ctx := t.Context()
	first, other := sysctls{"a": "1"}, sysctls{"a": "2", "b": "2"}
	for range 2 {
		if err := c.acquire(ctx, first); err != nil {
			t.Fatal(err)
		}
	}
	short, cancel := context.WithTimeout(ctx, time.Millisecond)
	defer cancel()
	if err := c.acquire(short, other); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("acquire of another value: %v", err)
	}
	waited := make(chan error)
	go func() { waited <- c.acquire(ctx, other) }()
	for range 2 {
		if err := c.release(first); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-waited; err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"a": "2", "b": "2"}, values); diff != "" {
		t.Error(diff)
	}
	if err := c.release(other); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"a": "0", "b": "0"}, values); diff != "" {
		t.Error(diff)
	}
}

// ip_forward writes the interfaces' own values, and so comes before them.
func TestSysctlsInOrder(t *testing.T) {
	got := notForwarding.inOrder()
	if all, own := slices.Index(got, "ipv4/ip_forward"), slices.Index(got, "ipv4/conf/"+device+"/forwarding"); all > own {
		t.Errorf("written in the order %v", got)
	}
}
