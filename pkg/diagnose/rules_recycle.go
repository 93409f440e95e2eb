// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/synwatch/synwatch/pkg/shell"
)

const twRecycle = "net.ipv4.tcp_tw_recycle"

const recycleMeans = "of several clients behind one address (an office, a NAT, a load balancer) only the one whose clock of TCP timestamps is ahead gets through; the others' SYNs are dropped without an answer for up to a minute at a time, so that connect() hangs for some, sometimes, and never for those who look into it from elsewhere"

var recycleRules = []Rule{
	{
		ID:    "tw-recycle",
		When:  "net.ipv4.tcp_tw_recycle is on, or a file sets it and the kernel may have it (before 4.12)",
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

// recycles says whether tcp_tw_recycle is on.
func (f *Facts) recycles() bool {
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
	if !f.recycles() && !inFile || !there && f.knowsTCP() {
		return nil
	}
	x := &Finding{Evidence: f.inForce(twRecycle)}
	switch {
	case f.recycles():
		x.Severity, x.Title = Critical, "tcp_tw_recycle is on and turns clients behind NAT away"
	case there:
		x.Severity, x.Title = Warning, "tcp_tw_recycle is off now and will be on after the next boot"
	case f.sum("TcpExtPAWSPassive") > 0, savedBefore412(f):
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
	x.Changes = []Change{set(twRecycle, 0, "it saves a little memory in TIME_WAIT and breaks every NAT; Linux removed it in 4.12")}
	if inFile {
		x.Changes = append(x.Changes, f.commentOut(twRecycle, "else it is set again at the next boot, or by the next sysctl -p")...)
	}
	return x
}

// savedBefore412 looks at the release of a saved machine, as there is no kernel
// to ask. 4.12 removed the sysctl (commit 4396e46187ca).
func savedBefore412(f *Facts) bool {
	parts := strings.SplitN(f.System.Kernel, ".", 3)
	if !f.System.Saved || len(parts) < 2 {
		return false
	}
	major, err1 := strconv.Atoi(parts[0])
	minor, err2 := strconv.Atoi(strings.TrimRight(parts[1], "-+abcdefghijklmnopqrstuvwxyz"))
	return err1 == nil && err2 == nil && (major < 4 || major == 4 && minor < 12)
}

// commentOut takes a key out of the files that name it.
func (f *Facts) commentOut(key, why string) []Change {
	var changes []Change
	for _, a := range f.System.Files.Naming(key) {
		if a.Value != "0" {
			changes = append(changes, Change{
				Do: fmt.Sprintf("take the line out of %s", place(a)), Why: why,
				Command: shell.New("sed", "-i", fmt.Sprintf("%ds/^/#/", a.Line), shell.File(a.File)),
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
		Changes:  f.commentOut(twRecycle, "nothing is lost; on an older kernel, should the file be copied to one, it would break clients behind NAT"),
	}
}
