// SPDX-License-Identifier: Apache-2.0

package cause

var (
	acceptQueueFull = &Cause{
		ID:       "accept-queue-full",
		Meaning:  "the listener's accept queue was full, so the kernel dropped the SYN or the ACK that would have completed the handshake",
		Fix:      "make the application accept faster; if it merely meets bursts, raise its listen(2) backlog and net.core.somaxconn together (the smaller one binds)",
		Client:   "at stage syn its connect() hangs: the SYN is dropped without an answer and sent again, first after 1 s; at ack and cookie-ack it believes itself connected, and what it sends is not acknowledged until there is room; with net.ipv4.tcp_abort_on_overflow=1 stage ack answers with a RST instead",
		Path:     "syn: tcp_conn_request (net/ipv4/tcp_input.c), which frees the SYN with consume_skb, as it frees a packet that was received; ack: tcp_check_req (net/ipv4/tcp_minisocks.c), in tcp_v4_syn_recv_sock or tcp_v6_syn_recv_sock; cookie-ack: cookie_v4_check or cookie_v6_check (syncookies.c), in the same functions",
		Kernels:  "every kernel, by hooks (fentry or kprobes); only stage ack has a drop reason, in 6.18 but not in 6.12; without hooks the other stages are known as counter totals only",
		Evidence: Owner | AcceptQueue,
	}
	synQueueFull = &Cause{
		ID:       "syn-queue-full",
		Meaning:  "the listener's queue of half-open requests was full and SYN cookies are off",
		Fix:      "set net.ipv4.tcp_syncookies=1; raise the listen(2) backlog and net.core.somaxconn, which limit this queue too",
		Client:   "its connect() hangs: the SYN is dropped without an answer and sent again, first after 1 s",
		Path:     "tcp_conn_request (net/ipv4/tcp_input.c), which frees the SYN with consume_skb, as it frees a packet that was received",
		Evidence: Owner | SynQueue,
	}
	synBacklogReserved = &Cause{
		ID:       "syn-backlog-reserved",
		Meaning:  "SYN cookies are off and the last quarter of tcp_max_syn_backlog is kept for peers that the kernel knows",
		Fix:      "set net.ipv4.tcp_syncookies=1, or raise net.ipv4.tcp_max_syn_backlog",
		Client:   "its connect() hangs, while one whose address the kernel has in its TCP metrics (ip tcp_metrics) still gets through",
		Path:     "tcp_conn_request (net/ipv4/tcp_input.c), after tcp_peer_is_proven (net/ipv4/tcp_metrics.c) said no",
		Evidence: Owner | SynBacklog,
	}
	synRefused = &Cause{
		ID:       "syn-refused",
		Meaning:  "the kernel could not make a request or a socket of the packet: no route back to the client, no memory, or a security module refused",
		Fix:      "check that there is a route back to the client (ip route get CLIENT), then memory and security module logs",
		Client:   "its connect() hangs, as nothing is answered; at stage ack it believes itself connected until its data stay unacknowledged",
		Path:     "tcp_conn_request (net/ipv4/tcp_input.c), or tcp_v4_conn_request and tcp_v6_conn_request for a SYN to a broadcast or multicast address; ack: tcp_v4_syn_recv_sock or tcp_v6_syn_recv_sock, which could not make the socket",
		Evidence: Owner,
	}
	synCookieSent = &Cause{
		ID: "syn-cookie-sent", Kind: Notice,
		Meaning:  "the request queue was full, so the SYN was answered with a SYN cookie; nothing was dropped",
		Fix:      "if this is no SYN flood, raise the listen(2) backlog and net.core.somaxconn",
		Client:   "nothing: it is answered; a client that sends no TCP timestamps has no window scaling and no SACK on this connection",
		Path:     "tcp_conn_request (net/ipv4/tcp_input.c), in cookie_v4_init_sequence or cookie_v6_init_sequence",
		Evidence: Owner | SynQueue,
	}
	synCookieInvalid = &Cause{
		ID:       "syn-cookie-invalid",
		Meaning:  "an ACK claimed a SYN cookie that this host did not send, or sent too long ago, and was answered with a RST",
		Fix:      "look for clients that answer minutes late, for several hosts that share an address, or for an ACK flood",
		Client:   "a RST: it believed itself connected and reads \"connection reset by peer\"",
		Path:     "cookie_v4_check (net/ipv4/syncookies.c) or cookie_v6_check (net/ipv6/syncookies.c), then tcp_v4_send_reset or tcp_v6_send_reset",
		Kernels:  "every kernel, by hooks (fentry or kprobes); the kernel's own reason is TCP_FLAGS or none and names other drops too",
		Evidence: Owner,
	}
	strayACK = &Cause{
		ID:       "stray-ack",
		Meaning:  "an ACK reached a listener and belongs to no connection or acknowledges what was never sent; it was answered with a RST",
		Fix:      "look for middleboxes and clients that keep connections this host has forgotten (restart, failover, NAT timeouts)",
		Client:   "a RST: a connection that it believed in ends with \"connection reset by peer\"",
		Path:     "listener: tcp_v4_do_rcv or tcp_v6_do_rcv, where cookie_v4_check or cookie_v6_check expects no cookie; handshake: tcp_check_req (net/ipv4/tcp_minisocks.c), as the number acknowledged is not that of the SYN-ACK; both end in tcp_v4_send_reset or tcp_v6_send_reset",
		Kernels:  "every kernel, by hooks (fentry or kprobes); the kernel's own reason is TCP_FLAGS or none and names other drops too",
		Evidence: Owner,
	}
	conntrackTableFull = &Cause{
		ID:       "conntrack-table-full",
		Meaning:  "the connection tracking table was full and no entry could be evicted",
		Fix:      "see who holds the entries (conntrack -L) before you raise net.netfilter.nf_conntrack_max; shorten nf_conntrack_tcp_timeout_established, or do not track this port",
		Client:   "its connect() hangs, as nothing is answered; connections that have an entry go on",
		Path:     "nf_conntrack_in, in __nf_conntrack_alloc, after early_drop found nothing to evict (net/netfilter/nf_conntrack_core.c); freed by nf_hook_slow",
		Kernels:  "every kernel, by hooks in the module nf_conntrack (kprobes on 5.10, fentry later); the kernel's own reason is NETFILTER_DROP, as for a rule",
		Evidence: Owner | Table,
	}
	conntrackClash = &Cause{
		ID:       "conntrack-clash",
		Meaning:  "another entry took the same addresses and ports while this packet was on its way, mostly through NAT",
		Fix:      "give source NAT more addresses or ports (a range, or random-fully)",
		Client:   "its connect() hangs; the SYN that it sends again may pass once the other entry is gone",
		Path:     "__nf_conntrack_confirm, in nf_ct_resolve_clash (net/netfilter/nf_conntrack_core.c); freed by nf_hook_slow",
		Kernels:  "every kernel, by hooks in the module nf_conntrack (kprobes on 5.10, fentry later); the kernel's own reason is NETFILTER_DROP, as for a rule",
		Evidence: Owner | Table,
	}
	conntrackChain = &Cause{
		ID:       "conntrack-chain-too-long",
		Meaning:  "the hash chain of the new connection tracking entry was too long",
		Fix:      "raise the number of buckets: net.netfilter.nf_conntrack_buckets",
		Client:   "its connect() hangs, as nothing is answered",
		Path:     "__nf_conntrack_confirm (net/netfilter/nf_conntrack_core.c); freed by nf_hook_slow",
		Kernels:  "kernels that bound their chains, of those tested all but 5.10, by hooks in the module nf_conntrack; the kernel's own reason is NETFILTER_DROP, as for a rule",
		Evidence: Owner | Table,
	}
	conntrackInsertFailed = &Cause{
		ID:       "conntrack-insert-failed",
		Meaning:  "the connection tracking entry could not be confirmed: it was being deleted or had become invalid meanwhile",
		Fix:      "look for tools that flush or delete entries (conntrack -D/-F, rule reloads) under load",
		Client:   "its connect() hangs; the SYN that it sends again gets a new entry",
		Path:     "__nf_conntrack_confirm (net/netfilter/nf_conntrack_core.c); freed by nf_hook_slow",
		Kernels:  "every kernel, by hooks in the module nf_conntrack (kprobes on 5.10, fentry later); the kernel's own reason is NETFILTER_DROP, as for a rule",
		Evidence: Owner | Table,
	}
	conntrackInvalid = &Cause{
		ID:       "conntrack-invalid",
		Meaning:  "connection tracking classified the packet as invalid and a rule drops invalid packets",
		Fix:      "look for asymmetric routes, and for peers that resume connections this host has forgotten (nf_conntrack_tcp_loose, nf_conntrack_tcp_be_liberal)",
		Client:   "no answer as a rule: its connect() hangs, or an open connection stalls and times out",
		Path:     "nf_conntrack_in (net/netfilter/nf_conntrack_core.c) lets the packet pass without an entry; nft_do_chain or ipt_do_table drops it by a rule",
		Kernels:  "every kernel, by a hook in the module nf_conntrack together with the drop by a rule; without the hook it is named netfilter-drop",
		Evidence: Owner | Chain,
		General:  netfilterDrop,
	}
	netfilterDrop = &Cause{
		ID:       "netfilter-drop",
		Meaning:  "a firewall rule dropped the packet",
		Fix:      "find the rule, and whether it is meant: nft list ruleset, or iptables-save",
		Client:   "its connect() hangs, as nothing is answered",
		Path:     "nf_hook_slow (net/netfilter/core.c) for a rule of nft_do_chain or ipt_do_table; in 6.12 and later nft_do_chain frees the packet itself",
		Kernels:  "every kernel: by the drop reason, on 5.10 by the place of the free; up to 6.1, and for iptables, only hooks in nf_conntrack distinguish a rule's drop from connection tracking's",
		Evidence: Owner | Chain | Interface,
	}
	netfilterReject = &Cause{
		ID:       "netfilter-reject",
		Meaning:  "a firewall rule rejected the packet and answered the client with a RST or an ICMP error",
		Fix:      "find the rule, and whether it is meant: nft list ruleset, or iptables-save",
		Client:   "its connect() fails at once: \"connection refused\" after a RST or port-unreachable, after another ICMP error with the one that it stands for, mostly \"no route to host\"",
		Path:     "nf_send_reset or nf_send_unreach (net/ipv4/netfilter/nf_reject_ipv4.c), nf_send_reset6 or nf_send_unreach6 (net/ipv6/netfilter/nf_reject_ipv6.c)",
		Kernels:  "every kernel, by hooks in the modules nf_reject_ipv4 and nf_reject_ipv6; without them it is named netfilter-drop",
		Evidence: Owner | Chain | Interface,
		General:  netfilterDrop,
	}
	noListener = &Cause{
		ID:      "no-listener",
		Meaning: "no socket matched the packet; the client got a RST, for UDP an ICMP error",
		Fix:     "check that the service runs and listens on this address and port (ss -ltn), in this network namespace; a packet that is no SYN belongs to a connection that is not known here: look for NAT or conntrack that lost it",
		Client:  "its connect() fails at once with \"connection refused\"; a connection that it held open is reset",
		Path:    "tcp_v4_rcv (net/ipv4/tcp_ipv4.c) or tcp_v6_rcv (net/ipv6/tcp_ipv6.c), then tcp_v4_send_reset or tcp_v6_send_reset",
		Kernels: "every kernel: by the RST's hook, and where there is none by the drop reason",
	}
	checksumError = &Cause{
		ID:       "checksum-error",
		Meaning:  "the TCP checksum was wrong",
		Fix:      "suspect hardware, a driver's offloads (ethtool -K), or a tunnel or middlebox that rewrites packets",
		Client:   "no answer: it sends the packet again, and hangs if that one is broken too",
		Path:     "tcp_v4_rcv and tcp_v4_do_rcv (net/ipv4/tcp_ipv4.c), tcp_v6_rcv and tcp_v6_do_rcv (net/ipv6/tcp_ipv6.c), tcp_add_backlog; with net.netfilter.nf_conntrack_checksum=1 a rule for invalid packets may take it before (conntrack-invalid)",
		Kernels:  "every kernel: by the drop reason, on 5.10 by the packet's own state where TCP frees it",
		Evidence: Owner | Interface,
	}
	handshakeExpired = &Cause{
		ID: "handshake-expired", Kind: Notice,
		Meaning:  "a request for a connection was given up: the client never completed the handshake",
		Fix:      "where the client believes itself connected, the accept queue was full; otherwise look for a SYN flood or for replies that get lost",
		Client:   "its connect() hangs, as it never saw the SYN-ACK, or it is gone; with acked in the evidence it believes itself connected, and what it sends next is answered with a RST",
		Path:     "reqsk_timer_handler, in inet_csk_reqsk_queue_drop (net/ipv4/inet_connection_sock.c), after net.ipv4.tcp_synack_retries SYN-ACKs, fewer when the queue is half full; no packet is freed",
		Evidence: Owner,
	}
	handshakeICMPError = &Cause{
		ID: "handshake-icmp-error", Kind: Notice,
		Meaning:  "an ICMP error for our SYN-ACK ended a handshake",
		Fix:      "check the way back to the client: routes, firewalls, neighbours",
		Client:   "its connect() hangs: the SYN-ACK did not reach it; the next SYN starts anew",
		Path:     "tcp_v4_err or tcp_v6_err, in tcp_req_err (net/ipv4/tcp_ipv4.c); no packet is freed",
		Evidence: Owner,
	}
	pawsEstablished = &Cause{
		ID:       "paws-established",
		Meaning:  "the packet's timestamp is older than the connection's newest: PAWS takes it for a duplicate",
		Fix:      "look for several hosts behind one address (NAT) whose timestamp clocks differ, or for a middlebox that rewrites timestamps",
		Client:   "the segment is dropped and answered with a duplicate ACK; a connection all of whose segments are dropped stalls",
		Path:     "tcp_validate_incoming (net/ipv4/tcp_input.c)",
		Kernels:  "every kernel: by the drop reason, on 5.10 by a hook; 6.18 counts an old segment without data apart, as PAWSOldAck",
		Evidence: Owner | Timestamps,
	}
	pawsTimeWait = &Cause{
		ID:       "paws-time-wait",
		Meaning:  "a SYN, or a segment that came late, met a connection in TIME_WAIT from the same address and port with a newer timestamp",
		Fix:      "look for several hosts behind one address (NAT) that reuse ports; have them use more addresses or ports, or end connections on the client's side",
		Client:   "an ACK of the old connection in place of the SYN-ACK; Linux answers that with a RST, which ends the TIME_WAIT (unless net.ipv4.tcp_rfc1337=1), and gets in with the SYN that it sends again; where a firewall drops the ACK or the RST, connect() hangs",
		Path:     "tcp_timewait_state_process (net/ipv4/tcp_minisocks.c)",
		Kernels:  "every kernel: up to 6.12 by a hook, counted in PAWSEstab; in 6.18 and later also by the drop reason, counted in PAWSTimewait",
		Evidence: Owner | Timestamps,
	}
	pawsHandshake = &Cause{
		ID:       "paws-handshake",
		Meaning:  "the ACK of a handshake carried an older timestamp than its SYN",
		Fix:      "look for several hosts behind one address (NAT) whose timestamp clocks differ",
		Client:   "it believes itself connected; its ACK is dropped and answered with an ACK, and what it sends with a newer timestamp completes the handshake",
		Path:     "tcp_check_req (net/ipv4/tcp_minisocks.c)",
		Kernels:  "every kernel, by a hook; the drop reason that some have for it, TCP_RFC7323_PAWS, is that of paws-established too",
		Evidence: Owner | Timestamps,
	}
	tsecrRejected = &Cause{
		ID:       "tsecr-rejected",
		Meaning:  "the ACK of a handshake echoed a timestamp that this host never sent",
		Fix:      "look for a middlebox that rewrites timestamps",
		Client:   "it believes itself connected; its ACK is dropped and answered with an ACK, and its data stay unacknowledged",
		Path:     "tcp_check_req (net/ipv4/tcp_minisocks.c)",
		Kernels:  "kernels that check the echo, which have the drop reason (6.18, not 6.12); older ones accept such an ACK, and nothing is dropped",
		Evidence: Owner,
	}
	conntrackEvicted = &Cause{
		ID: "conntrack-evicted", Kind: Notice,
		Meaning:  "the connection tracking table was full and this entry was evicted to make room",
		Fix:      "see who holds the entries (conntrack -L) before you raise net.netfilter.nf_conntrack_max",
		Client:   "nothing, or what the rules do to a packet without an entry; only entries that are not ASSURED are evicted: of TCP those whose handshake is not complete, which then starts over",
		Path:     "nf_conntrack_in, in early_drop (net/netfilter/nf_conntrack_core.c), which deletes the entry with nf_ct_delete; no packet is freed, and the packet that needed the room passes",
		Kernels:  "every kernel, by hooks in the module nf_conntrack (kprobes on 5.10, fentry later)",
		Evidence: Owner | Table,
	}
	receiveBufferFull = &Cause{
		ID:       "receive-buffer-full",
		Meaning:  "the connection's receive buffer was full",
		Fix:      "make the application read faster; raise net.ipv4.tcp_rmem or the SO_RCVBUF that it sets",
		Client:   "its data are not acknowledged, or no longer held: it sends them again, and the connection slows down or stalls",
		Path:     "tcp_data_queue, in tcp_try_rmem_schedule (net/ipv4/tcp_input.c): incoming is the segment itself; ofo-prune, in tcp_prune_ofo_queue, are segments that had come out of order and wait for the gap before them",
		Kernels:  "every kernel: ofo-prune by the drop reason, on 5.10 by a hook; incoming by its reason PROTO_MEM and the state of the socket, which tells it from tcp-memory, before 6.11 by a hook",
		Evidence: Owner | ReceiveBuffer,
	}
	outOfWindow = &Cause{
		ID:       "out-of-window",
		Meaning:  "the segment lies outside of the connection's receive window",
		Fix:      "with a zero window make the application read; otherwise look for duplicated or forged packets and for middleboxes that rewrite sequence numbers",
		Client:   "the segment is dropped and answered with an ACK that says what is expected; with zero-window it goes on probing until the application reads",
		Path:     "zero-window: tcp_data_queue (net/ipv4/tcp_input.c); old (ends before the window) and beyond-window: tcp_validate_incoming (net/ipv4/tcp_input.c)",
		Kernels:  "every kernel: by the drop reason, on 5.10 by hooks",
		Evidence: Owner | Window,
	}
	socketBacklogFull = &Cause{
		ID:       "socket-backlog-full",
		Meaning:  "the application held the socket's lock while more packets came than its backlog takes",
		Fix:      "raise net.ipv4.tcp_rmem and tcp_wmem, from which the limit follows; look for an application that is stuck in a system call on the socket",
		Client:   "the segment is not acknowledged: it sends it again, and the connection slows down",
		Path:     "tcp_add_backlog (net/ipv4/tcp_ipv4.c), from tcp_v4_rcv or tcp_v6_rcv, while the socket is in use",
		Kernels:  "every kernel: by the drop reason, on 5.10 by a hook",
		Evidence: Owner | SocketBacklog,
	}
	tcpAuthFailed = &Cause{
		ID:       "tcp-auth-failed",
		Meaning:  "the TCP signature (MD5 or AO) was missing, unexpected or wrong",
		Fix:      "compare the keys of both peers (BGP sessions, mostly)",
		Client:   "no answer at all: its connect() hangs, or an open connection (a BGP session) times out",
		Path:     "tcp_inbound_hash (net/ipv4/tcp.c, in 6.12 and later), tcp_inbound_md5_hash (6.1), tcp_v4_inbound_md5_hash and tcp_v6_inbound_md5_hash (5.10); md5-missing, md5-unexpected, md5-wrong and ao-missing, ao-unexpected, ao-wrong say which signature it was and what was the matter with it",
		Kernels:  "every kernel that was built with TCP_MD5SIG or TCP_AO: by the drop reason, on 5.10 by hooks",
		Evidence: Owner,
	}
	socketFilter = &Cause{
		ID:       "socket-filter",
		Meaning:  "a filter on the socket refused the packet: the application's own, a program of its cgroup, or a security module",
		Fix:      "look for cgroup programs (bpftool cgroup tree), for SO_ATTACH_FILTER and SO_ATTACH_BPF in the application (strace -e trace=setsockopt shows them), then at the security module's log",
		Client:   "no answer: its connect() hangs, or an open connection stalls",
		Path:     "sk_filter_trim_cap (net/core/filter.c), from tcp_v4_rcv or tcp_v6_rcv",
		Kernels:  "every kernel: by the drop reason, on 5.10 by a hook",
		Evidence: Owner,
	}
	tcpMemory = &Cause{
		ID:       "tcp-memory",
		Meaning:  "TCP was out of memory, or had too many orphaned connections",
		Fix:      "look at /proc/net/sockstat against net.ipv4.tcp_mem and net.ipv4.tcp_max_orphans",
		Client:   "its data are not acknowledged and are sent again; a connection that the application had closed already ends with a RST",
		Path:     "tcp_try_rmem_schedule (net/ipv4/tcp_input.c) for data; tcp_check_oom (net/ipv4/tcp.c) for a closed connection that is aborted, with no packet freed",
		Kernels:  "every kernel: data by the drop reason PROTO_MEM and the state of the socket, which tells it from receive-buffer-full, before 6.11 by a hook; an abort by a hook",
		Evidence: Owner,
	}
	timeWaitOverflow = &Cause{
		ID: "time-wait-overflow", Kind: Notice,
		Meaning:  "there were more connections in TIME_WAIT than allowed, so this one skipped it",
		Fix:      "raise net.ipv4.tcp_max_tw_buckets",
		Client:   "nothing as a rule; a packet of the old connection that comes late gets a RST, and so does its FIN if our last ACK was lost",
		Path:     "tcp_time_wait (net/ipv4/tcp_minisocks.c), in inet_twsk_alloc (net/ipv4/inet_timewait_sock.c); no packet is freed",
		Evidence: Owner,
	}
	reversePathFilter = &Cause{
		ID:       "reverse-path-filter",
		Meaning:  "the route back to the source does not lead through the interface that the packet came in on",
		Fix:      "add the route, or set net.ipv4.conf.INTERFACE.rp_filter=2 where routes are asymmetric on purpose",
		Client:   "its connect() hangs, as nothing is answered",
		Path:     "ip_route_input_noref (net/ipv4/route.c), in fib_validate_source (net/ipv4/fib_frontend.c)",
		Kernels:  "every kernel: by the drop reason, on 5.10 by a hook; IPv4 only, as IPv6 checks the reverse path in a firewall rule, which is netfilter-drop",
		Evidence: Owner | Interface,
	}
	martianSource = &Cause{
		ID:       "martian-source",
		Meaning:  "the source address is one that no packet may come from: our own, a loopback or a broadcast address",
		Fix:      "look for spoofing, or for an address that is used twice (net.ipv4.conf.all.log_martians shows the link-layer address)",
		Client:   "no answer ever reaches it: its connect() hangs",
		Path:     "ip_route_input_noref (net/ipv4/route.c), in ip_handle_martian_source",
		Kernels:  "every kernel: in 6.18 and later by the drop reason, before by a hook; IPv4 only",
		Evidence: Owner | Interface,
	}
	cpuBacklogFull = &Cause{
		ID:       "cpu-backlog-full",
		Meaning:  "packets came faster than a CPU could take them from its backlog",
		Fix:      "raise net.core.netdev_max_backlog; spread the load with RPS or more receive queues",
		Client:   "no answer: it sends the packet again; its connect() takes seconds, or an open connection slows down",
		Path:     "enqueue_to_backlog (net/core/dev.c), for packets of loopback and veth, and of any interface with RPS; /proc/net/softnet_stat counts it in the second column",
		Kernels:  "every kernel: by the drop reason, on 5.10 by a hook",
		Evidence: Owner | Interface,
	}
	neighbourUnresolved = &Cause{
		ID:       "neighbour-unresolved",
		Meaning:  "the packet, our reply or one that is forwarded, waited for the link-layer address of the next hop and was dropped",
		Fix:      "check that the next hop answers ARP or neighbour discovery: behind a published port or a service it is mostly an endpoint that is gone; raise gc_thresh3 if the neighbour table is full, unres_qlen_bytes if it is only slow",
		Client:   "its connect() hangs, or says \"no route to host\" where the ICMP error reaches it",
		Path:     "__neigh_event_send or neigh_invalidate (net/core/neighbour.c), on the way out",
		Kernels:  "every kernel: by the drop reason, on 5.10 by the place of the free",
		Evidence: Owner | Interface,
	}
	noRoute = &Cause{
		ID:       "no-route",
		Meaning:  "there was no route to the destination, or one of type unreachable, prohibit or blackhole (stage refused); at stage connect this host's own connect() found none",
		Fix:      "find what is missing (ip route get DESTINATION, with from and iif for a packet that came in), in this network namespace and in the table that its rules name (ip rule)",
		Client:   "its connect() fails at once with \"no route to host\" or \"network is unreachable\"; where the ICMP error does not reach it, or behind a blackhole, it hangs",
		Path:     "refused or none: ip_error (net/ipv4/route.c), ip6_pkt_discard and ip6_pkt_prohibit (net/ipv6/route.c), dst_discard for a blackhole of IPv6; __ip_queue_xmit and inet6_csk_xmit for a connection whose route is gone; connect: tcp_v4_connect and tcp_v6_connect, which make no packet",
		Kernels:  "every kernel: by the route that the packet has, and by the drop reason where there is one; stage connect by hooks",
		Evidence: Owner | Interface,
	}
	forwardingOff = &Cause{
		ID:       "forwarding-off",
		Meaning:  "the packet was for another host, and this one does not forward: the sysctl of the interface that it came in on, or of the whole host, is 0",
		Fix:      "set net.ipv4.ip_forward=1 (and net.ipv4.conf.INTERFACE.forwarding), net.ipv6.conf.all.forwarding=1; if this host is no router, look for who sends it what is not its own",
		Client:   "its connect() hangs, as nothing is answered",
		Path:     "ip_error (net/ipv4/route.c), ip6_forward (net/ipv6/ip6_output.c)",
		Kernels:  "every kernel: by the state of the interface where the packet dies",
		Evidence: Interface,
	}
	packetTooBig = &Cause{
		ID:       "packet-too-big",
		Meaning:  "the packet is larger than the MTU of the way on, and may not be fragmented",
		Fix:      "let ICMP \"fragmentation needed\" and \"packet too big\" reach the sender, or clamp the MSS (nft: tcp option maxseg size set rt mtu); make the MTUs of tunnels and overlays agree",
		Client:   "the handshake works, and the first large segment is lost: the connection hangs unless the ICMP error reaches the sender",
		Path:     "ip_forward (net/ipv4/ip_forward.c), ip6_forward (net/ipv6/ip6_output.c); ip_fragment and ip6_fragment for what is not forwarded",
		Kernels:  "every kernel: by the drop reason, on 5.10 by the place of the free and the packet's size",
		Evidence: MTU | Interface,
	}
	hopLimitExceeded = &Cause{
		ID:       "hop-limit-exceeded",
		Meaning:  "the packet was to be forwarded and its TTL, or hop limit, was used up",
		Fix:      "look for a routing loop (the same packet passes several times: tcpdump -v shows its TTL); a traceroute is no fault",
		Client:   "its connect() hangs or says \"no route to host\"; traceroute shows this host",
		Path:     "ip_forward (net/ipv4/ip_forward.c), ip6_forward (net/ipv6/ip6_output.c)",
		Kernels:  "every kernel: by the place of the free and the packet's hop limit",
		Evidence: Interface,
	}
	tcDrop = &Cause{
		ID:       "tc-drop",
		Meaning:  "a classifier or a BPF program at the traffic control hook of an interface dropped the packet: overlay networks and their policies work there",
		Fix:      "find it: tc filter show dev INTERFACE ingress (or egress), bpftool net show dev INTERFACE; then ask the network plugin which policy it is",
		Client:   "its connect() hangs, as nothing is answered",
		Path:     "sch_handle_ingress and sch_handle_egress (net/core/dev.c), in __netif_receive_skb_core and __dev_queue_xmit",
		Kernels:  "every kernel: by the drop reason, on 5.10 by the place of the free; what XDP drops before, no kernel shows",
		Evidence: Owner | Interface,
	}
	qdiscFull = &Cause{
		ID:       "qdisc-full",
		Meaning:  "the queueing discipline of the interface that the packet was to leave by dropped it: its queue was full, or it shapes, polices or drops on purpose",
		Fix:      "see which (tc -s qdisc show): raise its limit or rate, or find who fills the queue",
		Client:   "the packet is lost on its way: it is sent again, and connect() takes seconds",
		Path:     "__dev_queue_xmit (net/core/dev.c), in the enqueue function of the qdisc (net/sched/)",
		Kernels:  "every kernel: by the drop reason, on 5.10 by the place of the free",
		Evidence: Interface,
	}
	ipsecPolicy = &Cause{
		ID:       "ipsec-policy",
		Meaning:  "an IPsec policy refused the packet: it blocks, or it wants encryption that the packet did not have",
		Fix:      "compare the policies and the states: ip -s xfrm policy, ip -s xfrm state, and what /proc/net/xfrm_stat counts; then the log of the IKE daemon",
		Client:   "its connect() hangs, as nothing is answered",
		Path:     "__xfrm_policy_check and __xfrm_route_forward (net/xfrm/xfrm_policy.c), from tcp_v4_rcv, tcp_v6_rcv, ip_forward and ip6_forward",
		Kernels:  "every kernel: by the drop reason, and by hooks where there is none",
		Evidence: Owner | Interface,
	}
	other = &Cause{
		ID:       "other",
		Meaning:  "the kernel freed the packet for a reason of its own",
		Fix:      "read the kernel's reason in the record",
		Client:   "not known; mostly no answer",
		Path:     "wherever the kernel frees a packet with kfree_skb; the record has the kernel's reason, or the function where it gives none; conntrack: nf_conntrack_in refused the packet for a reason of its own",
		Kernels:  "every kernel; those before 5.17 give no reason, only the function",
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
	neighbourUnresolved, noRoute, forwardingOff, packetTooBig, hopLimitExceeded, tcDrop,
	qdiscFull, ipsecPolicy, other, benign,
}
