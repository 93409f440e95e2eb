// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"
	"strconv"
	"strings"
)

const (
	twRecycle  = "net.ipv4.tcp_tw_recycle"
	twReuse    = "net.ipv4.tcp_tw_reuse"
	timestamps = "net.ipv4.tcp_timestamps"
	twBuckets  = "net.ipv4.tcp_max_tw_buckets"
	maxOrphans = "net.ipv4.tcp_max_orphans"
)

const recycleMeans = "of several clients behind one address (an office, a NAT, a load balancer) only the one whose clock of TCP timestamps is ahead gets through; the others' SYNs are dropped without an answer for up to a minute at a time, so that connect() hangs for some, sometimes, and never for those who look into it from elsewhere"

var timeWaitRules = []Rule{
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
	{
		ID:    "tw-reuse",
		When:  "net.ipv4.tcp_tw_reuse is 1",
		Means: "nothing: it is about connections that this machine opens, not about those that come in",
		Find:  reuseOn,
	},
	{
		ID:    "timestamps-off",
		When:  "net.ipv4.tcp_timestamps is 0",
		Means: "clients that come by a SYN cookie lose window scaling and SACK, so that their transfers are slow; a client that takes the same port again within a minute may hang",
		Find:  timestampsOff,
	},
	{
		ID:    "paws-rejects",
		When:  "packets were rejected for their timestamps (TcpExtPAWSTimewait, PAWSEstab, and PAWSPassive where tcp_tw_recycle is off)",
		Means: "a client's connect() hangs or its connection stalls: its timestamps are older than those that came before from the same address and port, as happens when machines share an address behind a NAT",
		Find:  pawsRejects,
	},
	{
		ID:    "time-wait-full",
		When:  "TcpExtTCPTimeWaitOverflow moved, or nine tenths of net.ipv4.tcp_max_tw_buckets are taken",
		Means: "connections end without TIME_WAIT: a client that takes the same port again at once may get a RST, or data that is not its own may reach it",
		Find:  timeWaitFull,
	},
	{
		ID: "orphans", Scope: Machine,
		When:  "TcpExtTCPAbortOnMemory moved, or half of net.ipv4.tcp_max_orphans are taken",
		Means: "clients get a RST in place of the last of their data: connections that the application has closed are aborted",
		Find:  orphans,
	},
	{
		ID: "tcp-memory", Scope: Machine,
		When:  "TCP's buffers take nine tenths of the last value of net.ipv4.tcp_mem",
		Means: "connections stall and are aborted: the kernel drops what comes in, as there is no memory for it",
		Find:  tcpMemory,
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
	inFile = inFile && line.Value != "0" && f.Space.Own
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
		x.Changes = append(x.Changes, f.takeOut(twRecycle, "else it is set again at the next boot, or by the next sysctl -p")...)
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

// takeOut takes a key out of the files that name it.
func (f *Facts) takeOut(key, why string) []Change {
	var changes []Change
	for _, a := range f.System.Files.Naming(key) {
		if a.Value != "0" {
			changes = append(changes, Change{
				Do: fmt.Sprintf("take the line out of %s", place(a)), Why: why,
				Command: fmt.Sprintf("sed -i '%ds/^/#/' %s", a.Line, a.File),
			})
		}
	}
	return changes
}

func recycleGone(f *Facts) *Finding {
	line, inFile := f.System.Files.Setting(twRecycle)
	_, there := f.Space.Sysctls[twRecycle]
	if !inFile || line.Value == "0" || there || !f.knowsTCP() {
		return nil
	}
	return &Finding{
		Severity: Note, Title: "a file sets tcp_tw_recycle, which this kernel does not have",
		Evidence: []Evidence{{What: twRecycle + " in a file", Value: line.Value, Where: place(line)}},
		Changes:  f.takeOut(twRecycle, "nothing is lost; on an older kernel, should the file be copied to one, it would break clients behind NAT"),
	}
}

func reuseOn(f *Facts) *Finding {
	if !f.is(twReuse, 1) {
		return nil
	}
	x := &Finding{Severity: Note, Title: "tcp_tw_reuse is on, which helps no server", Evidence: append(f.inForce(twReuse), f.inForce(timestamps)...)}
	x.Changes = []Change{do("leave it where this machine opens very many connections to the same place, else take it out",
		"a connection in TIME_WAIT gives its port to a new one that this machine opens, after a second")}
	if f.is(timestamps, 0) {
		x.Title = "tcp_tw_reuse is on and does nothing without TCP timestamps"
	}
	return x
}

func timestampsOff(f *Facts) *Finding {
	if !f.is(timestamps, 0) {
		return nil
	}
	return &Finding{
		Severity: Warning, Title: "TCP timestamps are off", Evidence: f.inForce(timestamps),
		Changes: []Change{set(timestamps, 1, "12 bytes in a packet buy protection against old packets, the options of clients that come by a SYN cookie, and exact round-trip times; what clients behind NAT suffer from is tcp_tw_recycle, not timestamps")},
	}
}

func pawsRejects(f *Facts) *Finding {
	passive := f.sum("TcpExtPAWSPassive")
	if f.recycles() {
		passive = 0 // which tw-recycle has
	}
	n := passive + f.sum("TcpExtPAWSTimewait", "TcpExtPAWSEstab")
	if n == 0 {
		return nil
	}
	x := &Finding{
		Severity: f.gravity(n), Title: "packets were rejected for old TCP timestamps, as from clients behind one NAT",
		Evidence: append(f.counted("TcpExtPAWSPassive", "TcpExtPAWSTimewait", "TcpExtPAWSEstab", "TcpExtPAWSOldAck"), f.inForce(timestamps)...),
	}
	x.Changes = []Change{do("find out when tcp_tw_recycle was on", "TcpExtPAWSPassive counts exactly the SYNs that it drops, and is not reset")}
	if passive == 0 {
		x.Changes = []Change{do("see who: synwatch trace --cause paws-established,paws-time-wait,paws-handshake",
			"if it is one address, machines share it behind a NAT that gives out ports anew within a minute: give that NAT more ports or addresses; keep timestamps on")}
	}
	return x
}

// timeWaitSize is the memory of a connection in TIME_WAIT, struct tcp_timewait_sock
// with its slab.
const timeWaitSize = 256

func timeWaitFull(f *Facts) *Finding {
	overflow := f.sum("TcpExtTCPTimeWaitOverflow")
	limit, known := f.number(twBuckets)
	tight := known && f.Space.Sockets != nil && limit > 0 && f.Space.Sockets.TimeWait*10 >= limit*9
	if overflow == 0 && !tight {
		return nil
	}
	x := &Finding{Severity: Warning, Title: "there are too many connections in TIME_WAIT for tcp_max_tw_buckets"}
	if !tight {
		x.Severity = f.gravity(overflow)
	}
	if f.Space.Sockets != nil {
		x.Evidence = append(x.Evidence, value("connections in TIME_WAIT", f.Space.Sockets.TimeWait))
	}
	x.Evidence = append(append(x.Evidence, f.inForce(twBuckets)...), f.counted("TcpExtTCPTimeWaitOverflow")...)
	if known {
		want := max(2*limit, 16384)
		x.Changes = []Change{set(twBuckets, want, "full, they take about "+f.share(want*timeWaitSize))}
	}
	x.Changes = append(x.Changes, do("let the clients close first, or keep connections open", "TIME_WAIT is with the side that closes first"))
	return x
}

// orphanSize is what the kernel reckons for an orphan, up to 64 KiB of buffers.
const orphanSize = 64 << 10

func orphans(f *Facts) *Finding {
	aborted := f.sum("TcpExtTCPAbortOnMemory")
	limit, known := f.number(maxOrphans)
	sockets := f.Space.Sockets
	tight := known && sockets != nil && limit > 0 && sockets.Orphans*2 >= limit
	if aborted == 0 && !tight {
		return nil
	}
	x := &Finding{Severity: Warning, Title: "connections without an owner are near tcp_max_orphans, or TCP ran out of memory"}
	if !tight {
		x.Severity = f.gravity(aborted)
	}
	if sockets != nil {
		x.Evidence = append(x.Evidence, value("orphans", sockets.Orphans))
	}
	x.Evidence = append(append(x.Evidence, f.inForce(maxOrphans)...), f.counted("TcpExtTCPAbortOnMemory", "TcpExtTCPMemoryPressures")...)
	x.Changes = []Change{do("find out which clients leave connections half closed: ss -tn state fin-wait-1 state last-ack", "an orphan waits for its client to acknowledge the last data; a shorter net.ipv4.tcp_orphan_retries gives up sooner")}
	if tight && f.System.Memory > 0 && 2*limit*orphanSize < f.System.Memory/4 {
		x.Changes = append(x.Changes, set(maxOrphans, 2*limit, "at worst, each with 64 KiB, they take "+f.share(2*limit*orphanSize)))
	}
	return x
}

const pageSize = 4096

func tcpMemory(f *Facts) *Finding {
	limit, known := f.third("net.ipv4.tcp_mem")
	if !known || f.Space.Sockets == nil || limit == 0 || f.Space.Sockets.Pages*10 < limit*9 {
		return nil
	}
	return &Finding{
		Severity: Critical, Title: "TCP's buffers are near their limit",
		Evidence: append([]Evidence{{What: "pages of TCP buffers", Value: fmt.Sprint(f.Space.Sockets.Pages), Where: f.share(f.Space.Sockets.Pages * pageSize)}}, f.inForce("net.ipv4.tcp_mem")...),
		Changes:  []Change{do("find the connections that hold the most: ss -tmn | grep skmem", "mostly an application does not read, or a client does not; a higher limit only takes longer to fill")},
	}
}
