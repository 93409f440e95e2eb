// SPDX-License-Identifier: Apache-2.0

package diagnose

const (
	synAckRetries = "net.ipv4.tcp_synack_retries"
	// usualSynAckRetries is the kernel's (include/net/tcp.h:TCP_SYNACK_RETRIES).
	usualSynAckRetries = 5
)

var handshakeRules = []Rule{
	{
		ID:    "synack-retries",
		When:  "net.ipv4.tcp_synack_retries is 0 or 1",
		Means: "a client whose SYN-ACK or ACK is lost once or twice, or that is more than three seconds away, finds its request forgotten: its connect() hangs, or it reads \"connection reset by peer\"",
		Find:  fewSynAcks,
	},
}

// fewSynAcks is about requests that are forgotten one or three seconds after the
// SYN, when the timer of the last SYN-ACK runs out (net/ipv4/
// inet_connection_sock.c:reqsk_timer_handler). So is one whose ACK came and met a
// full accept queue.
func fewSynAcks(f *Facts) *Finding {
	if !f.is(synAckRetries, 0) && !f.is(synAckRetries, 1) {
		return nil
	}
	return &Finding{
		Severity: Warning, Title: "half-open requests are given up after so few SYN-ACKs that a lost packet refuses a client",
		Evidence: append(f.inForce(synAckRetries), f.counted("TcpAttemptFails", "TcpExtListenOverflows")...),
		Changes: []Change{set(synAckRetries, usualSynAckRetries,
			"the kernel's own; against SYN floods, SYN cookies (tcp_syncookies=1) do what a low value is meant for, and lose no client")},
	}
}
