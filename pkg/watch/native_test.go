// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/netns/netnstest"
	"github.com/synwatch/synwatch/pkg/nstat"
)

// accept makes n connections over the loopback device of a namespace, each of
// which moves the counter Accepted by one.
func accept(t *testing.T, ns *os.File, n int) {
	t.Helper()
	err := netns.Inside(ns, func() error {
		if err := netnstest.LoopbackUp(); err != nil {
			return err
		}
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer ln.Close()
		for range n {
			client, err := net.Dial("tcp", ln.Addr().String())
			if err != nil {
				return err
			}
			server, err := ln.Accept()
			if err != nil {
				return err
			}
			server.Close()
			client.Close()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// enter starts a process in a namespace.
func enter(t *testing.T, ns *os.File) (name string) {
	t.Helper()
	sleep := exec.Command("nsenter", "--net=/proc/self/fd/3", "sleep", "60")
	sleep.ExtraFiles = []*os.File{ns}
	if err := sleep.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = sleep.Process.Kill() // it may have ended
		_ = sleep.Wait()
	})
	return fmt.Sprintf("sleep[%d]", sleep.Process.Pid)
}

// A namespace ends and another one gets its number: its counters are not measured
// against those of the first, nor does either have the name of the other.
func TestANumberThatTheKernelGivesAgain(t *testing.T) {
	s := nstat.NewSampler([]string{Accepted})
	var newest nstat.Reading
	sample := func() nstat.Sample {
		var err error
		if newest, err = s.Sample(nstat.Wanted{}); err != nil {
			t.Fatal(err)
		}
		return newest.Sample
	}
	var all *namespaces
	var was *namespace
	first := func(ns *os.File, id netns.ID) {
		all = newNamespaces(sample(), nil, time.Now())
		accept(t, ns, 3)
		all.add(readingOf(sample()), all.begin(), false, time.Now())
		was = all.of(id, time.Now()) // as a record names it
	}
	netnstest.Reuse(t, first, func(ns *os.File, id netns.ID) {
		old := was.id
		if !id.Differs(old) {
			// A kernel that keeps the cookies to itself: its records do not.
			id.Cookie = 1
			old.Cookie = 2
			all.of(old, time.Now())
		}
		accept(t, ns, 5)
		now := all.of(id, time.Now())
		all.add(readingOf(sample()), all.begin(), false, time.Now())
		if was == now || was.moved[Accepted] != 3 || now.moved[Accepted] != 5 || all.here(was) || !all.here(now) {
			t.Errorf("first %+v, second %+v", was, now)
		}
		name := enter(t, ns)
		netnstest.Await(t, "the name "+name, func() bool {
			sample()
			return newest.Name(id) == name
		})
		if got := newest.Name(old); got != "" && netns.CookiesReadable() {
			t.Errorf("the first one has the second one's name %q", got)
		}
	})
}
