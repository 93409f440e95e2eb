// SPDX-License-Identifier: Apache-2.0

package diagnose

const abortSysctl = "net.ipv4.tcp_abort_on_overflow"

// abortMeans is what a full accept queue means with tcp_abort_on_overflow: an ACK
// that ends a handshake is answered with a RST (net/ipv4/tcp_minisocks.c:
// tcp_check_req), a SYN is dropped all the same (net/ipv4/tcp_input.c:
// tcp_conn_request).
const abortMeans = "clients whose handshake ends while the queue is full read \"connection reset by peer\", at once; a SYN that finds it full is dropped without an answer, and sent again after 1, 3, 7 ... s"

// overflowMeans is what a full accept queue means, empty for what the rule says.
func (f *Facts) overflowMeans() string {
	if f.is(abortSysctl, 1) {
		return abortMeans
	}
	return ""
}

func noAbort() Change {
	return set(abortSysctl, 0,
		"with 0 the client sends again and gets through when a burst is over; 1 is for services whose clients must be sent elsewhere at once")
}

func abortOnOverflow(f *Facts) *Finding {
	if !f.is(abortSysctl, 1) {
		return nil
	}
	x := &Finding{
		Severity: Note, Title: "a full accept queue resets connections",
		Evidence: append(f.inForce(abortSysctl), f.counted("TcpExtListenOverflows", "TcpExtEmbryonicRsts")...),
		Changes:  []Change{noAbort()},
	}
	if n := f.sum("TcpExtListenOverflows"); n > 0 {
		x.Severity = f.severityOf(n)
	}
	return x
}
