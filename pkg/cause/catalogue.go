// SPDX-License-Identifier: Apache-2.0

package cause

var (
	acceptQueueFull = &Cause{
		ID:       "accept-queue-full",
		Meaning:  "the listener's accept queue was full, so the kernel dropped the SYN or the ACK that would have completed the handshake",
		Fix:      "make the application accept faster; if it merely meets bursts, raise its listen(2) backlog and net.core.somaxconn together (the smaller one binds)",
		Evidence: Owner | AcceptQueue,
	}
	synQueueFull = &Cause{
		ID:       "syn-queue-full",
		Meaning:  "the listener's queue of half-open requests was full and SYN cookies are off",
		Fix:      "set net.ipv4.tcp_syncookies=1; raise the listen(2) backlog and net.core.somaxconn, which limit this queue too",
		Evidence: Owner | SynQueue,
	}
	synBacklogReserved = &Cause{
		ID:       "syn-backlog-reserved",
		Meaning:  "SYN cookies are off and the last quarter of tcp_max_syn_backlog is kept for peers that the kernel knows",
		Fix:      "set net.ipv4.tcp_syncookies=1, or raise net.ipv4.tcp_max_syn_backlog",
		Evidence: Owner | SynBacklog,
	}
	synRefused = &Cause{
		ID:       "syn-refused",
		Meaning:  "the kernel could not make a request or a socket of the packet: no route back to the client, no memory, or a security module refused",
		Fix:      "check that there is a route back to the client (ip route get CLIENT), then memory and security module logs",
		Evidence: Owner,
	}
	synCookieSent = &Cause{
		ID: "syn-cookie-sent", Kind: Notice,
		Meaning:  "the request queue was full, so the SYN was answered with a SYN cookie; nothing was dropped",
		Fix:      "if this is no SYN flood, raise the listen(2) backlog and net.core.somaxconn",
		Evidence: Owner | SynQueue,
	}
	synCookieInvalid = &Cause{
		ID:       "syn-cookie-invalid",
		Meaning:  "an ACK claimed a SYN cookie that this host did not send, or sent too long ago, and was answered with a RST",
		Fix:      "look for clients that answer minutes late, for several hosts that share an address, or for an ACK flood",
		Evidence: Owner,
	}
	strayACK = &Cause{
		ID:       "stray-ack",
		Meaning:  "an ACK reached a listener and belongs to no connection or acknowledges what was never sent; it was answered with a RST",
		Fix:      "look for middleboxes and clients that keep connections this host has forgotten (restart, failover, NAT timeouts)",
		Evidence: Owner,
	}
	conntrackTableFull = &Cause{
		ID:       "conntrack-table-full",
		Meaning:  "the connection tracking table was full and no entry could be evicted",
		Fix:      "see who holds the entries (conntrack -L) before you raise net.netfilter.nf_conntrack_max; shorten nf_conntrack_tcp_timeout_established, or do not track this port",
		Evidence: Owner | Table,
	}
	conntrackClash = &Cause{
		ID:       "conntrack-clash",
		Meaning:  "another entry took the same addresses and ports while this packet was on its way, mostly through NAT",
		Fix:      "give source NAT more addresses or ports (a range, or random-fully)",
		Evidence: Owner | Table,
	}
	conntrackChain = &Cause{
		ID:       "conntrack-chain-too-long",
		Meaning:  "the hash chain of the new connection tracking entry was too long",
		Fix:      "raise the number of buckets: net.netfilter.nf_conntrack_buckets",
		Evidence: Owner | Table,
	}
	conntrackInsertFailed = &Cause{
		ID:       "conntrack-insert-failed",
		Meaning:  "the connection tracking entry could not be confirmed: it was being deleted or had become invalid meanwhile",
		Fix:      "look for tools that flush or delete entries (conntrack -D/-F, rule reloads) under load",
		Evidence: Owner | Table,
	}
	conntrackInvalid = &Cause{
		ID:       "conntrack-invalid",
		Meaning:  "connection tracking could make nothing of the packet and a rule drops what is invalid",
		Fix:      "look for asymmetric routes, and for peers that resume connections this host has forgotten (nf_conntrack_tcp_loose, nf_conntrack_tcp_be_liberal)",
		Evidence: Owner | Chain,
		General:  netfilterDrop,
	}
	netfilterDrop = &Cause{
		ID:       "netfilter-drop",
		Meaning:  "a firewall rule dropped the packet",
		Fix:      "nft list ruleset, or iptables-save: find the rule, and whether it is meant",
		Evidence: Owner | Chain | Interface,
	}
	netfilterReject = &Cause{
		ID:       "netfilter-reject",
		Meaning:  "a firewall rule rejected the packet and told the client so",
		Fix:      "nft list ruleset, or iptables-save: find the rule, and whether it is meant",
		Evidence: Owner | Chain | Interface,
		General:  netfilterDrop,
	}
	noListener = &Cause{
		ID:      "no-listener",
		Meaning: "no socket was there for the packet; the client got a RST",
		Fix:     "check that the service runs and listens on this address and port (ss -ltn), in this network namespace",
	}
	checksumError = &Cause{
		ID:       "checksum-error",
		Meaning:  "the TCP checksum was wrong",
		Fix:      "suspect hardware, a driver's offloads (ethtool -K), or a tunnel or middlebox that rewrites packets",
		Evidence: Owner | Interface,
	}
	handshakeExpired = &Cause{
		ID: "handshake-expired", Kind: Notice,
		Meaning:  "a request for a connection was given up: the client never completed the handshake",
		Fix:      "where the client believes itself connected, the accept queue was full; otherwise look for a SYN flood or for replies that get lost",
		Evidence: Owner,
	}
	handshakeICMPError = &Cause{
		ID: "handshake-icmp-error", Kind: Notice,
		Meaning:  "an ICMP error for our SYN-ACK ended a handshake",
		Fix:      "check the way back to the client: routes, firewalls, neighbours",
		Evidence: Owner,
	}
	pawsEstablished = &Cause{
		ID:       "paws-established",
		Meaning:  "the packet's timestamp is older than the connection's newest: PAWS takes it for a duplicate",
		Fix:      "look for several hosts behind one address (NAT) whose timestamp clocks differ, or for a middlebox that rewrites timestamps",
		Evidence: Owner | Timestamps,
	}
	pawsTimeWait = &Cause{
		ID:       "paws-time-wait",
		Meaning:  "a SYN met a connection in TIME_WAIT from the same address and port with a newer timestamp",
		Fix:      "look for several hosts behind one address (NAT) that reuse ports; have them use more addresses or ports, or end connections on the client's side",
		Evidence: Owner | Timestamps,
	}
	pawsHandshake = &Cause{
		ID:       "paws-handshake",
		Meaning:  "the ACK of a handshake carried an older timestamp than its SYN",
		Fix:      "look for several hosts behind one address (NAT) whose timestamp clocks differ",
		Evidence: Owner | Timestamps,
	}
	tsecrRejected = &Cause{
		ID:       "tsecr-rejected",
		Meaning:  "the ACK of a handshake echoed a timestamp that this host never sent",
		Fix:      "look for a middlebox that rewrites timestamps",
		Evidence: Owner,
	}
	conntrackEvicted = &Cause{
		ID: "conntrack-evicted", Kind: Notice,
		Meaning:  "the connection tracking table was full and this entry was evicted to make room",
		Fix:      "see who holds the entries (conntrack -L) before you raise net.netfilter.nf_conntrack_max",
		Evidence: Owner | Table,
	}
	receiveBufferFull = &Cause{
		ID:       "receive-buffer-full",
		Meaning:  "the connection's receive buffer was full",
		Fix:      "make the application read faster; raise net.ipv4.tcp_rmem or the SO_RCVBUF that it sets",
		Evidence: Owner | ReceiveBuffer,
	}
	outOfWindow = &Cause{
		ID:       "out-of-window",
		Meaning:  "the segment lies outside of the connection's receive window",
		Fix:      "with a zero window make the application read; otherwise look for duplicated or forged packets and for middleboxes that rewrite sequence numbers",
		Evidence: Owner | Window,
	}
	socketBacklogFull = &Cause{
		ID:       "socket-backlog-full",
		Meaning:  "the application held the socket's lock while more packets came than its backlog takes",
		Fix:      "raise net.ipv4.tcp_rmem and tcp_wmem, from which the limit follows; look for an application that is stuck in a system call on the socket",
		Evidence: Owner | SocketBacklog,
	}
	tcpAuthFailed = &Cause{
		ID:       "tcp-auth-failed",
		Meaning:  "the TCP signature (MD5 or AO) was missing, unexpected or wrong",
		Fix:      "compare the keys of both peers (BGP sessions, mostly)",
		Evidence: Owner,
	}
	socketFilter = &Cause{
		ID:       "socket-filter",
		Meaning:  "a filter that the application attached to its socket refused the packet",
		Fix:      "look for SO_ATTACH_FILTER, SO_ATTACH_BPF and cgroup programs: ss -ltneb, bpftool cgroup tree",
		Evidence: Owner,
	}
	tcpMemory = &Cause{
		ID:       "tcp-memory",
		Meaning:  "TCP was out of memory, or had too many orphaned connections",
		Fix:      "look at /proc/net/sockstat against net.ipv4.tcp_mem and net.ipv4.tcp_max_orphans",
		Evidence: Owner,
	}
	timeWaitOverflow = &Cause{
		ID: "time-wait-overflow", Kind: Notice,
		Meaning:  "there were more connections in TIME_WAIT than allowed, so this one skipped it",
		Fix:      "raise net.ipv4.tcp_max_tw_buckets",
		Evidence: Owner,
	}
	reversePathFilter = &Cause{
		ID:       "reverse-path-filter",
		Meaning:  "the route back to the source does not lead through the interface that the packet came in on",
		Fix:      "add the route, or set net.ipv4.conf.INTERFACE.rp_filter=2 where routes are asymmetric on purpose",
		Evidence: Owner | Interface,
	}
	martianSource = &Cause{
		ID:       "martian-source",
		Meaning:  "the source address cannot be one: our own, a loopback or a broadcast address",
		Fix:      "look for spoofing, or for an address that is used twice (net.ipv4.conf.all.log_martians shows the link-layer address)",
		Evidence: Owner | Interface,
	}
	cpuBacklogFull = &Cause{
		ID:       "cpu-backlog-full",
		Meaning:  "packets came faster than a CPU could take them from its backlog",
		Fix:      "raise net.core.netdev_max_backlog; spread the load with RPS or more receive queues",
		Evidence: Owner | Interface,
	}
	neighbourUnresolved = &Cause{
		ID:       "neighbour-unresolved",
		Meaning:  "our reply waited for the link-layer address of the next hop and was dropped",
		Fix:      "check that the next hop answers ARP or neighbour discovery; raise gc_thresh3 if the neighbour table is full, unres_qlen_bytes if it is only slow",
		Evidence: Owner | Interface,
	}
	other = &Cause{
		ID:       "other",
		Meaning:  "the kernel freed the packet for a reason of its own",
		Fix:      "read the kernel's reason in the record",
		Evidence: Owner | KernelReason | Interface,
	}
	benign = &Cause{ID: "benign", Kind: Benign}
)

var catalogue = []*Cause{
	acceptQueueFull, synQueueFull, synBacklogReserved, synRefused, synCookieSent,
	synCookieInvalid, strayACK, conntrackTableFull, conntrackClash, conntrackChain,
	conntrackInsertFailed, conntrackInvalid, netfilterDrop, netfilterReject,
	noListener, checksumError, handshakeExpired, handshakeICMPError, pawsEstablished,
	pawsTimeWait, pawsHandshake, tsecrRejected, conntrackEvicted, receiveBufferFull,
	outOfWindow, socketBacklogFull, tcpAuthFailed, socketFilter, tcpMemory,
	timeWaitOverflow, reversePathFilter, martianSource, cpuBacklogFull,
	neighbourUnresolved, other, benign,
}
