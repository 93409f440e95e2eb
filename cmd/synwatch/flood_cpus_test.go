// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/flood"
	"github.com/synwatch/synwatch/pkg/needs"
	"github.com/synwatch/synwatch/pkg/provoke"
	"golang.org/x/sys/unix"
)

// TestFloodAllCPUs floods on all CPUs at once, provokes several causes by
// sockets at the same time where they are in sight, and has packets of another
// kind dropped in process context, where a softirq may interrupt it. Where the
// machine is the test's own a CPU goes and comes back meanwhile.
func TestFloodAllCPUs(t *testing.T) {
	f := newMixed(t, flood.Mix{Sources: 16})
	lab := newLab(t)
	s := startTrace(t, f.only(only(lab)...)...)
	awaitModules(t, s)
	stop := f.flatOut(f.all...)
	toss(t, f.field.CPUs())
	plugged := make(chan error, 1)
	go func() { plugged <- plug() }()
	want := stressIfSeen(t, s, natively(4*time.Second, 6*time.Second), lab)
	if err := <-plugged; err != nil {
		t.Error(err)
	}
	skipIfCannot(t, stop())
	f.mustSend(1000)
	records, summary := s.stop()
	mine, rest := split(records, lab.Netns())
	checkCounts(t, mine, want.Drops)
	summary.Drops -= total(want.Drops)
	f.checkExact(toldBy(rest, summary))
}

// stressIfSeen spends a time with a stress if all of it is in sight.
func stressIfSeen(t *testing.T, s *session, d time.Duration, lab *provoke.Lab) provoke.Expect {
	t.Helper()
	if shown, why := stressShown(s); !shown {
		t.Log("no stress by sockets: " + why)
		time.Sleep(d)
		return provoke.Expect{}
	}
	wants, err := provoke.Stress(t.Context(), d, lab)
	if err != nil {
		t.Error(err)
	}
	return wants[0]
}

// split takes the records of a namespace out.
func split(records []record, netns uint32) (of, rest []record) {
	for _, r := range records {
		if r.Netns == netns {
			of = append(of, r)
		} else {
			rest = append(rest, r)
		}
	}
	return of, rest
}

// plug takes the second CPU away and gives it back, in a VM.
func plug() error {
	if !needs.InVM() {
		return nil
	}
	const file = "/sys/devices/system/cpu/cpu1/online"
	for _, online := range []string{"0", "1"} {
		time.Sleep(time.Second)
		if err := os.WriteFile(file, []byte(online), 0); err != nil {
			return fmt.Errorf("hotplug: %w", err)
		}
	}
	return nil
}

// toss has messages dropped on CPUs until the test ends: nobody is there to
// receive them, and the sending system call itself frees them, with softirqs
// enabled (net/netlink/af_netlink.c:netlink_unicast).
func toss(t *testing.T, cpus []int) {
	t.Helper()
	for _, cpu := range cpus {
		fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_USERSOCK)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- tossUntil(t.Context().Done(), cpu, fd) }()
		t.Cleanup(func() {
			if err := errors.Join(<-done, unix.Close(fd)); err != nil {
				t.Errorf("toss messages: %v", err)
			}
		})
	}
}

func tossUntil(done <-chan struct{}, cpu, fd int) error {
	runtime.LockOSThread() // and never unlocked: the thread ends here
	if err := provoke.PinTo(cpu); err != nil {
		return err
	}
	nobody := &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Pid: 1 << 30}
	for {
		select {
		case <-done:
			return nil
		default:
		}
		if err := unix.Sendto(fd, []byte("x"), 0, nobody); !errors.Is(err, unix.ECONNREFUSED) {
			return fmt.Errorf("send to nobody: %w", err)
		}
	}
}
