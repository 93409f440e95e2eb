// SPDX-License-Identifier: Apache-2.0

package cause

// unrecorded are the rules that no recording needs, by their keys.
var unrecorded = map[string]string{
	"other/conntrack all=conntrack-drop": "nothing provokes it: nf_conntrack_in is out of memory, or a helper's template refuses",
	"netfilter-drop none=conntrack-full|conntrack-drop|conntrack-confirm|conntrack-clash|conntrack-chain reasons=NETFILTER_DROP": "needed where the kernel hides its symbols (kernel.kptr_restrict), so that there is no location",
	"cpu-backlog-full reasons=CPU_BACKLOG":                                                      "the kernel side makes a fact of the reason; the rule is there to name the reason",
	"syn-refused/ack all=listen-drop|final-ack":                                                 "nothing provokes it: tcp_v4_syn_recv_sock is out of memory, or finds no route",
	"syn-cookie-invalid all=cookie-refused":                                                     "nothing provokes it: a cookie's timestamp asks for what was switched off after the SYN",
	"paws-time-wait all=time-wait|paws-time-wait":                                               "needed by kernels that count PAWSTimewait without the reason; those recorded have both",
	"tcp-memory all=tcp-memory":                                                                 "nothing provokes it: tcp_mem is exhausted while data arrive",
	"checksum-error all=other-protocol reasons=UDP_CSUM":                                        "UDP's own drops are not provoked: a trace records them only if it is asked to (--proto)",
	"checksum-error all=bad-checksum|other-protocol locations=__udp4_lib_rcv,__udp6_lib_rcv":    "as above",
	"no-listener all=other-protocol reasons=NO_SOCKET, locations=__udp4_lib_rcv,__udp6_lib_rcv": "as above",
	"receive-buffer-full/incoming all=other-protocol reasons=SOCKET_RCVBUFF":                    "as above",
	"no-route reasons=IP_OUTNOROUTES":                                                           "nothing provokes it: the route goes while a connection is open, and before it sends",
	"no-route all=no-route locations=__ip_queue_xmit,inet6_csk_xmit":                            "as above, on kernels without that reason",
	"packet-too-big reasons=PKT_TOO_BIG locations=ip_forward,ip6_forward":                       "needed where the MTU is not the route's own (net.ipv4.ip_forward_use_pmtu)",
	"packet-too-big reasons=PKT_TOO_BIG":                                                        "nothing provokes it: a tunnel has no room for its own header",
	"benign none=packet-syn reasons=TCP_CLOSE":                                                  "nothing provokes it: a packet has to be in a socket's backlog while the connection ends",
	"benign reasons=NOT_SPECIFIED, locations=veth_poll":                                         "an XDP program's drops, which pkg/flood makes on 5.10",
	"benign reasons=NOT_SPECIFIED, locations=tcp_rcv_state_process":                             "kernels between 5.10, where no tracepoint is on that way, and 6.1, which consumes the ACK",
}

// ordered are the pairs of causes of whose rules the order matters, and why.
var ordered = map[string]string{
	"accept-queue-full/syn before syn-refused":                          "ListenDrops counts every SYN that is dropped",
	"syn-queue-full before syn-refused":                                 "as above",
	"syn-backlog-reserved before syn-refused":                           "as above",
	"accept-queue-full/cookie-ack before accept-queue-full/ack":         "a cookie's ACK is a handshake's last ACK",
	"accept-queue-full/cookie-ack before syn-refused/ack":               "ListenDrops counts every last ACK of which no socket is made",
	"accept-queue-full/ack before syn-refused/ack":                      "as above",
	"stray-ack/handshake before stray-ack/listener":                     "tcp_check_req hands what it refuses to the listener",
	"conntrack-clash before conntrack-insert-failed":                    "a clash is one way in which an entry is not confirmed",
	"conntrack-chain-too-long before conntrack-insert-failed":           "so is a long chain",
	"conntrack-invalid before netfilter-drop":                           "a rule drops what is invalid",
	"netfilter-drop before benign":                                      "a rule drops what a bridge forwards, and what it lets pass dies as frames of other hosts do",
	"syn-refused before syn-refused":                                    "only a reply without a route counts OutNoRoutes",
	"no-route/connect before no-route/connect":                          "so does a connect without a route",
	"no-route/refused before no-route/refused":                          "IPv6 counts InNoRoutes for some types of routes",
	"no-route/refused before no-route":                                  "such a route is none, either",
	"packet-too-big before packet-too-big":                              "only what is forwarded counts FragFails and InTooBigErrors",
	"netfilter-reject before netfilter-drop":                            "a rule that rejects drops, too",
	"benign before no-listener":                                         "a RST that finds no socket refuses no connection",
	"tcp-memory before tcp-memory":                                      "only tcp_check_oom counts TCPAbortOnMemory",
	"receive-buffer-full/ofo-prune before receive-buffer-full/incoming": "the queue is pruned since there is no room for a segment",
}

// unknown are the reasons, locations and hooks in rules that no recorded kernel has.
var unknown = map[string]string{
	"location veth_poll":             "see unrecorded",
	"location skb_rbtree_purge":      "a socket that is closed with segments out of order; no other code frees segments there without dropping them",
	"location tcp_rcv_state_process": "see unrecorded",
	"location __ip_queue_xmit":       "see unrecorded",
	"location inet6_csk_xmit":        "see unrecorded",
	"location dst_discard":           "dst_discard_out, where the compiler has not made one of both",
	"location tpacket_rcv":           "a tap with a ring; the others are like it",
	"location packet_rcv_spkt":       "a tap of the obsolete type SOCK_PACKET",
}
