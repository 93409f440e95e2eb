// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"

	"github.com/synwatch/synwatch/pkg/shell"
)

const twRecycle = "net.ipv4.tcp_tw_recycle"

const recycleMeans = "of several clients behind one address (an office, a NAT, a load balancer) only the one whose clock of TCP timestamps is ahead gets through; the others' SYNs are dropped without an answer for up to a minute at a time, so that connect() hangs for some, sometimes, and never for those who look into it from elsewhere"

var recycleRules = []Rule{
	{
		ID:    "tw-recycle",
		When:  "net.ipv4.tcp_tw_recycle is on (critical, but a warning without TCP timestamps, as it does nothing then), or a file sets it and the kernel may have it (before 4.12)",
		Means: recycleMeans,
		Find:  recycleOn,
	},
	{
		ID: "tw-recycle-gone", Scope: Machine,
		When:  "a file sets net.ipv4.tcp_tw_recycle and the kernel has it no more (since 4.12)",
		Means: "nothing: the kernel has no such sysctl, so the line does nothing",
		Find:  recycleGone,
	},
}

// recycles says whether tcp_tw_recycle is on and does something: it looks at
// timestamps, which are not looked for when they are off (net/ipv4/tcp_input.c:
// tcp_conn_request, tcp_parse_options).
func (f *Facts) recycles() bool { return f.recycleSet() && !f.is(timestamps, 0) }

func (f *Facts) recycleSet() bool {
	n, known := f.number(twRecycle)
	return known && n != 0
}

// knowsTCP says whether the sysctls of TCP were read, so that one that is
// missing is not there.
func (f *Facts) knowsTCP() bool {
	_, ok := f.Space.Sysctls[timestamps]
	return ok
}

func recycleOn(f *Facts) *Finding {
	_, there := f.number(twRecycle)
	line, inFile := f.System.Files.Setting(twRecycle)
	inFile = inFile && line.Value != "0" && f.hasFiles()
	if !f.recycleSet() && !inFile || !there && f.knowsTCP() {
		return nil
	}
	x := &Finding{Evidence: f.inForce(twRecycle)}
	switch {
	case f.recycles():
		x.Severity, x.Title = Critical, "tcp_tw_recycle is on and turns clients behind NAT away"
	case f.recycleSet():
		x.Severity, x.Title = Warning, "tcp_tw_recycle is on, and will turn clients behind NAT away when TCP timestamps are on"
		x.Means = "nothing while net.ipv4.tcp_timestamps is 0; with timestamps " + recycleMeans
	case there:
		x.Severity, x.Title = Warning, "tcp_tw_recycle is off now and will be on after the next boot"
	case f.sum("TcpExtPAWSPassive") > 0, f.before(4, 12): // which has the sysctl (4396e46187ca)
		x.Severity, x.Title = Critical, "a file turns tcp_tw_recycle on, which turns clients behind NAT away"
	default:
		x.Severity, x.Title = Warning, "a file turns tcp_tw_recycle on"
		x.Means = "with a kernel before 4.12: " + recycleMeans + "; with a later kernel the line does nothing"
	}
	if inFile && !there {
		x.Evidence = append(x.Evidence, Evidence{What: twRecycle + " in a file", Value: line.Value, Where: place(line)})
	}
	if f.System.Kernel != "" {
		x.Evidence = append(x.Evidence, Evidence{What: "kernel", Value: f.System.Kernel})
	}
	x.Evidence = append(x.Evidence, f.counted("TcpExtPAWSPassive", "TcpExtListenDrops")...)
	x.Evidence = append(x.Evidence, f.inForce(timestamps)...)
	off := set(twRecycle, 0, "it saves a little memory in TIME_WAIT and breaks every NAT; Linux removed it in 4.12")
	switch {
	case !there && x.Means != "":
		off = off.ask("is the kernel older than 4.12? A later one has no such sysctl")
	case !there:
		off = off.byFile()
	}
	x.Changes = []Change{off}
	if inFile {
		x.Changes = append(x.Changes, f.commentOut(twRecycle, "0", "else it is set again at the next boot, or by the next sysctl -p")...)
	}
	return x
}

// commentOut takes a key out of the files that give it another value than the right one.
func (f *Facts) commentOut(key, right, why string) []Change {
	var changes []Change
	for _, a := range f.System.Files.Naming(key) {
		if a.Value != right {
			changes = append(changes, Change{
				Do: fmt.Sprintf("take the line out of %s", place(a)), Why: why,
				Basis: FromFile, Command: shell.New("sed", "-i", fmt.Sprintf("%ds/^/#/", a.Line), shell.File(a.File)),
			})
		}
	}
	return changes
}

func recycleGone(f *Facts) *Finding {
	line, inFile := f.System.Files.Setting(twRecycle)
	_, there := f.Space.Sysctls[twRecycle]
	if !inFile || !f.hasFiles() || line.Value == "0" || there || !f.knowsTCP() {
		return nil
	}
	return &Finding{
		Severity: Note, Title: "a file sets tcp_tw_recycle, which this kernel does not have",
		Evidence: []Evidence{{What: twRecycle + " in a file", Value: line.Value, Where: place(line)}},
		Changes:  f.commentOut(twRecycle, "0", "nothing is lost; on an older kernel, should the file be copied to one, it would break clients behind NAT"),
	}
}
