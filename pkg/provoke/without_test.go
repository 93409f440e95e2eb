// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/synwatch/synwatch/pkg/needs"
)

// withoutVethAndNFT are provocations of all kinds of ways and rules.
var withoutVethAndNFT = []string{
	"accept-queue-full/syn", "no-listener", "out-of-window/old", "receive-buffer-full/incoming",
	"reverse-path-filter", "no-route", "packet-too-big", "neighbour-unresolved/forward",
	"netfilter-drop", "netfilter-drop/output", "netfilter-drop/forward/prerouting", "netfilter-drop/forward/postrouting",
	"netfilter-reject", "netfilter-reject/forward/icmp", "conntrack-invalid/checksum", "conntrack-invalid/udp/forward",
}

// TestWithout provokes some on any kernel as if it had neither veth nor nf_tables. What
// has been found to be there is remembered, hence another process.
func TestWithout(t *testing.T) {
	needs.Root(t)
	if os.Getenv("SYNWATCH_WITHOUT") == "" {
		needs.Able(t, Provocation{Needs: []string{featVXLAN, featIPTables}}.Missing(), ErrMissing)
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestWithout$")
		cmd.Env = append(os.Environ(), "SYNWATCH_WITHOUT=veth,nf_tables")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%v: %s", err, out)
		}
		for line := range strings.Lines(string(out)) {
			if strings.HasPrefix(line, needs.Prefix) {
				fmt.Print(line)
			}
		}
		return
	}
	for _, p := range All() {
		if !slices.Contains(withoutVethAndNFT, p.Name()) {
			continue
		}
		for _, f := range p.Families {
			t.Run(p.Name()+"/"+f.String(), func(t *testing.T) {
				needs.Able(t, p.Missing(), ErrMissing)
				t.Parallel()
				l := newLab(t)
				checkCounters(t, l, func(ctx context.Context) (Expect, error) { return p.Run(ctx, l, f) })
			})
		}
	}
}
