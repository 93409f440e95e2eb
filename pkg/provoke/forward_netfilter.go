// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"github.com/google/nftables"
)

// forwardNetfilter are rules that refuse what the server forwards.
var forwardNetfilter = []Provocation{
	{
		Cause: "netfilter-drop", Variant: "forward", Families: []Family{V4, V6}, Needs: []string{featRules},
		Run: route(nil, forwardRuled("netfilter-drop", forward, verdictDrop)),
	},
	{
		Cause: "netfilter-drop", Variant: "forward/prerouting", Families: []Family{V4, V6}, Needs: []string{featRules},
		Run: route(nil, forwardRuled("netfilter-drop", prerouting, verdictDrop)),
	},
	{
		Cause: "netfilter-drop", Variant: "forward/postrouting", Families: []Family{V4, V6}, Needs: []string{featRules},
		Run: route(nil, forwardRuled("netfilter-drop", postrouting, verdictDrop)),
	},
	{
		Cause: "netfilter-reject", Variant: "forward", Families: []Family{V4, V6}, Needs: []string{featRejectRules},
		Run: route(nil, forwardRuled("netfilter-reject", forward, rejectReset)),
	},
	{
		Cause: "netfilter-reject", Variant: "forward/icmp", Families: []Family{V4, V6}, Needs: []string{featRejectRules},
		Run: route(nil, forwardRuled("netfilter-reject", forward, rejectICMP)),
	},
}

var (
	forward     = chain{nftables.TableFamilyINet, nftables.ChainTypeFilter, nftables.ChainHookForward, nftables.ChainPriorityFilter, ""}
	postrouting = chain{nftables.TableFamilyINet, nftables.ChainTypeFilter, nftables.ChainHookPostrouting, nftables.ChainPriorityFilter, ""}
)

// forwardRuled sends SYNs for the backend that a rule of the server for their port
// refuses.
func forwardRuled(cause string, c chain, verdict action) func(*bench) Expect {
	return func(b *bench) Expect {
		ln, clients := b.backendListen(8), b.clients()
		b.rule(c, ln.addr, verdict)
		b.syns(clients, ln.addr)
		return b.expectForward(cause, "", ln.addr, clients, nil)
	}
}
