// SPDX-License-Identifier: Apache-2.0

package enrich

import (
	"net/netip"
	"os"
	"testing"

	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/netns/netnstest"
	"github.com/synwatch/synwatch/pkg/sockets"
)

func TestGaugesOfAnotherNamespace(t *testing.T) {
	ns, id := netnstest.New(t)
	startServer(t, ns, "0.0.0.0:443")
	own, ok := netns.Own()
	if !ok {
		t.Fatal("no own namespace")
	}
	g := NewGauges()
	gone := netns.ID{Inode: 1}
	for range 2 {
		found := g.Read([]Wanted{{Netns: netns.ID{Inode: own}}, {Netns: id, Listeners: true, Requests: true}, {Netns: gone, Listeners: true}})
		if len(found) != 2 || found[0].Netns.Inode != own || found[0].Listening != nil || found[0].Requests != nil {
			t.Fatalf("got %+v", found)
		}
		there := found[1]
		if s := sockets.Match(there.Listening, netip.MustParseAddrPort("10.0.0.1:443"), 0); there.Netns != id || len(s) != 1 || s[0].Queue == nil {
			t.Errorf("got %+v", there)
		} else if limit := s[0].Queue.Limit; (limit != nil) != (there.Requests != nil) || limit != nil && *limit == 0 { // both are by tcp_diag
			t.Errorf("got %+v", there)
		}
		if there.Somaxconn == 0 || len(there.Requests) > 0 {
			t.Errorf("got %+v", there)
		}
		if _, err := os.Stat("/proc/sys/net/netfilter/nf_conntrack_max"); (err == nil) != (there.Conntrack != nil) {
			t.Errorf("conntrack %+v, %v", there.Conntrack, err)
		}
	}
	if !g.searched[gone] || g.searched[id] {
		t.Errorf("it searched for %v", g.searched)
	}
}
