// SPDX-License-Identifier: Apache-2.0

package cause

var (
	acceptQueueFull = &Cause{
		ID:       "accept-queue-full",
		Meaning:  "the listener's accept queue was full, so the kernel dropped the SYN or the ACK that would have completed the handshake",
		Fix:      "make the application accept faster; if it merely meets bursts, raise its listen(2) backlog and net.core.somaxconn together (the smaller one binds)",
		Evidence: AcceptQueue,
	}
	synQueueFull = &Cause{
		ID:       "syn-queue-full",
		Meaning:  "the listener's queue of half-open requests was full and SYN cookies are off",
		Fix:      "set net.ipv4.tcp_syncookies=1; raise the listen(2) backlog and net.core.somaxconn, which limit this queue too",
		Evidence: SynQueue,
	}
	synBacklogReserved = &Cause{
		ID:       "syn-backlog-reserved",
		Meaning:  "SYN cookies are off and the last quarter of tcp_max_syn_backlog is kept for peers that the kernel knows",
		Fix:      "set net.ipv4.tcp_syncookies=1, or raise net.ipv4.tcp_max_syn_backlog",
		Evidence: SynBacklog,
	}
	synRefused = &Cause{
		ID:      "syn-refused",
		Meaning: "the kernel could not make a request or a socket of the packet: no route back to the client, no memory, or a security module refused",
		Fix:     "check that there is a route back to the client (ip route get CLIENT), then memory and security module logs",
	}
	synCookieSent = &Cause{
		ID: "syn-cookie-sent", Kind: Notice,
		Meaning:  "the request queue was full, so the SYN was answered with a SYN cookie; nothing was dropped",
		Fix:      "if this is no SYN flood, raise the listen(2) backlog and net.core.somaxconn",
		Evidence: SynQueue,
	}
	synCookieInvalid = &Cause{
		ID:      "syn-cookie-invalid",
		Meaning: "an ACK claimed a SYN cookie that this host did not send, or sent too long ago, and was answered with a RST",
		Fix:     "look for clients that answer minutes late, for several hosts that share an address, or for an ACK flood",
	}
	strayACK = &Cause{
		ID:      "stray-ack",
		Meaning: "an ACK reached a listener and belongs to no connection or acknowledges what was never sent; it was answered with a RST",
		Fix:     "look for middleboxes and clients that keep connections this host has forgotten (restart, failover, NAT timeouts)",
	}
	conntrackTableFull = &Cause{
		ID:      "conntrack-table-full",
		Meaning: "the connection tracking table was full and no entry could be evicted",
		Fix:     "see who holds the entries (conntrack -L) before you raise net.netfilter.nf_conntrack_max; shorten nf_conntrack_tcp_timeout_established, or do not track this port",
	}
	conntrackClash = &Cause{
		ID:      "conntrack-clash",
		Meaning: "another entry took the same addresses and ports while this packet was on its way, mostly through NAT",
		Fix:     "give source NAT more addresses or ports (a range, or random-fully)",
	}
	conntrackChain = &Cause{
		ID:      "conntrack-chain-too-long",
		Meaning: "the hash chain of the new connection tracking entry was too long",
		Fix:     "raise the number of buckets: net.netfilter.nf_conntrack_buckets",
	}
	conntrackInsertFailed = &Cause{
		ID:      "conntrack-insert-failed",
		Meaning: "the connection tracking entry could not be confirmed: it was being deleted or had become invalid meanwhile",
		Fix:     "look for tools that flush or delete entries (conntrack -D/-F, rule reloads) under load",
	}
	conntrackInvalid = &Cause{
		ID:      "conntrack-invalid",
		Meaning: "connection tracking could make nothing of the packet and a rule drops what is invalid",
		Fix:     "look for asymmetric routes, and for peers that resume connections this host has forgotten (nf_conntrack_tcp_loose, nf_conntrack_tcp_be_liberal)",
		General: netfilterDrop,
	}
	netfilterDrop = &Cause{
		ID:      "netfilter-drop",
		Meaning: "a firewall rule dropped the packet",
		Fix:     "nft list ruleset, or iptables-save: find the rule, and whether it is meant",
	}
	netfilterReject = &Cause{
		ID:      "netfilter-reject",
		Meaning: "a firewall rule rejected the packet and told the client so",
		Fix:     "nft list ruleset, or iptables-save: find the rule, and whether it is meant",
		General: netfilterDrop,
	}
	noListener = &Cause{
		ID:      "no-listener",
		Meaning: "no socket was there for the packet; the client got a RST",
		Fix:     "check that the service runs and listens on this address and port (ss -ltn), in this network namespace",
	}
	checksumError = &Cause{
		ID:      "checksum-error",
		Meaning: "the TCP checksum was wrong",
		Fix:     "suspect hardware, a driver's offloads (ethtool -K), or a tunnel or middlebox that rewrites packets",
	}
	other = &Cause{
		ID:       "other",
		Meaning:  "the kernel freed the packet for a reason of its own",
		Fix:      "read the kernel's reason in the record",
		Evidence: KernelReason,
	}
	benign = &Cause{ID: "benign", Kind: Benign}
)

var catalogue = []*Cause{
	acceptQueueFull, synQueueFull, synBacklogReserved, synRefused, synCookieSent,
	synCookieInvalid, strayACK, conntrackTableFull, conntrackClash, conntrackChain,
	conntrackInsertFailed, conntrackInvalid, netfilterDrop, netfilterReject,
	noListener, checksumError, other, benign,
}
