// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"maps"
	"net/netip"
	"slices"
	"strconv"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"
)

// through are drops on the ways through the server that are more than a cable at
// each side.
var through = slices.Concat(
	onEach(routedWays, fault{cause: "netfilter-drop", needs: []string{featRules}, steps: dropOnWay(forward)}),
	onEach([]way{overBridge, inVRF}, fault{cause: "conntrack-table-full", global: true,
		needs: []string{featStateRules, featConntrackDump}, steps: fullOnWay}),
	onEach([]way{fromVXLAN, fromIPIP}, fault{cause: "conntrack-table-full", global: true,
		needs: []string{featNFTNotrack, featConntrackDump}, steps: fullOnWay}),
	onEach([]way{overBridge, inVRF, fromVXLAN}, fault{cause: "conntrack-invalid",
		needs: []string{featStateRules}, settings: strict, steps: invalidOnWay}),
	onEach([]way{inVRF, fromVXLAN}, fault{cause: "no-route", steps: noRouteOnWay}),
	onEach([]way{inVRF, fromVXLAN}, fault{cause: "no-route", stage: "refused", steps: refusedOnWay}),
	onEach([]way{overBridge, inVRF, fromVXLAN}, fault{cause: "neighbour-unresolved", steps: silentOnWay}),
	onEach([]way{inVRF, fromVXLAN}, fault{cause: "hop-limit-exceeded", steps: lastHopOnWay}),

	onEach([]way{bridged},
		fault{cause: "netfilter-drop", needs: []string{featNFTBridge}, steps: dropOnWay(bridgeForward)},
		fault{cause: "netfilter-drop", variant: "ip", needs: []string{featRules, featBridgeNetfilter}, settings: bridgeNetfilter,
			steps: dropOnWay(forward)},
		fault{cause: "conntrack-table-full", global: true, needs: []string{featStateRules, featConntrackDump, featBridgeNetfilter},
			settings: bridgeNetfilter, steps: fullOnWay},
		fault{cause: "conntrack-invalid", needs: []string{featStateRules, featBridgeNetfilter},
			settings: with(bridgeNetfilter, strict), steps: invalidOnWay},
	),
)

// bridgeNetfilter has IP's hooks see what a bridge switches: net/bridge/br_netfilter_hooks.c.
var bridgeNetfilter = sysctls{"bridge/bridge-nf-call-iptables": "1", "bridge/bridge-nf-call-ip6tables": "1"}

func with(all ...sysctls) sysctls {
	out := sysctls{}
	for _, s := range all {
		maps.Copy(out, s)
	}
	return out
}

// bridgeForward has the priority that nft calls "filter" in this family
// (include/uapi/linux/netfilter_bridge.h: NF_BR_PRI_FILTER_BRIDGED). At 0, where
// br_netfilter is, that takes the packets away before the chain sees them.
var bridgeForward = chain{nftables.TableFamilyBridge, nftables.ChainTypeFilter, nftables.ChainHookForward, nftables.ChainPriorityRef(-200), ""}

// fault is what happens to packets on a way.
type fault struct {
	cause, stage, variant string
	global                bool
	needs                 []string
	settings              sysctls
	steps                 func(*passage) Expect
}

// onEach makes provocations of some faults on several ways.
func onEach(ways []way, faults ...fault) []Provocation {
	var out []Provocation
	for _, f := range faults {
		for _, w := range ways {
			settings := f.settings
			if f.global {
				settings = with(settings, tracking)
			}
			variant := w.name
			if f.variant != "" {
				variant += "/" + f.variant
			}
			out = append(out, Provocation{
				Cause: f.cause, Stage: f.stage, Variant: variant, Families: []Family{V4, V6}, Global: f.global,
				Needs: slices.Concat(w.needs, f.needs),
				Run:   route(settings, func(b *bench) Expect { return f.steps(w.open(b)) }),
			})
		}
	}
	return out
}

// dropOnWay has a rule drop what would pass.
func dropOnWay(c chain) func(*passage) Expect {
	return func(p *passage) Expect {
		clients := p.clients()
		p.b.rule(c, p.dst(), verdictDrop)
		p.syns(clients)
		return p.expect("netfilter-drop", "", clients, nil)
	}
}

func fullOnWay(p *passage) Expect {
	clients := p.clients()
	p.untrackOuter()
	p.b.rule(forward, p.dst(), track)
	p.b.flushConntrack()
	p.b.setGlobal("netfilter/nf_conntrack_max", strconv.Itoa(p.b.fillTable()))
	p.syns(clients)
	return p.expect("conntrack-table-full", "", clients, map[string]uint64{"Conntrackdrop": uint64(len(clients))})
}

func invalidOnWay(p *passage) Expect {
	clients := p.clients()
	p.b.rule(forward, p.dst(), dropInvalid)
	p.eachSends(clients, segment{flags: ack, seq: clientISN, ack: 1})
	return p.expect("conntrack-invalid", "", clients, p.invalid(clients))
}

// invalid are the counts of invalid packets. In a VRF each is looked at once more, for
// the VRF's device, as it has no entry yet (drivers/net/vrf.c:vrf_rcv_nfhook).
func (p *passage) invalid(clients []netip.AddrPort) map[string]uint64 {
	counts := invalid(clients)
	if p.table != unix.RT_TABLE_MAIN {
		counts["Conntrackinvalid"] *= 2
	}
	return counts
}

// noRouteOnWay has the clients want what there is no route to.
func noRouteOnWay(p *passage) Expect {
	clients := p.clients()
	p.nowhere()
	p.syns(clients)
	return p.expect("no-route", "", clients, p.b.noRoutes(len(clients)))
}

// refusedOnWay has a route say that there is none.
func refusedOnWay(p *passage) Expect {
	clients := p.clients()
	p.nowhere()
	p.server.unreachable(p.host.addr, p.table)
	p.syns(clients)
	var counters map[string]uint64
	if p.b.f == V6 {
		counters = p.b.noRoutes(len(clients))
	}
	return p.expect("no-route", p.refusedStage(), clients, counters)
}

// refusedStage is empty where nothing tells the route's type: ip6_pkt_drop takes it off a
// packet of a VRF before it frees it (net/ipv6/route.c).
func (p *passage) refusedStage() string {
	if p.b.f == V6 && p.table != unix.RT_TABLE_MAIN {
		return ""
	}
	return "refused"
}

// lastHopOnWay has the clients' packets come at the end of their hops.
func lastHopOnWay(p *passage) Expect {
	clients := p.clients()
	p.eachSends(clients, segment{flags: syn, seq: clientISN, hops: 1})
	return p.expect("hop-limit-exceeded", "", clients, map[string]uint64{p.b.ipCounter("InHdrErrors"): uint64(len(clients))})
}

// silentOnWay has the clients want an address that nobody answers for.
func silentOnWay(p *passage) Expect {
	clients := p.clients()
	p.unanswered()
	p.syns(clients)
	p.server.awaitFailed(p.egress, p.host.addr)
	return p.expect("neighbour-unresolved", "", clients, nil)
}
