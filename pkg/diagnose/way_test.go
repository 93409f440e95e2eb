// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"net/netip"
	"testing"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/conntrack"
	"github.com/synwatch/synwatch/pkg/enrich"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/nstat"
	"github.com/synwatch/synwatch/pkg/proc"
	"github.com/synwatch/synwatch/pkg/survey"
	"golang.org/x/sys/unix"
)

// to is where packets of a protocol were going, and on which way.
func to(way event.Direction, proto event.Proto, dst string) func(*Tally) {
	return func(t *Tally) {
		at := netip.MustParseAddrPort(dst)
		t.Busiest.Direction, t.Busiest.Proto, t.Busiest.Dst, t.Busiest.Port = way, proto, at.Addr(), at.Port()
		t.BusiestCount = t.Count
		t.ByDirection, t.ByProto = map[event.Direction]uint64{way: t.Count}, map[event.Proto]uint64{proto: t.Count}
	}
}

func through(dst string) func(*Tally) { return to(event.Forward, event.TCP, dst) }
func own(dst string) func(*Tally)     { return to(event.Out, event.TCP, dst) }

const containerID = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// intoContainer has the destination be a container's, where something listens.
func intoContainer(t *Tally) {
	t.Busiest.Target = &Target{Netns: 7, Container: containerID}
	t.Answer.Listener = &enrich.Listener{Port: 80, Process: proc.Process{PID: 4242, Comm: "app", Container: containerID}}
}

func inNamed(t *Tally) { t.Busiest.Target = &Target{Netns: 7, NetnsName: "web"} }

// shown changes the evidence of the newest.
func shown(change func(*event.Evidence)) func(*Tally) {
	return func(t *Tally) {
		if t.Evidence == nil {
			t.Evidence = &event.Evidence{}
		}
		change(t.Evidence)
	}
}

func addressed(orig string) func(*Tally) {
	return shown(func(e *event.Evidence) { e.OrigDst = netip.MustParseAddrPort(orig) })
}

func chain(family, table, name, hook string) func(*Tally) {
	return shown(func(e *event.Evidence) {
		e.Netfilter = &event.Netfilter{Family: family, Table: table, Chain: name, Hook: hook}
	})
}

func chosen(addr, first, last string) func(*Tally) {
	return func(t *Tally) {
		t.Translated = t.BusiestCount
		shown(func(e *event.Evidence) {
			e.SourceNAT = &event.SourceNAT{Chosen: netip.MustParseAddrPort(addr), First: netip.MustParseAddrPort(first), Last: netip.MustParseAddrPort(last)}
		})(t)
	}
}

func at(stage string) func(*Tally) {
	return func(t *Tally) { t.ByStage = map[string]uint64{stage: t.Count} }
}

func by(in, out string) func(*Tally) {
	return func(t *Tally) { t.Answer.Interface, t.OutInterface = in, out }
}

// notOwn has it be in another namespace than the process's.
func notOwn(t *Tally) { t.Busiest.Own, t.Busiest.Inner, t.Busiest.NetnsName = false, true, "gw" }

// surveyed is what the namespace says at the end.
func surveyed(change func(*survey.Snapshot)) func(*Tally) {
	return func(t *Tally) {
		s := &survey.Snapshot{Spaces: []survey.Space{{
			Netns: netns.ID{Inode: 1}, Own: t.Busiest.Own, Counters: nstat.Values{},
			Sysctls: map[string]string{ipForward: "0", allForward4: "0", allForward6: "0", forwardKey("eth1"): "0", maxBacklog: "1000"},
		}}}
		if !t.Busiest.Own {
			s.Spaces[0].Enter = []string{"ip", "netns", "exec", "gw"}
		}
		change(s)
		t.Seen.Survey = s
	}
}

func asItIs(*survey.Snapshot)       {}
func forwarding(s *survey.Snapshot) { s.Spaces[0].Counters[forwarded4] = 900 }
func setBy(value string) func(*survey.Snapshot) {
	return func(s *survey.Snapshot) {
		s.System.Files = survey.SysctlFiles{{File: "/etc/sysctl.d/90-hardening.conf", Line: 3, Key: ipForward, Value: value}}
	}
}

const udp, icmp = event.Proto(unix.IPPROTO_UDP), event.Proto(unix.IPPROTO_ICMP)

// wayRows are of what was on its way through the machine, or out of it.
var wayRows = map[string]tracedRow{
	"a policy for a container": {"netfilter-drop", []func(*Tally){from("10.9.%d.%d", 1, 4), through("10.0.3.2:80"), intoContainer, chain("ip", "filter", "FORWARD", "forward")}, "warning traced-policy",
		[]string{"a rule of chain FORWARD (table ip filter, hook forward) drops what 10.9.0.0 sends to 10.0.3.2:80 in container 0123456789ab", "listener there 0123456789ab (app)",
			"nft -a list chain ip filter FORWARD", "NetworkPolicy", "DOCKER-USER", "of what this machine forwards 4 100 % of 4", "connect() hangs", "!nsenter"}},
	"a policy that rejects, in another namespace": {"netfilter-reject", []func(*Tally){notOwn, through("10.0.3.2:80"), inNamed, chain("ip", "", "", "forward"), surveyed(asItIs)}, "warning traced-policy",
		[]string{"a firewall rule of hook forward rejects packets to 10.0.3.2:80 in network namespace web", "ip netns exec gw iptables-save -c", "fails at once"}},
	"a policy whose chain is not known": {"netfilter-drop", []func(*Tally){through("10.0.3.2:80"), inNamed, surveyed(func(s *survey.Snapshot) {
		s.Spaces[0].Firewall = &survey.Firewall{Refusing: []survey.FirewallRule{{Family: "ip", Table: "f", Chain: "fw", Text: "handle 2", Packets: 4000}}}
	})}, "warning traced-policy", []string{"packets in chain fw (table ip f) 4000 handle 2", "nft -a list chain ip f fw", "has counted the most"}},
	"a router's policy": {"netfilter-drop", []func(*Tally){through("198.51.100.7:445")}, "note traced-policy", []string{"a firewall rule drops packets to 198.51.100.7:445", "!NetworkPolicy", "nft list ruleset"}},
	"a router's policy for one client": {"netfilter-drop", []func(*Tally){from("10.9.%d.%d", 1, 400), through("198.51.100.7:445"), chain("ip6", "", "", "forward")}, "warning traced-policy",
		[]string{"what 10.9.0.0 sends to", "ip6tables-save -c"}},
	"an output rule": {"netfilter-reject", []func(*Tally){own("192.0.2.9:5432"), chain("inet", "f", "out", "output"), shown(func(e *event.Evidence) { e.Process = &event.Process{PID: 77, Comm: "app"} })}, "warning traced-policy",
		[]string{"a rule of chain out (table inet f, hook output) rejects this machine's own packets to 192.0.2.9:5432", "process of the newest app[77]", "of this machine's own 4000"}},
	"an output rule that drops":                     {"netfilter-drop", []func(*Tally){to(event.Out, udp, "192.0.2.9:53")}, "warning traced-policy", []string{"drops this machine's own packets to udp 192.0.2.9:53", "operation not permitted"}},
	"a firewall's drops of what is for the machine": {"netfilter-drop", nil, "", nil},

	"a stale endpoint": {"neighbour-unresolved", []func(*Tally){from("10.9.%d.%d", 1, 7), through("10.0.3.9:80"), addressed("192.0.2.1:8080")}, "warning traced-neighbour-unresolved",
		[]string{"192.0.2.1:8080 is translated to 10.0.3.9:80, which does not answer: a stale endpoint", "take the endpoint 10.0.3.9:80 out of what publishes 192.0.2.1:8080", "ip neigh show to 10.0.3.9"}},
	"a host that is gone": {"neighbour-unresolved", []func(*Tally){through("10.0.3.9:80")}, "warning traced-neighbour-unresolved",
		[]string{"10.0.3.9:80 does not answer", "ip route get 10.0.3.9", "!stale", "!endpoint"}},
	"replies to a client that is gone": {"neighbour-unresolved", []func(*Tally){from("10.9.%d.%d", 1, 400)}, "warning traced-one-range", nil},

	"forwarding off for a container": {"forwarding-off", []func(*Tally){through("10.0.3.2:80"), inNamed, by("eth1", "lo"), surveyed(asItIs)}, "critical traced-forwarding-off",
		[]string{"sysctl -w net.ipv4.ip_forward=1", "net.ipv4.ip_forward 0", "no sysctl file sets it", "!to leave by"}},
	"forwarding switched off by a file": {"forwarding-off", []func(*Tally){through("203.0.113.2:80"), surveyed(forwarding), surveyed(setBy("0")), addressed("192.0.2.1:80")}, "critical traced-forwarding-off",
		[]string{"sysctl -w net.ipv4.ip_forward=1", "/etc/sysctl.d/90-hardening.conf:3 sets it to 0", "sed -i '3s/^/#/' /etc/sysctl.d/90-hardening.conf"}},
	"forwarding that a file has on": {"forwarding-off", []func(*Tally){through("203.0.113.2:80"), surveyed(setBy("1"))}, "critical traced-forwarding-off", []string{"something has set it to 0 since boot"}},
	"forwarding that was on":        {"forwarding-off", []func(*Tally){through("203.0.113.2:80"), surveyed(forwarding)}, "critical traced-forwarding-off", []string{"forwarded while it was on 900"}},
	"forwarding off in a namespace": {"forwarding-off", []func(*Tally){notOwn, through("203.0.113.2:80"), surveyed(forwarding)}, "critical traced-forwarding-off",
		[]string{"ip netns exec gw sysctl -w net.ipv4.ip_forward=1", "behind ip netns add"}},
	"forwarding off on a host":      {"forwarding-off", []func(*Tally){through("203.0.113.2:80"), surveyed(asItIs)}, "warning traced-forwarding-off", []string{"is this machine to forward packets", "!sysctl -w"}},
	"forwarding off, nothing known": {"forwarding-off", []func(*Tally){from("10.9.%d.%d", 1, 7), through("203.0.113.2:80")}, "note traced-forwarding-off", []string{"is it 0?", "net.ipv4.ip_forward = 1", "!sysctl -w"}},
	"forwarding of IPv6 off":        {"forwarding-off", []func(*Tally){through("[2001:db8::2]:80"), inNamed, surveyed(asItIs)}, "critical traced-forwarding-off", []string{"sysctl -w net.ipv6.conf.all.forwarding=1"}},
	"forwarding off on one interface": {"forwarding-off", []func(*Tally){through("203.0.113.2:80"), by("eth1", ""), surveyed(func(s *survey.Snapshot) {
		forwarding(s)
		s.Spaces[0].Sysctls[ipForward], s.Spaces[0].Sysctls[allForward4], s.Spaces[0].Sysctls[forwardKey("eth2")] = "1", "1", "0"
	})}, "critical traced-forwarding-off", []string{"sysctl -w net.ipv4.conf.eth1.forwarding=1", "!eth2"}},
	"forwarding off on one of two interfaces": {"forwarding-off", []func(*Tally){through("203.0.113.2:80"), surveyed(func(s *survey.Snapshot) {
		forwarding(s)
		s.Spaces[0].Sysctls[ipForward], s.Spaces[0].Sysctls[allForward4], s.Spaces[0].Sysctls[forwardKey("eth2")] = "1", "1", "0"
	})}, "critical traced-forwarding-off", []string{"net.ipv4.conf.INTERFACE.forwarding", "!sysctl -w"}},
	"forwarding that is on again": {"forwarding-off", []func(*Tally){through("203.0.113.2:80"), surveyed(func(s *survey.Snapshot) {
		forwarding(s)
		s.Spaces[0].Sysctls = map[string]string{ipForward: "1"}
	})}, "critical traced-forwarding-off", []string{"forwarding is on now", "!sysctl -w"}},

	"no route":                        {"no-route", []func(*Tally){through("203.0.113.2:80")}, "warning traced-no-route", []string{"there is no route to 203.0.113.2:80", "ip route get 203.0.113.2", "add the route"}},
	"a route that refuses":            {"no-route", []func(*Tally){through("203.0.113.2:80"), at("refused")}, "warning traced-no-route", []string{"a route refuses packets to 203.0.113.2:80", "type blackhole"}},
	"no route for the machine itself": {"no-route", []func(*Tally){own("203.0.113.2:80"), at("connect")}, "warning traced-no-route", []string{"this machine's own connections to 203.0.113.2:80 find no route"}},
	"no IPv6":                         {"no-route", []func(*Tally){own("[2001:db8::2]:80"), at("connect")}, "note traced-no-route", []string{"goes on with IPv4"}},
	"no route in a namespace":         {"no-route", []func(*Tally){notOwn, through("203.0.113.2:80")}, "warning traced-no-route", []string{"in its network namespace: ip route get 203.0.113.2"}},

	"a path's MTU": {"packet-too-big", []func(*Tally){through("10.0.3.2:80"), shown(func(e *event.Evidence) { e.Path = &event.Path{MTU: 1400, Size: 1500} })}, "warning traced-packet-too-big",
		[]string{"packets of 1500 bytes do not fit the MTU of 1400 on the way to 10.0.3.2:80", "maxseg size set rt mtu", "fragmentation needed", "packets for each source 2000"}},
	"a path's MTU that senders learn": {"packet-too-big", []func(*Tally){from("10.9.%d.%d", 20, 2), through("10.0.3.2:80")}, "note traced-packet-too-big", []string{"!packets for each source"}},
	"a routing loop":                  {"hop-limit-exceeded", []func(*Tally){through("203.0.113.2:80")}, "warning traced-hop-limit", []string{"go round in a routing loop"}},
	"a traceroute":                    {"hop-limit-exceeded", []func(*Tally){from("10.9.%d.%d", 1, 3), to(event.Forward, icmp, "203.0.113.2:0")}, "note traced-hop-limit", []string{"icmp 203.0.113.2", "!go round", "traceroute sends a few"}},

	"a classifier": {"tc-drop", []func(*Tally){from("10.9.%d.%d", 1, 5), through("10.0.3.2:80"), intoContainer, at("ingress"), by("eth1", "")}, "warning traced-tc-drop",
		[]string{"at ingress of eth1 drops packets to 10.0.3.2:80 in container 0123456789ab", "tc -s filter show dev eth1 ingress", "bpftool net show dev eth1", "cilium monitor"}},
	"a classifier at egress":  {"tc-drop", []func(*Tally){own("10.0.3.2:80"), at("egress")}, "warning traced-tc-drop", []string{"at egress of an interface", "dev INTERFACE egress"}},
	"a full queue":            {"qdisc-full", []func(*Tally){through("10.0.3.2:80"), by("eth1", "eth2")}, "warning traced-qdisc-full", []string{"the queue of eth2 drops packets to 10.0.3.2:80", "tc -s qdisc show dev eth2", "txqueuelen"}},
	"a queue of an interface": {"qdisc-full", []func(*Tally){own("10.0.3.2:80")}, "warning traced-qdisc-full", []string{"the queue of an interface"}},
	"an IPsec policy":         {"ipsec-policy", []func(*Tally){through("10.0.3.2:80")}, "warning traced-ipsec-policy", []string{"ip -s xfrm policy", "xfrm_stat"}},

	"source NAT without ports": {"conntrack-clash", []func(*Tally){through("203.0.113.2:443"), chosen("192.0.2.1:2000", "192.0.2.1:2000", "192.0.2.1:2015")}, "warning traced-clash",
		[]string{"source NAT has no free port for tcp 203.0.113.2:443", "source NAT had chosen 192.0.2.1:2000", "of 192.0.2.1 2000-2015: 16 ports", "its range has 16", "fully-random", "--to-source FIRST-LAST", "!single-request"}},
	"source NAT without ports, for UDP": {"conntrack-insert-failed", []func(*Tally){to(event.Forward, udp, "203.0.113.2:3478"), chosen("192.0.2.1:2000", "192.0.2.1:0", "192.0.2.4:0")}, "warning traced-clash",
		[]string{"source NAT has no free port for udp 203.0.113.2:3478", "protocols udp 4000", "of 192.0.2.1-192.0.2.4 64512 ports", "!its range has"}},
	"masquerade in a namespace": {"conntrack-clash", []func(*Tally){notOwn, through("203.0.113.2:443"), func(t *Tally) { t.Translated = 3900 }}, "warning traced-clash",
		[]string{"source NAT has no free port", "translated by source NAT 3900 97 % of 4000"}},
	"two queries of one socket": {"conntrack-clash", []func(*Tally){to(event.Forward, udp, "10.0.0.10:53")}, "warning traced-clash",
		[]string{"DNS queries to udp 10.0.0.10:53", "single-request-reopen", "NodeLocal DNSCache", "use-vc", "!source NAT", "!fully-random"}},
	"queries behind source NAT": {"conntrack-clash", []func(*Tally){to(event.Forward, udp, "203.0.113.53:53"), chosen("192.0.2.1:2000", "192.0.2.1:0", "192.0.2.1:0")}, "warning traced-clash",
		[]string{"single-request-reopen", "so that its ports may be used up?", "fully-random"}},
	"clashes without NAT": {"conntrack-clash", []func(*Tally){through("203.0.113.2:443")}, "warning traced-clash", []string{"br_netfilter", "!source NAT", "!fully-random"}},
	"entries that went":   {"conntrack-insert-failed", nil, "warning traced-clash", []string{"flush or delete", "!source NAT"}},
	"a few clashes":       {"conntrack-clash", []func(*Tally){from("10.9.%d.%d", 1, 3)}, "note traced-clash", nil},

	"a full table for the machine's own":      {"conntrack-table-full", []func(*Tally){own("203.0.113.2:443")}, "critical traced-conntrack-full", []string{"full, and what this machine sends itself is refused", "towards 203.0.113.2:443"}},
	"queries for a service that is not there": {"no-listener", []func(*Tally){from("198.51.%d.%d", 1, 400), of(53, 0, 400), func(t *Tally) { t.Busiest.Proto = udp }}, "warning traced-one-range", []string{"!segments"}},

	"a gateway's full table": {"conntrack-table-full", []func(*Tally){notOwn, to(event.Forward, udp, "203.0.113.2:3478"), intoContainer, by("eth1", ""), holding("198.51.100.0/24"),
		tracked(conntrack.Usage{Count: 262144, Max: 262144, Buckets: 65536})}, "critical traced-conntrack-full",
		[]string{"full, and what this machine forwards is refused: 198.51.100.0/24 holds 90 %", "protocols udp 4000", "towards udp 203.0.113.2:3478", "interface of the newest eth1",
			"ip netns exec web conntrack -D", "!nsenter -t 4242"}},
}

// A place is named as what is known of it allows.
func TestPlaces(t *testing.T) {
	for want, p := range map[string]Place{
		"this machine": {}, "port 80": {Port: 80}, "icmp this machine": {Proto: icmp}, "udp port 53": {Proto: udp, Port: 53},
		"10.0.0.1:80 in network namespace 7": {Dst: netip.MustParseAddr("10.0.0.1"), Port: 80, Target: &Target{Netns: 7}},
	} {
		if got := p.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// One rule speaks of a cause: the general one only where no other does.
func TestOneFindingACause(t *testing.T) {
	for _, c := range cause.All() {
		for _, way := range []event.Direction{event.In, event.Forward, event.Out} {
			counted := tally(c.ID)
			from("198.51.%d.%d", 1, 400)(&counted)
			to(way, event.TCP, "203.0.113.2:443")(&counted)
			found := Traced([]Tally{counted}, 16<<30)
			if len(found) > 1 {
				t.Errorf("%s %s: %d findings", c, way, len(found))
			}
			sound(t, c.ID, &Facts{}, found)
		}
	}
}
