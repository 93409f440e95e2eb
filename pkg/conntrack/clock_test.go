// SPDX-License-Identifier: Apache-2.0

package conntrack

import (
	"math"
	"testing"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

func TestIdle(t *testing.T) {
	clock := NewClock(time.Unix(1000, 0), defaults)
	entry := func(proto, state uint8, status, timeout uint32) *Entry {
		return &Entry{Proto: proto, State: state, Status: status, Timeout: timeout, HasTimeout: true}
	}
	for name, test := range map[string]struct {
		*Entry
		want  uint32
		known bool
	}{
		"an hour ago":                   {entry(unix.IPPROTO_TCP, nl.TCP_CONNTRACK_ESTABLISHED, 0, 428400), 3600, true},
		"just now":                      {entry(unix.IPPROTO_TCP, nl.TCP_CONNTRACK_ESTABLISHED, 0, 432000), 0, true},
		"data without an ACK, perhaps":  {entry(unix.IPPROTO_TCP, nl.TCP_CONNTRACK_ESTABLISHED, 0, 200), 0, false},
		"a timeout of its own":          {entry(unix.IPPROTO_TCP, nl.TCP_CONNTRACK_ESTABLISHED, 0, 500000), 0, false},
		"a state without an override":   {entry(unix.IPPROTO_TCP, nl.TCP_CONNTRACK_SYN_SENT, 0, 100), 20, true},
		"a simultaneous open":           {entry(unix.IPPROTO_TCP, nl.TCP_CONNTRACK_SYN_SENT2, 0, 100), 20, true},
		"UDP":                           {entry(unix.IPPROTO_UDP, 0, statusSeenReply, 25), 5, true},
		"a stream of UDP":               {entry(unix.IPPROTO_UDP, 0, statusSeenReply|statusAssured, 25), 95, true},
		"no such sysctl":                {entry(unix.IPPROTO_ICMP, 0, 0, 25), 0, false},
		"offloaded, the timeout hidden": {&Entry{Proto: unix.IPPROTO_TCP, Status: statusOffload}, 0, false},
	} {
		kind := test.rawKind().kind()
		got, known := clock.seconds(test.Entry, clock.limit(kind, test.assured() == 1))
		if got != test.want || known != test.known {
			t.Errorf("%s: got %d, %v", name, got, known)
		}
	}
}

func TestAge(t *testing.T) {
	clock := NewClock(time.Unix(1000, 0), func(name string) (uint32, error) {
		return map[string]uint32{"nf_conntrack_timestamp": 1}[name], nil
	})
	if clock.Since != Age {
		t.Fatal("the timestamps are not used")
	}
	for start, want := range map[uint64]uint32{900e9: 100, 1000e9: 0, 1001e9: 0} {
		if got, known := clock.seconds(&Entry{Start: start}, limit{}); got != want || !known {
			t.Errorf("%d: got %d, %v", start, got, known)
		}
	}
	if _, known := clock.seconds(&Entry{}, limit{}); known {
		t.Error("an entry from before the timestamps has an age")
	}
}

func TestBuckets(t *testing.T) {
	last := uint16(0)
	for s := uint64(0); s <= math.MaxUint32; s += s/100 + 1 {
		b := bucketOf(uint32(s))
		if b < last || b > last+1 && s < 1000 || b >= unknownTime {
			t.Fatalf("%d is in bucket %d after %d", s, b, last)
		}
		last = b
		if got := bucketTime(b).Seconds(); math.Abs(got-float64(s)) > float64(s)/32+0.5 {
			t.Fatalf("%d comes out as %v", s, got)
		}
	}
	c := newClass(maxKinds-1, true, unknownTime)
	if c.kind() != maxKinds-1 || !c.replied() || c.bucket() != unknownTime {
		t.Errorf("got %v", c)
	}
}
