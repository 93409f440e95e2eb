// SPDX-License-Identifier: Apache-2.0

package diagnose

const (
	twReuse    = "net.ipv4.tcp_tw_reuse"
	timestamps = "net.ipv4.tcp_timestamps"
	twBuckets  = "net.ipv4.tcp_max_tw_buckets"
)

const pawsMeansNAT = "a client's connect() hangs or its connection stalls: its timestamps are older than those that came before from the same address and port, as happens when machines share an address behind a NAT"

var timeWaitRules = []Rule{
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
		When:  "packets were rejected for their timestamps: SYNs (TcpExtPAWSTimewait, and PAWSPassive where tcp_tw_recycle is off), judged by connections, or segments (PAWSEstab), judged by segments",
		Means: "mostly nothing: duplicates and segments that come late are sent again; a connection stalls where two machines use the same address and port",
		Find:  pawsRejects,
	},
	{
		ID:    "time-wait-full",
		When:  "TcpExtTCPTimeWaitOverflow moved, or nine tenths of net.ipv4.tcp_max_tw_buckets are taken",
		Means: "connections end without TIME_WAIT: a client that takes the same port again at once may get a RST, or data that is not its own may reach it",
		Find:  timeWaitFull,
	},
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

// pawsRejects judges refused SYNs by the connections and other segments by the
// segments. Kernels before 6.18 count SYNs that meet TIME_WAIT as PAWSEstab, too
// (net/ipv4/tcp_minisocks.c:tcp_timewait_state_process).
func pawsRejects(f *Facts) *Finding {
	passive, timewait, segments := f.sum("TcpExtPAWSPassive"), f.sum("TcpExtPAWSTimewait"), f.sum("TcpExtPAWSEstab")
	counters := []string{"TcpExtPAWSPassive", "TcpExtPAWSTimewait", "TcpExtPAWSEstab", "TcpExtPAWSOldAck"}
	if f.recycles() { // tw-recycle has the first
		passive, counters = 0, counters[1:]
	}
	if passive+timewait+segments == 0 {
		return nil
	}
	x := &Finding{
		Severity: f.severityPerSegment(segments), Title: "segments were rejected for old TCP timestamps",
		Evidence: append(append(f.counted(counters...), f.counted("TcpInSegs")...), f.inForce(timestamps)...),
	}
	if refused := passive + timewait; refused > 0 {
		x.Severity, x.Title = max(x.Severity, f.severityOf(refused)), "SYNs were rejected for old TCP timestamps, as from clients behind one NAT"
		x.Means = pawsMeansNAT
	}
	if passive > 0 {
		x.Changes = []Change{do("find out when tcp_tw_recycle was on", "TcpExtPAWSPassive counts exactly the SYNs that it drops, and is not reset")}
		return x
	}
	const see = "see who: synwatch trace --cause paws-established,paws-time-wait,paws-handshake"
	x.Changes = []Change{do(see, "TcpExtPAWSEstab alone says nothing of a NAT: duplicates and segments out of order count there, too")}
	if timewait > 0 {
		x.Changes = []Change{do(see, "if it is one address, machines share it behind a NAT that gives out ports anew within a minute: give that NAT more ports or addresses; keep timestamps on")}
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
		connections, known := f.closed() // either side's
		x.Severity = f.severityAmong(overflow, connections, known)
	}
	if f.Space.Sockets != nil {
		x.Evidence = append(x.Evidence, value("connections in TIME_WAIT", f.Space.Sockets.TimeWait))
	}
	x.Evidence = append(append(x.Evidence, f.inForce(twBuckets)...), f.counted("TcpExtTCPTimeWaitOverflow")...)
	if known {
		want := max(2*limit, 16384, f.usualTimeWait())
		x.Changes = []Change{set(twBuckets, want, "full, they take about "+f.share(want*timeWaitSize))}
	}
	x.Changes = append(x.Changes, do("let the clients close first, or keep connections open", "TIME_WAIT is with the side that closes first"))
	return x
}
