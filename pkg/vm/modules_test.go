// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"slices"
	"testing"
)

const testDep = `kernel/net/netfilter/nf_conntrack.ko.xz: kernel/net/ipv6/netfilter/nf_defrag_ipv6.ko.xz kernel/lib/libcrc32c.ko.xz
kernel/net/ipv6/netfilter/nf_defrag_ipv6.ko.xz:
kernel/lib/libcrc32c.ko.xz:
kernel/net/netfilter/nf_tables.ko: kernel/net/netfilter/nfnetlink.ko kernel/lib/libcrc32c.ko.xz
kernel/net/netfilter/nfnetlink.ko:
kernel/net/netfilter/nft_ct.ko.zst: kernel/net/netfilter/nf_tables.ko kernel/net/netfilter/nf_conntrack.ko.xz
kernel/net/sched/sch_netem.ko:
kernel/drivers/net/net-failover.ko:
`

const testAlias = `# Aliases extracted from modules themselves.
alias nft-expr-*-ct nft_ct
alias nft-expr-ct nft_ct
alias ip_conntrack nf_conntrack
alias net-pf-16-proto-12 nfnetlink
`

func testTree() *moduleTree {
	t := newModuleTree("/nowhere")
	t.parseDep(testDep)
	t.parseAlias(testAlias)
	return t
}

func TestClosurePutsDependenciesFirst(t *testing.T) {
	got := testTree().closure([]string{"nft-ct", "not_there", "nf_tables", "net_failover"})
	want := []string{"nfnetlink", "libcrc32c", "nf_tables", "nf_defrag_ipv6", "nf_conntrack", "nft_ct", "net_failover"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestClosureEndsOnACycle(t *testing.T) {
	tree := newModuleTree("")
	tree.parseDep("a.ko: b.ko\nb.ko: a.ko\n")
	if got := tree.closure([]string{"a"}); !slices.Equal(got, []string{"b", "a"}) {
		t.Errorf("got %v", got)
	}
}

func TestLookup(t *testing.T) {
	tree := testTree()
	for name, want := range map[string][]string{
		"nft-expr-2-ct":      {"nft_ct"},
		"nft-expr-ct":        {"nft_ct"},
		"ip_conntrack":       {"nf_conntrack"},
		"net-pf-16-proto-12": {"nfnetlink"},
		"net-failover":       {"net_failover"},
		"net-pf-10":          nil,
	} {
		if got := tree.lookup(name); !slices.Equal(got, want) {
			t.Errorf("lookup(%s) = %v, want %v", name, got, want)
		}
	}
}

func TestLateModulesTakeTheirDependentsAlong(t *testing.T) {
	tree := testTree()
	got := tree.preload([]string{"nft_ct", "sch_netem", "nf_tables"}, []string{"ip_conntrack"})
	want := []string{"sch_netem", "nf_tables"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestSelectionHasWhatTheKernelMayAskFor(t *testing.T) {
	got := testTree().selection([]string{"net_failover"})
	if !slices.Contains(got, "nft_ct") || !slices.Contains(got, "libcrc32c") || !slices.Contains(got, "net_failover") {
		t.Errorf("got %v", got)
	}
}

func TestParseModprobeArgs(t *testing.T) {
	for _, c := range []struct {
		args   []string
		names  []string
		params string
		quiet  bool
		remove bool
	}{
		{args: []string{"-q", "--", "net-pf-10"}, names: []string{"net-pf-10"}, quiet: true},
		{args: []string{"-qb", "veth"}, names: []string{"veth"}, quiet: true},
		{args: []string{"dummy", "numdummies=2", "x=y"}, names: []string{"dummy"}, params: "numdummies=2 x=y"},
		{args: []string{"-a", "veth", "dummy"}, names: []string{"veth", "dummy"}},
		{args: []string{"-r", "nft_ct", "nf_tables"}, names: []string{"nft_ct", "nf_tables"}, remove: true},
		{args: []string{"--quiet", "--", "-odd"}, names: []string{"-odd"}, quiet: true},
	} {
		m := parseModprobeArgs(c.args)
		if !slices.Equal(m.names, c.names) || m.params != c.params || m.quiet != c.quiet || m.remove != c.remove {
			t.Errorf("%q: got %+v", c.args, m)
		}
	}
}
