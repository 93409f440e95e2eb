// SPDX-License-Identifier: Apache-2.0

package survey

import (
	"testing"

	"github.com/synwatch/synwatch/pkg/netns"
)

func TestInNetnsReadsTheProcessesOwn(t *testing.T) {
	s, err := InNetns(netns.ID{})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Spaces) != 1 || !s.Spaces[0].Own || s.Spaces[0].Enter != nil || s.System.Memory == 0 {
		t.Fatalf("%+v", s)
	}
	if _, ok := s.Spaces[0].Counters["IpForwDatagrams"]; !ok {
		t.Error("no counters of IP")
	}
	if s.Spaces[0].Sysctls["net.ipv4.ip_forward"] == "" || s.Spaces[0].Sysctls["net.ipv4.conf.lo.forwarding"] == "" {
		t.Error("not whether it forwards")
	}
}

func TestInNetnsOfNoNamespace(t *testing.T) {
	if s, err := InNetns(netns.ID{Inode: 1}); err == nil {
		t.Errorf("%+v", s)
	}
}
