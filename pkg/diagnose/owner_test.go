// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"strings"
	"testing"

	"github.com/synwatch/synwatch/pkg/proc"
	"github.com/synwatch/synwatch/pkg/sockets"
	"github.com/synwatch/synwatch/pkg/survey"
)

// cutOff is a machine on which somaxconn cuts off a queue that is full, CPUs' queues
// were full, and a file says otherwise of another sysctl.
func cutOff(spoil ...func(*Facts)) Facts {
	f := healthy()
	f.Space.Listeners = []sockets.ListenerQueue{listener(4097, 4096, 7)}
	f.Space.Counters["TcpExtListenOverflows"] = 7
	f.System.Softnet.Dropped = 1e6
	f.System.Files = append(f.System.Files, survey.Assignment{File: "/etc/sysctl.d/90.conf", Line: 1, Key: twReuse, Value: "1"})
	for _, s := range spoil {
		s(&f)
	}
	return f
}

// inside takes away what only the machine's first namespace has.
func inside(f *Facts) {
	f.Space.Inner = true
	delete(f.Space.Sysctls, maxBacklog)
	delete(f.Space.Sysctls, maxOrphans)
}

func contained(f *Facts) { f.System.Container = true }

func ownedBy(p proc.Process) func(*Facts) {
	return func(f *Facts) { f.Space.Listeners[0].Process = p }
}

func TestChangesInAnInnerNamespace(t *testing.T) {
	container := proc.Process{PID: 7, Comm: "redis", Container: strings.Repeat("ab", 32), Unit: "docker.service"}
	const docker, compose = "docker run --sysctl net.core.somaxconn=8192", `sysctls: {net.core.somaxconn: "8192"}`
	const pod, unsafe = `securityContext: {sysctls: [{name: net.core.somaxconn, value: "8192"}]}`, "--allowed-unsafe-sysctls=net.core.somaxconn"
	const unit, hook = "ExecStartPre=+sysctl -w net.core.somaxconn=8192", "behind ip netns add: sysctl -w net.core.somaxconn=8192"
	const now, host = " sysctl -w net.core.somaxconn=8192", "/etc/sysctl.d of the host"
	for name, test := range map[string]struct {
		facts Facts
		says  []string
		files bool // are of this namespace
	}{
		"the machine":    {cutOff(), []string{now, "!docker", "!ExecStartPre", "!" + host}, true},
		"by unshare":     {cutOff(inside), []string{now, docker, compose, pod, unsafe, "!" + hook}, false},
		"in a container": {cutOff(inside, contained), []string{now, docker, pod, "!" + hook, "!nsenter"}, false},
		"in a container with a systemd of its own": {cutOff(inside, contained, func(f *Facts) { f.Space.Boots = true }),
			[]string{now, "!docker"}, true},
		"in a container with the machine's network": {cutOff(contained), []string{now, host, "!docker"}, false},
		"of a container": {cutOff(inside, func(f *Facts) { f.Space.Own, f.Space.Enter = false, []string{"nsenter", "-t", "7", "-n"} }, ownedBy(container)),
			[]string{"nsenter -t 7 -n" + now, docker, compose, pod, unsafe, "!ExecStartPre"}, false},
		"of a unit": {cutOff(inside, func(f *Facts) { f.Space.Own = false }, ownedBy(proc.Process{PID: 7, Unit: "web.service"})),
			[]string{unit, "!docker", "!securityContext"}, false},
		"of ip netns": {cutOff(inside, func(f *Facts) { f.Space.Own, f.Space.Name = false, "web" }),
			[]string{hook, "!docker", "!ExecStartPre"}, false},
	} {
		found := Check([]Facts{test.facts})
		text := ""
		for _, x := range found {
			text += said(x)
		}
		for _, want := range test.says {
			not, absent := strings.CutPrefix(want, "!")
			if strings.Contains(text, not) == absent {
				t.Errorf("%s: %q in:\n%s", name, want, text)
			}
		}
		if got := len(Settings(found)) > 0; got != test.files {
			t.Errorf("%s: settings for a file %+v", name, Settings(found))
		}
		for _, word := range []string{"sysctl --system", "/etc/sysctl.conf:", "/etc/sysctl.d/90.conf:"} {
			if strings.Contains(text, word) != test.files {
				t.Errorf("%s: %q in:\n%s", name, word, text)
			}
		}
	}
}

// What is the whole machine's is not set in an inner namespace, where it is not.
func TestMachineSysctlsOfAnInnerNamespace(t *testing.T) {
	change := set(maxBacklog, 2000, "")
	for want, f := range map[string]Facts{
		"sysctl -w net.core.netdev_max_backlog=2000":                 cutOff(),
		"nsenter -t 1 -n sysctl -w net.core.netdev_max_backlog=2000": cutOff(inside),
		"": cutOff(inside, contained),
	} {
		got := f.setNow(&change)
		if !strings.HasSuffix(got.String(), want) || got.IsZero() != (want == "") {
			t.Errorf("%s, not %s", got, want)
		}
		if why := f.forGood([]Change{change})[0].Why; strings.Contains(why, "of the host") != f.inner() {
			t.Errorf("%s: why %q", want, why)
		}
	}
}

func TestSafeSysctlsOfPods(t *testing.T) {
	safe := inPod([]Change{set(synCookies, 1, ""), set(tcpRmem, "4096 131072 6291456", "")})
	if strings.Contains(safe.Why, "unsafe") || !strings.Contains(safe.Why, "since Kubernetes 1.32") {
		t.Error(safe.Why)
	}
	mixed := inPod([]Change{set(synCookies, 1, ""), set(timestamps, 1, "")})
	if !strings.Contains(mixed.Why, "--allowed-unsafe-sysctls=net.ipv4.tcp_timestamps") || strings.Contains(mixed.Why, "sysctls="+synCookies) {
		t.Error(mixed.Why)
	}
}
