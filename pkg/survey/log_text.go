// SPDX-License-Identifier: Apache-2.0

package survey

import (
	"bufio"
	"cmp"
	"io"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// logPatterns are what the kernel writes, in small letters. Its versions differ in
// capitals and in what comes before.
var logPatterns = []struct {
	kind LogKind
	// about has what the event is about, if anything.
	about *regexp.Regexp
}{
	{LogSYNFlood, regexp.MustCompile(`possible syn flooding on port (\S+?)\. `)},
	{LogConntrackFull, regexp.MustCompile(`(?:nf|ip)_conntrack: table full, dropping packet`)},
	{LogNeighbourFull, regexp.MustCompile(`(?:(\w+): )?neighbou?r table overflow`)},
	{LogOrphans, regexp.MustCompile(`tcp: too many orphaned sockets|tcp: too many of orphaned sockets`)},
	{LogTCPMemory, regexp.MustCompile(`tcp: out of memory -- consider tuning tcp_mem`)},
	{LogTimeWaitFull, regexp.MustCompile(`tcp: time wait bucket table overflow`)},
}

// repeated is how syslog daemons put many equal lines into one.
var repeated = regexp.MustCompile(`message repeated (\d+) times: `)

// logKey tells events apart.
type logKey struct {
	kind    LogKind
	port    uint16
	subject string
}

// maxLogLine bounds a line of a log. What is longer ends the reading.
const maxLogLine = 1 << 20

// readLog reads a log, in which other programs than the kernel have lines unless
// it is the kernel's own. Those may say what they like.
func readLog(r io.Reader, file string, kernelsOwn bool) (map[logKey]*LogEvent, error) {
	found := map[logKey]*LogEvent{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLogLine)
	for lines.Scan() {
		line := lines.Text()
		if !kernelsOwn && !isKernels(line) {
			continue
		}
		key, ok := parseLogLine(line)
		if !ok {
			continue
		}
		e := found[key]
		if e == nil {
			e = &LogEvent{Kind: key.kind, Port: key.port, Subject: key.subject, File: file}
			found[key] = e
		}
		e.Count += times(line)
		e.Last = strings.TrimSpace(line)
	}
	return found, lines.Err()
}

// isKernels says whether a line of a syslog file or of the journal is the
// kernel's: "Nov 28 10:11:12 host kernel: [12.3] ...". The word must be where the
// program's name is, as what comes after may be anybody's.
func isKernels(line string) bool {
	before, _, ok := strings.Cut(line, " kernel: ")
	return ok && !strings.Contains(before+" ", ": ")
}

func times(line string) uint64 {
	if m := repeated.FindStringSubmatch(line); m != nil {
		if n, err := strconv.ParseUint(m[1], 10, 32); err == nil {
			return max(n, 1)
		}
	}
	return 1
}

func parseLogLine(line string) (logKey, bool) {
	low := strings.ToLower(line)
	for i := range logPatterns {
		p := &logPatterns[i]
		m := p.about.FindStringSubmatch(low)
		if m == nil {
			continue
		}
		key := logKey{kind: p.kind}
		if len(m) > 1 {
			key.subject = m[1]
		}
		if p.kind == LogSYNFlood {
			key.port, key.subject = parseFlooded(m[1])
		}
		return key, true
	}
	return logKey{}, false
}

// parseFlooded reads what was flooded: a port or, since 6.2, an address with a port
// (d9282e48c608).
func parseFlooded(s string) (port uint16, subject string) {
	if n, err := strconv.ParseUint(s, 10, 16); err == nil {
		return uint16(n), ""
	}
	if at, err := netip.ParseAddrPort(s); err == nil {
		return at.Port(), s
	}
	return 0, s
}

// savedLogs are the logs of a saved tree, by their paths; the first is the
// kernel's own.
var savedLogs = []string{"/var/log/dmesg", "/var/log/kern.log", "/var/log/messages", "/var/log/syslog"}

// readLogs reads all logs that there are. They tell the same events, so that
// of each the log counts that has the most.
func (v *saved) readLogs() {
	all := map[logKey]*LogEvent{}
	read := func(c *capture, kernelsOwn bool) {
		r, err := v.tree.openCapture(c)
		if err != nil {
			return
		}
		defer r.Close()
		found, err := readLog(r, c.file, kernelsOwn)
		if err != nil {
			v.unread(c.file + ": " + err.Error())
		}
		v.System.Log = []LogEvent{} // there is a log
		for key, e := range found {
			if all[key] == nil || all[key].Count < e.Count {
				all[key] = e
			}
		}
	}
	for i := range v.captures {
		if c := &v.captures[i]; c.netns == "" && (c.is("dmesg", "") || c.is("journalctl", "")) {
			read(c, c.is("dmesg", ""))
		}
	}
	for _, name := range savedLogs {
		c := capture{file: name}
		if text, ok := v.tree.files[name]; ok {
			c.body = &text
		}
		read(&c, strings.HasSuffix(name, "/dmesg"))
	}
	for _, e := range all {
		v.System.Log = append(v.System.Log, *e)
	}
	slices.SortFunc(v.System.Log, func(a, b LogEvent) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Port, b.Port), cmp.Compare(a.Subject, b.Subject))
	})
}
