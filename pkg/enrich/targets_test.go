// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/proc"
)

var (
	router, otherRouter = netns.ID{Cookie: 1, Inode: 100}, netns.ID{Cookie: 2, Inode: 200}
	pod                 = &Target{Netns: netns.ID{Cookie: 3, Inode: 300}, Name: "web", Container: "aa"}
	otherPod            = &Target{Netns: netns.ID{Cookie: 4, Inode: 400}, Name: "other"}
)

// to is a query about what was forwarded to an address a moment ago.
func (f *fakeCache) to(from netns.ID, dst string) (Answer, bool) {
	return f.Ask(Query{Since: f.clock.Add(-leastWait), Netns: from, Dst: netip.MustParseAddrPort(dst), Target: true, Listener: true})
}

// have lets the worker find that namespaces have addresses.
func (f *fakeCache) have(addresses map[string][]*Target) {
	f.clock = f.clock.Add(leastWait)
	all, again, _, _ := f.targetsToRead()
	if !all {
		return
	}
	found := map[netip.Addr][]*Target{}
	for ip, targets := range addresses {
		found[netip.MustParseAddr(ip)] = targets
	}
	began := f.clock
	f.clock = f.clock.Add(1)
	f.enterTargets(found, began, again)
}

func TestTargetAndItsListener(t *testing.T) {
	f := newFakeCache(t)
	f.process(t, 812, 100, "nginx", 7)
	here := map[string][]*Target{"10.88.0.2": {pod}}
	if a, all := f.to(router, "10.88.0.2:443"); a.Target != nil || all {
		t.Errorf("before it looked: %+v, %v", a, all)
	}
	f.have(here)
	if a, all := f.to(router, "10.88.0.2:443"); a.Target != pod || a.Listener != nil || all {
		t.Errorf("before it looked for the listener: %+v, %v", a, all)
	}
	f.work(bound("0.0.0.0:443", 7))
	a, all := f.to(router, "10.88.0.2:443")
	if diff := cmp.Diff(Answer{Target: pod, Listener: nginx(812, 0)}, a); diff != "" || !all {
		t.Errorf("all %v, (-want +got):\n%s", all, diff)
	}
	// A listener on all addresses of the router is not one of another host's.
	q := Query{Since: f.clock, Netns: router, Dst: netip.MustParseAddrPort("192.0.2.1:443"), Target: true, Listener: true}
	if a, all := f.Ask(q); a.Target != nil || a.Listener != nil || all {
		t.Errorf("of another host: %+v, %v", a, all)
	}
	f.have(here)
	if _, all := f.Ask(q); !all {
		t.Error("it does not know that the other host is none of this machine's namespaces")
	}
	if _, all := f.to(router, "192.0.2.1:443"); !all {
		t.Error("it asks about the other host again at once")
	}
}

func TestTargetOfTheNamespaceItself(t *testing.T) {
	f := newFakeCache(t)
	f.process(t, 812, 100, "nginx", 7)
	f.have(map[string][]*Target{"10.88.0.2": {pod, otherPod}})
	for _, dst := range []string{"10.88.0.2:443", "127.0.0.1:443"} {
		f.to(pod.Netns, dst)
		f.work(bound("0.0.0.0:443", 7))
		if a, _ := f.to(pod.Netns, dst); a.Target != nil || a.Listener == nil {
			t.Errorf("%s: %+v", dst, a)
		}
	}
}

func TestTargetsWithTheSameAddress(t *testing.T) {
	f := newFakeCache(t)
	f.have(map[string][]*Target{"10.88.0.2": {pod, otherPod}})
	for _, from := range []netns.ID{router, otherRouter} {
		if a, all := f.to(from, "10.88.0.2:443"); a.Target != nil || all {
			t.Errorf("before it looked for links: %+v, %v", a, all)
		}
	}
	_, _, from, _ := f.targetsToRead()
	if len(from[router]) != 2 || len(from[otherRouter]) != 2 {
		t.Fatalf("it looks for the links %v", from)
	}
	f.enterLinks(router, map[netns.ID]bool{otherPod.Netns: true, pod.Netns: false})
	f.enterLinks(otherRouter, map[netns.ID]bool{otherPod.Netns: true, pod.Netns: true})
	if a, _ := f.to(router, "10.88.0.2:443"); a.Target != otherPod {
		t.Errorf("the one that is linked: %+v", a.Target)
	}
	if a, all := f.to(otherRouter, "10.88.0.2:443"); a.Target != nil || !all {
		t.Errorf("both are linked: %+v, %v", a.Target, all)
	}
	f.clock = f.clock.Add(refresh)
	f.have(map[string][]*Target{"10.88.0.2": {pod}})
	if a, _ := f.to(otherRouter, "10.88.0.2:443"); a.Target != pod {
		t.Errorf("the only one: %+v", a.Target)
	}
	f.clock = f.clock.Add(3 * refresh)
	if a, all := f.to(otherRouter, "10.88.0.2:443"); a.Target != nil || all {
		t.Errorf("what is old is taken for new: %+v, %v", a, all)
	}
}

// The containers of a pod share its namespace, which is named after the first.
func TestTargetIsTheListenersContainer(t *testing.T) {
	a := Answer{Target: pod, Listener: &Listener{Process: proc.Process{Container: "bb"}}}
	a.nameContainer()
	if a.Target.Container != "bb" || pod.Container != "aa" {
		t.Errorf("%+v, %+v", a.Target, pod)
	}
}

func TestAnswersAddUp(t *testing.T) {
	var sum Answer
	for _, a := range []Answer{{Target: pod}, {Listener: nginx(1, 0), Interface: "eth0"}, {OutInterface: "eth1"}, {Sender: &proc.Process{PID: 1}}, {}} {
		sum.Add(&a)
	}
	want := Answer{Target: pod, Listener: nginx(1, 0), Sender: &proc.Process{PID: 1}, Interface: "eth0", OutInterface: "eth1"}
	if diff := cmp.Diff(want, sum); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSenders(t *testing.T) {
	f := newFakeCache(t)
	f.process(t, 4711, 100, "curl")
	ask := func(comm string) (*proc.Process, bool) {
		a, all := f.Ask(Query{Since: f.clock, Netns: router, Sender: proc.Process{PID: 4711, Comm: comm}})
		return a.Sender, all
	}
	if p, all := ask("curl"); p == nil || p.Unit != "" || all {
		t.Errorf("before it looked: %+v, %v", p, all)
	}
	ask("wget")
	f.describeSenders(f.proc)
	want := &proc.Process{PID: 4711, Comm: "curl", Unit: "curl.service"}
	if p, all := ask("curl"); !cmp.Equal(want, p) || !all {
		t.Errorf("got %+v, %v", p, all)
	}
	if p, all := ask("wget"); !all || p.Unit != "" {
		t.Errorf("another process with the number: %+v, %v", p, all)
	}
	f.clock = f.clock.Add(2 * refresh)
	ask("curl")
	f.describeSenders(t.TempDir())
	if p, all := ask("curl"); !cmp.Equal(want, p) || !all {
		t.Errorf("one that is gone: %+v, %v", p, all)
	}
	for i := range 3 * maxSenders {
		f.Ask(Query{Since: f.clock, Netns: router, Sender: proc.Process{PID: i + 1, Comm: "x"}})
		if len(f.senders) > maxSenders {
			t.Fatalf("%d senders", len(f.senders))
		}
	}
}
