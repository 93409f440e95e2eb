// SPDX-License-Identifier: Apache-2.0

package diagnose

var authRules = []Rule{
	{
		ID:    "tcp-auth",
		When:  "segments were dropped for their TCP MD5 signature or TCP-AO (TcpExtTCPMD5NotFound, TCPMD5Unexpected, TCPMD5Failure, TCPAORequired, TCPAOKeyNotFound, TCPAOBad)",
		Means: "a session with a password, of BGP mostly, does not come up, or ends: the kernel drops the peer's segments without an answer",
		Find:  authFailed,
	},
}

// authFailures are the counters and what each says of the keys
// (net/ipv4/tcp.c:tcp_inbound_md5_hash, net/ipv4/tcp_ao.c:tcp_inbound_ao_hash).
var authFailures = []struct {
	counters []string
	what, do string
}{
	{[]string{"TcpExtTCPMD5NotFound", "TcpExtTCPAORequired"}, "missing",
		"give the peer the password, too: it sends segments without a signature from an address that has a key here"},
	{[]string{"TcpExtTCPMD5Unexpected", "TcpExtTCPAOKeyNotFound"}, "not expected",
		"set the peer's password here, for the address that it really sends from: it signs, and no key here is its"},
	{[]string{"TcpExtTCPMD5Failure", "TcpExtTCPAOBad"}, "wrong",
		"compare the passwords on both sides, and look for NAT in between: the signature covers addresses and ports"},
}

func authFailed(f *Facts) *Finding {
	x := &Finding{Title: "segments were dropped for a TCP signature (MD5 or AO) that is"}
	var n uint64
	var fixes []Change
	for _, kind := range authFailures {
		count := f.sum(kind.counters...)
		if count == 0 {
			continue
		}
		if n > 0 {
			x.Title += " or"
		}
		n += count
		x.Title += " " + kind.what
		x.Evidence = append(x.Evidence, f.counted(kind.counters...)...)
		fixes = append(fixes, do(kind.do, "the kernel checks a signature before anything else of a segment, and answers none that fails"))
	}
	if n == 0 {
		return nil
	}
	x.Severity = f.severityOf(n)
	x.Evidence = append(x.Evidence, f.counted("TcpPassiveOpens")...)
	x.Changes = append([]Change{do("see which peers: synwatch trace --cause tcp-auth-failed", "the counters do not say whose segments they were")}, fixes...)
	return x
}
