// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/synwatch/synwatch/pkg/diagnose"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/nstat"
	"github.com/synwatch/synwatch/pkg/proc/proctest"
	"github.com/synwatch/synwatch/pkg/survey"
	"github.com/synwatch/synwatch/pkg/view"
)

// machine is a snapshot with these counters and sysctls.
func machine(at time.Duration, counters nstat.Values, sysctls map[string]string) survey.Snapshot {
	counters = maps.Clone(counters)
	counters["TcpActiveOpens"] = 1 // they were read
	return survey.Snapshot{
		Time:   time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).Add(at),
		System: survey.System{Name: "box", Kernel: "6.12.1", Memory: 16 << 30},
		Spaces: []survey.Space{{Netns: netns.ID{Inode: 1}, Own: true, Counters: counters, Sysctls: sysctls}},
	}
}

func TestCheckExitStatus(t *testing.T) {
	for name, test := range map[string]struct {
		counters nstat.Values
		sysctls  map[string]string
		status   int
		says     string
	}{
		"nothing":  {nstat.Values{}, map[string]string{}, exitFine, "Nothing is wrong, as far as could be read.\n"},
		"a note":   {nstat.Values{}, map[string]string{"net.ipv4.tcp_syncookies": "2"}, exitFine, "Nothing is wrong, as far as could be read; 1 note.\n"},
		"warning":  {nstat.Values{}, map[string]string{"net.ipv4.tcp_timestamps": "0"}, exitWarnings, "0 critical, 1 warning, 0 notes."},
		"critical": {nstat.Values{}, map[string]string{"net.ipv4.tcp_abort_on_overflow": "1", "net.ipv4.tcp_timestamps": "1", "net.ipv4.tcp_tw_recycle": "1"}, exitCritical, "1 critical, 0 warnings, 1 note."},
	} {
		f := newFake()
		f.snapshots = []survey.Snapshot{machine(0, test.counters, test.sysctls)}
		got := command(t, f, "check")
		if got.status != test.status || got.stderr != "" || !strings.Contains(got.stdout, test.says) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestCheckSinceLooksOnlyAtWhatMoved(t *testing.T) {
	old, more := nstat.Values{"TcpExtListenOverflows": 1e6, "TcpExtListenDrops": 1e6}, nstat.Values{"TcpExtListenOverflows": 1e6 + 5, "TcpExtListenDrops": 1e6 + 5}
	for status, now := range map[int]nstat.Values{exitFine: old, exitWarnings: more} {
		f := newFake()
		f.snapshots = []survey.Snapshot{machine(0, old, nil), machine(time.Second, now, nil)}
		got := command(t, f, "check", "--since", "1ns")
		if got.status != status || !strings.Contains(got.stdout, "counters of the last 1.0 s") || strings.Contains(got.stdout, "1000000") {
			t.Errorf("%d: %+v", status, got)
		}
	}
	f := newFake()
	f.snapshots = []survey.Snapshot{machine(0, old, nil)}
	if got := command(t, f, "check"); got.status != exitWarnings {
		t.Errorf("totals: %+v", got)
	}
}

// The two outages that the project exists for, from saved trees.
func TestCheckSavedOutages(t *testing.T) {
	for name, want := range map[string][]string{
		"tw-recycle": {
			"critical  tcp_tw_recycle is on and turns clients behind NAT away [tw-recycle]\n",
			"1  /etc/sysctl.conf:10\n", "35501230357", "sysctl -w net.ipv4.tcp_tw_recycle=0", "sed -i '10s/^/#/' /etc/sysctl.conf",
			"tcp_tw_reuse is on, which helps no server", "[syn-cookies-failing]", "[receive-buffers]",
		},
		"conntrack-full": {
			"critical  the connection tracking table is full: 198.51.100.64/26 holds 90 % of it, tcp ESTABLISHED\n", "[conntrack-full]\n",
			"conntrack -D -f ipv4 -s 198.51.100.64/26 -p tcp --state ESTABLISHED", "talk to the operators of 198.51.100.64/26",
			"90 % of 400, from 36 sources, tcp", "sysctl -w net.netfilter.nf_conntrack_max=524288", "nf_conntrack_tcp_timeout_established = 86400",
			"echo 131072 > /sys/module/nf_conntrack/parameters/hashsize", "Not read: the listeners",
		},
	} {
		got := command(t, newFake(), "check", "--root", "testdata/"+name)
		if got.status != exitCritical || got.stderr != "" {
			t.Errorf("%s: status %d, %q", name, got.status, got.stderr)
		}
		for _, s := range want {
			if !strings.Contains(got.stdout, s) {
				t.Errorf("%s: no %q in:\n%s", name, s, got.stdout)
			}
		}
		if strings.Count(got.stdout, "critical  ") != 1 {
			t.Errorf("%s: not one thing is critical:\n%s", name, got.stdout)
		}
		for line := range strings.Lines(got.stdout) {
			if lipgloss.Width(strings.TrimSuffix(line, "\n")) > 100 {
				t.Errorf("%s: too long: %s", name, line)
			}
		}
	}
}

// Where the counters were not read nobody may say that nothing is wrong.
func TestCheckOfUnreadCounters(t *testing.T) {
	const unknown = "Whether anything is wrong is not known, as the kernel's counters were not read"
	fine := proctest.Tree(t, map[string]string{"proc/net/netstat": "TcpExt: ListenDrops\nTcpExt: 0\n", "proc/net/snmp": "Tcp: PassiveOpens\nTcp: 7\n"})
	for name, test := range map[string]struct {
		dir    string
		status int
		says   string
		stderr string
	}{
		"no counters":           {proctest.Tree(t, map[string]string{"etc/sysctl.conf": "net.a = 1\n"}), exitFailed, unknown + ".\nNot read: ", "add what nstat -zas prints"},
		"no counters, a note":   {proctest.Tree(t, map[string]string{"proc/sys/net/ipv4/tcp_syncookies": "2\n"}), exitFailed, unknown + "; 1 note.\nNot read: ", "add what nstat -zas prints"},
		"no counters, warnings": {proctest.Tree(t, map[string]string{"proc/sys/net/ipv4/tcp_timestamps": "0\n"}), exitWarnings, "Not read: the kernel's counters", ""},
		"counters":              {fine, exitFine, "Nothing is wrong in what was read; 6 things were not read.\nNot read: ", ""},
		"counters, from above":  {proctest.Tree(t, map[string]string{"sosreport-web1/proc/net/snmp": "Tcp: PassiveOpens\nTcp: 7\n"}), exitFine, "the saved tree sosreport-web1", ""},
	} {
		got := command(t, newFake(), "check", "--root", test.dir)
		if got.status != test.status || !strings.Contains(got.stdout, test.says) || !strings.Contains(got.stderr, test.stderr) ||
			(got.stderr == "") != (test.stderr == "") || strings.Count(got.stderr, "\n") > 1 || !strings.Contains(got.stdout, "\nNot read: ") {
			t.Errorf("%s: %+v", name, got)
		}
	}
	f := newFake()
	f.snapshots = []survey.Snapshot{{}}
	if got := command(t, f, "check"); got.status != exitFailed || !strings.Contains(got.stderr, "were not read in every network namespace") {
		t.Errorf("no namespace: %+v", got)
	}
	one := machine(0, nstat.Values{}, nil)
	for asked, fine := range map[int]bool{0: true, 1: true, 2: false} {
		if err := exitBy(&view.Check{Snapshot: &one}, asked); (err == nil) != fine {
			t.Errorf("%d namespaces asked for, one read: %v", asked, err)
		}
	}
	got := command(t, newFake(), "check", "--json", "--root", proctest.Tree(t, map[string]string{"etc/sysctl.conf": "net.a = 1\n"}))
	if got.status != exitFailed || !strings.Contains(got.stdout, `"counters_read":false`) {
		t.Errorf("JSON: %+v", got)
	}
}

// What a sosreport has of a namespace, of a socket and of the kernel's log is evidence.
func TestCheckSosreport(t *testing.T) {
	got := command(t, newFake(), "check", "--root", "testdata/sosreport-gateway")
	for _, s := range []string{
		"haproxy[98] on port 9697 is full, in netns qrouter-1", "java[2211] on port 8080 was full", "dropped by this listener  2210  since it listens",
		"in 90 days since boot", "1822  since the namespace was made", "Not read: network namespace qdhcp-2: there is nothing of it in the tree",
	} {
		if !strings.Contains(got.stdout, s) {
			t.Errorf("no %q in:\n%s", s, got.stdout)
		}
	}
	if got.status != exitCritical || got.stderr != "" {
		t.Errorf("status %d, %q", got.status, got.stderr)
	}
}

func TestCheckJSON(t *testing.T) {
	got := command(t, newFake(), "check", "--json", "--root", "testdata/tw-recycle")
	var types []string
	for line := range strings.Lines(got.stdout) {
		var x struct {
			Type, ID, Severity, Kernel string
			Evidence, Changes          []map[string]string
			Critical                   int
			Dropin                     []diagnose.Setting
		}
		if err := json.Unmarshal([]byte(line), &x); err != nil {
			t.Fatal(err)
		}
		types = append(types, strings.TrimSpace(x.Type+" "+x.Severity+" "+x.ID))
		if x.Type == "finding" && (len(x.Evidence) == 0 || len(x.Changes) == 0) {
			t.Errorf("%s", line)
		}
		if x.Type == "check" && (x.Critical != 1 || x.Kernel != "3.10.0-1160.el7.x86_64" || len(x.Dropin) != 1 || x.Dropin[0].Sysctl != "net.ipv4.tcp_tw_recycle") {
			t.Errorf("%s", line)
		}
	}
	want := []string{
		"finding critical tw-recycle", "finding warning listen-overflows", "finding warning syn-cookies-failing",
		"finding note tw-reuse", "finding note paws-rejects", "finding note receive-buffers", "check",
	}
	if diff := cmp.Diff(want, types); diff != "" || got.status != exitCritical || strings.Contains(got.stdout, "null") {
		t.Errorf("status %d, (-want +got):\n%s", got.status, diff)
	}
}

func TestCheckWrongUsage(t *testing.T) {
	empty := t.TempDir()
	for args, want := range map[string]string{
		"--root " + empty + "/none":      "none; give the top directory of a sosreport",
		"--root " + empty:                "holds none of the files of a saved machine",
		"--root check_test.go":           "is not a directory",
		"--root x --since 1s":            "--root goes with neither --since nor --netns",
		"--since 10":                     "add a unit, e.g. 10s",
		"--color pink":                   "must be auto, always or never",
		"frob":                           `unexpected argument "frob"`,
		"--netns no-such-namespace-here": "no network namespace is named",
	} {
		got := command(t, newFake(), append([]string{"check"}, strings.Fields(args)...)...)
		if got.status != exitUsage || got.stdout != "" || !strings.Contains(got.stderr, want) || strings.Count(got.stderr, "\n") != 1 {
			t.Errorf("%s: got %+v, want %q", args, got, want)
		}
	}
}

func TestWriteDropin(t *testing.T) {
	path := filepath.Join(t.TempDir(), "zz-synwatch.conf")
	write := func(sysctls map[string]string) result {
		t.Helper()
		f := newFake()
		f.snapshots = []survey.Snapshot{machine(0, nstat.Values{}, sysctls)}
		f.snapshots[0].System.Files = survey.SysctlFiles{{File: "/etc/sysctl.conf", Line: 3, Key: "net.ipv4.tcp_timestamps", Value: "0"}}
		return command(t, f, "check", "--write-dropin", path)
	}
	if got := write(nil); got.status != exitFine || !strings.Contains(got.stderr, "nothing was written") {
		t.Errorf("nothing to write: %+v", got)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a file of nothing")
	}
	got := write(map[string]string{"net.ipv4.tcp_timestamps": "0"})
	if got.status != exitWarnings || !strings.Contains(got.stderr, "sysctl -p "+path) ||
		!strings.Contains(got.stderr, "/etc/sysctl.conf:3 says net.ipv4.tcp_timestamps = 0 and is read later") {
		t.Errorf("%+v", got)
	}
	// What it cured is found no more, and must stay.
	write(map[string]string{"net.ipv4.tcp_tw_recycle": "1"})
	write(map[string]string{"net.ipv4.tcp_tw_recycle": "1"})
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var settings []string
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") && line != "\n" {
			settings = append(settings, strings.TrimSpace(line))
		}
	}
	if diff := cmp.Diff([]string{"net.ipv4.tcp_tw_recycle = 0", "net.ipv4.tcp_timestamps = 1"}, settings); diff != "" ||
		strings.Count(string(text), dropinMark) != 1 {
		t.Errorf("(-want +got):\n%s\n%s", diff, text)
	}
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*"))
	if len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestWriteDropinNeedsADirectory(t *testing.T) {
	got := command(t, newFake(), "check", "--since", "1h", "--write-dropin", t.TempDir()+"/none/x.conf")
	if got.status != exitUsage || got.stdout != "" || !strings.Contains(got.stderr, "there is no directory") {
		t.Errorf("%+v", got)
	}
}

func TestWriteDropinNeverOverAForeignFile(t *testing.T) {
	dir := t.TempDir()
	ours := filepath.Join(dir, "ours.conf")
	for path, text := range map[string]string{ours: dropinMark + "\n# x\nnet.a = 1\n", dir + "/theirs.conf": "net.a = 1\n", dir + "/empty.conf": ""} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(ours, dir+"/link.conf"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"theirs.conf", "empty.conf", "link.conf", ""} {
		path := filepath.Join(dir, name)
		before, _ := os.ReadFile(path)
		f := newFake()
		f.snapshots = []survey.Snapshot{machine(0, nstat.Values{}, map[string]string{"net.ipv4.tcp_timestamps": "0"})}
		got := command(t, f, "check", "--write-dropin", path)
		after, _ := os.ReadFile(path)
		if got.status != exitUsage || strings.Count(got.stderr, "\n") != 1 || !strings.Contains(got.stderr, "was not written by synwatch check") || string(before) != string(after) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestCheckDocument makes sure that docs/check.md is what the rules say.
func TestCheckDocument(t *testing.T) { checkDocumentFile(t, "check.md", checkDocument()) }

//go:generate go test -run ^TestCheckDocument$ . -update

// checkDocument is docs/check.md.
func checkDocument() string {
	var b strings.Builder
	b.WriteString(`<!-- Made from the rules in pkg/diagnose by go generate ./cmd/synwatch. Do not edit. -->

# What synwatch check looks for

` + "`synwatch check`" + ` reads the machine once, or twice with ` + "`--since`" + `, and applies these rules. A rule needs known values: what could
not be read, or is not in a saved tree, never counts as zero. A critical finding means that the kernel refuses clients now, a
warning that it refused some or will, a note refuses nobody and does not change the exit status (0; 10 with warnings, 11 with
something critical; 1 where nothing was found and the counters were not read).

Totals since boot: without ` + "`--since`" + ` a counter of refused clients is a warning only if it is at least 10 and either one in 1000 of
the accepted connections or one for every hour since boot; below that it is a note. With ` + "`--since`" + ` every such counter that moved is
a warning. A segment that was dropped is sent again: counters of segments (PAWSEstab, receive buffers, socket backlogs) are a
warning only if they are one in 1000 of the segments that came, with ` + "`--since`" + `, too. Connections that this machine could not keep after
they were closed (orphans, TIME_WAIT) are judged by those that either side opened.

The advice considers this machine: it says what part of the memory a queue or a table of the new length takes. Each change has its
reason, and says what it rests on (` + "`basis`" + ` in JSON): ` + "`measured`" + `, what the kernel says, or ` + "`file`" + `, what a file of the machine says. Such a
change has a command for now and, where it is a sysctl of a warning or worse in the machine's own network namespace, a line for
` + "`" + view.Dropin + "`" + `, a file that is read after the others. A change that is ` + "`assumed`" + ` needs an answer that check does not
have: it is printed with the question (` + "`if`" + ` in JSON), has no command, and is in no file. In one run a sysctl has one value: the largest that
a finding needs, and no less than the kernel's own default. ` + "`--write-dropin FILE`" + ` writes these lines, keeps those
that it wrote before, and does not write over a file that it did not make.

How many half-open requests a listener has room for is worked out as its kernel does it: since 4.4 its backlog, cut off by
net.core.somaxconn, is the limit, and with SYN cookies on net.ipv4.tcp_max_syn_backlog limits nothing; with them off, clients that did not
connect before get three quarters of it. Before 4.4 tcp_max_syn_backlog cut the queue off as well, and one more than the result
was rounded up to a power of two. The reverse path filter of an interface is the larger of conf.all and its own.

Unprivileged users choose the names of interfaces in their network namespaces, and whoever saved a tree chose all names in it.
Each argument of a command is quoted for the shell: a byte that cannot be printed becomes ` + "`$'\\ooo'`" + `, as bash, zsh, ksh and busybox
read it; a shell without that, such as dash, gets another name, but no command. Where sysctl(8) would misread an interface's
name, the command writes to /proc/sys instead, and the drop-in file, whose syntax has no quotes, leaves that sysctl out. All text
escapes what a terminal would act on. JSON escapes it as well (` + "`\\u001b`" + `, ` + "`\\u202e`" + `), so that a program gets the exact name back; only
bytes that are no UTF-8 become U+FFFD there, and stay exact in commands.

A sysctl file is read for the machine's first network namespace. In any other (one without ` + "`net.core.netdev_max_backlog`" + `, which is the
whole machine's) a sysctl is gone with the namespace, so that check gives no line for a file there and does not compare with files.
It gives the change as the owner of the namespace makes it: ` + "`docker run --sysctl`, `sysctls:`" + ` of compose, a pod's
` + "`securityContext.sysctls`" + ` with what the kubelet has to allow, or a unit's ` + "`ExecStartPre=`" + `; and it says which sysctls are the whole
machine's. The same holds for the files of a container that has the machine's network. A container that is booted by a systemd of its
own reads its files itself.

A limit that is reached now (tcp_max_orphans, tcp_max_tw_buckets, gc_thresh3) is critical, and is set against the kernel's own choice
for this memory.

check reads sysctl files as systemd-sysctl does: ` + "`/etc/sysctl.d`, `/run/sysctl.d`, `/usr/local/lib/sysctl.d`, `/usr/lib/sysctl.d`" + `; of
two files with the same name it reads the one in the earlier directory; it reads them in the order of their names, and a later
line wins. ` + "`/etc/sysctl.conf`" + ` is read at the place of a link to it in ` + "`sysctl.d`" + `, else only by ` + "`sysctl --system`" + `, at the end.

Packets on their way through the machine are a gateway's (IpForwDatagrams, Ip6OutForwDatagrams). What a rule refuses there is known where
the rule has a counter: those of iptables always have one. Of the running machine check reads the rules of nftables, and so those of
iptables-nft, where nf_tables is loaded already, and not those of iptables-legacy. What a rule without a counter, a BPF program or
XDP drops, no snapshot shows; a trace does, but for XDP.

` + "`--root DIR`" + ` reads the same files below DIR: ` + "`etc`, `proc`, `sys/class/net`" + `. DIR may also be the directory above, if just one in it is a
saved tree. No link leads out of the tree. Of a sosreport check reads these, too:

- counters: ` + "`nstat_-zas`, `netstat_-s`, `conntrack_-S`, `ethtool_-S_*`" + `; the files of ` + "`proc`" + ` come first where they are complete;
- listeners: ` + "`ss_*`" + `, with ` + "`skmem`" + `, whose ` + "`d`" + ` is what the socket dropped; where there is no ss, ` + "`proc/net/tcp`" + ` and ` + "`netstat_*`" + `, which have
  the accept queues of listeners (rx_queue, Recv-Q) and their processes, and not the limits;
- ` + "`sysctl_-a`, `uname_-a`, `uptime`, `conntrack_-L*`" + `; the rules of ` + "`nft_*list_ruleset`, `iptables_*-nvL`, `iptables-save_-c`" + `; and the kernel's lines of ` + "`dmesg`" + `, the journal and ` + "`var/log`" + `;
- the same of each network namespace, in ` + "`namespaces/NAME/`" + ` or by the name ` + "`ip_netns_exec_NAME_*`" + `.

Of a supportconfig it reads the same commands and files, as parts of the ` + "`*.txt`" + `; of a Kubernetes node's collection the files that are
named after these commands in ` + "`networking`, `sysctls`, `kernel`, `system`" + ` and the like.

What was not found is listed (` + "`Not read:`, `unread`" + ` in JSON), each namespace of its own. Lines of these files that are not understood are
passed over and counted there. Where nothing was found and the kernel's counters were not read, nobody can say that nothing is
wrong: the exit status is 1, with a line that says how to collect them (` + "`counters_read`" + ` is false in JSON).

| rule | when | what it means for clients |
|---|---|---|
`)
	rows := func(traced bool) {
		for _, r := range diagnose.Rules() {
			if (r.Scope == diagnose.Trace) == traced {
				fmt.Fprintf(&b, "| `%s` | %s | %s |\n", r.ID, r.When, r.Means)
			}
		}
	}
	rows(false)
	b.WriteString(`
## At the end of a trace

The summary of ` + "`synwatch trace`" + ` ends with findings, too (` + "`findings`" + ` in its JSON). They rest on what was counted, on its sources, and on
how many connections were accepted meanwhile. For a full accept queue they distinguish:

- the application has stopped accepting: nothing was accepted in its namespace for three seconds or more, or the queue is
  full at the end and the newest connection in it has waited that long: had accept(2) freed a place, another connection would
  have taken it. Of several sockets on the port (SO_REUSEPORT) the one that is full while the others are not is named. Neither
  trace nor check then advises a longer queue;
- a flood: a thousand sources or more that try once or twice each, and more that were dropped than accepted;
- bursts: at least 95 % of the connections were accepted; the first advice is a longer queue;
- else the application accepts more slowly than connections come.

Where tcp_abort_on_overflow answered with RSTs they say so. ACKs with invalid cookies, and stray ACKs, of the very sources that the
listener's full accept queue refused are a note that names the queue. Segments that are no SYNs and met no socket are not taken for
clients of a service that does not run.

For a full connection tracking table they name the narrowest prefix that has more than half of the entries, with the command
that deletes these. The table is read once more at the end of the trace for that.

| rule | when | what it means for clients |
|---|---|---|
`)
	rows(true)
	return b.String()
}
