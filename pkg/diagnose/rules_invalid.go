// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"

	"github.com/synwatch/synwatch/pkg/shell"
)

const (
	ctLiberal    = "net.netfilter.nf_conntrack_tcp_be_liberal"
	ctLogInvalid = "net.netfilter.nf_conntrack_log_invalid"
	ctInvalid    = "Conntrackinvalid"
)

var invalidRules = []Rule{
	{
		ID:    "conntrack-invalid",
		When:  "Conntrackinvalid moved; a warning only where the machine forwards packets, for NAT leaves invalid ones as they are",
		Means: "a connection through NAT breaks: a packet that connection tracking finds invalid is not translated, leaves with the wrong address, and is answered with a RST (\"connection reset by peer\"); without NAT, nothing happens but what the firewall's rules do to it",
		Find:  conntrackInvalid,
	},
}

// conntrackInvalid is about packets outside of their connection's window mostly:
// nf_conntrack_in leaves them without an entry, so that NAT does not know them
// (net/netfilter/nf_conntrack_core.c, net/netfilter/nf_nat_core.c:nf_nat_inet_fn).
func conntrackInvalid(f *Facts) *Finding {
	n := f.sum(ctInvalid)
	if n == 0 {
		return nil
	}
	x := &Finding{
		Severity: Note, Title: "packets were invalid for connection tracking, and NAT passed them by",
		Evidence: append(f.counted(ctInvalid, forwarded4, forwarded6, "TcpOutRsts"), f.inForce(ctLiberal)...),
	}
	if f.forwards() {
		x.Severity = f.severityOf(n)
	} else {
		x.Title = "packets were invalid for connection tracking"
	}
	x.Changes = []Change{{
		Do: "have the kernel log which packets they are, and why; 0 ends it", Command: f.inNetns(setSysctl(ctLogInvalid, "6")),
		Why: "late segments of connections that are over are invalid, too, and harm nobody",
	}}
	if f.is(ctLiberal, 0) {
		liberal := f.inNetns(setSysctl(ctLiberal, "1"))
		x.Changes = append(x.Changes, do(fmt.Sprintf("are they outside of their connection's window, as the log says? Then let only RSTs be invalid for that: %s", liberal),
			"with tcp_be_liberal=1 connection tracking keeps such packets with their connection, so that NAT translates them"))
	}
	drop := f.inNetns(shell.New("iptables", "-I", "FORWARD", "-m", "conntrack", "--ctstate", "INVALID", "-j", "DROP"))
	x.Changes = append(x.Changes, do(fmt.Sprintf("or are they to be dropped before they leave with the wrong address? Then in front of the rules that accept: %s (nft: ct state invalid drop)", drop),
		"the sender sends it again, where the client would have answered the untranslated packet with a RST"))
	return x
}
