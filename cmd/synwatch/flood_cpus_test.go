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
// sockets at the same time where the hooks show them, and has packets of another
// kind dropped in process context, where a softirq may interrupt it. In a VM a CPU
// is unplugged and plugged in again meanwhile.
func TestFloodAllCPUs(t *testing.T) {
	f := newMixed(t, flood.Mix{Sources: 16})
	lab := newLab(t)
	s := startTrace(t, f.only(only(lab)...)...)
	awaitModules(t, s)
	stop := f.flatOut(f.all...)
	dropInTask(t, f.lab.CPUs())
	plugged := make(chan error, 1)
	go func() { plugged <- plug() }()
	want := stressIfShown(t, s, natively(4*time.Second, 6*time.Second), lab)
	if err := <-plugged; err != nil {
		t.Error(err)
	}
	skipIfCannot(t, stop())
	f.mustSend(1000)
	records, summary := s.stop()
	mine, rest := split(records, lab.Netns())
	for _, r := range mine {
		summary.Drops -= r.Count
	}
	mine, shown := asShown(s.coverage(), mine, want.Drops)
	checkCounts(t, mine, shown)
	f.checkExact(sumRecords(rest, summary))
}

// stressIfShown runs the stress for a time if the attached hooks show all of it.
func stressIfShown(t *testing.T, s *session, d time.Duration, lab *provoke.Lab) provoke.Expect {
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

// plug unplugs the second CPU and plugs it in again, in a VM.
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

// dropInTask has tasks on CPUs send netlink messages to a port without a socket until
// the test ends. The sending system call frees them itself, with softirqs enabled
// (net/netlink/af_netlink.c:netlink_unicast).
func dropInTask(t *testing.T, cpus []int) {
	t.Helper()
	for _, cpu := range cpus {
		fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_USERSOCK)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- dropUntil(t.Context().Done(), cpu, fd) }()
		t.Cleanup(func() {
			if err := errors.Join(<-done, unix.Close(fd)); err != nil {
				t.Errorf("send messages: %v", err)
			}
		})
	}
}

func dropUntil(done <-chan struct{}, cpu, fd int) error {
	runtime.LockOSThread() // and never unlocked: the thread ends here
	if err := provoke.PinTo(cpu); err != nil {
		return err
	}
	noSocket := &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Pid: 1 << 30}
	for {
		select {
		case <-done:
			return nil
		default:
		}
		if err := unix.Sendto(fd, []byte("x"), 0, noSocket); !errors.Is(err, unix.ECONNREFUSED) {
			return fmt.Errorf("send to a port without a socket: %w", err)
		}
	}
}
