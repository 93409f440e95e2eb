// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// DefaultModules are the modules that the project's tests need. A kernel that lacks
// one of them has it built in, or never had it.
var DefaultModules = []string{
	"crc32c_generic", // nf_conntrack's libcrc32c asks for an algorithm, not for a module
	"af_packet", "unix", "ipv6", "veth", "dummy", "tun",
	"nf_conntrack", "nf_conntrack_netlink", "nfnetlink", "nf_nat", "nf_defrag_ipv4", "nf_defrag_ipv6",
	"nf_tables", "nft_ct", "nft_nat", "nft_masq", "nft_redir", "nft_chain_nat", "nft_reject", "nft_reject_inet",
	"nft_reject_ipv4", "nft_reject_ipv6", "nf_reject_ipv4", "nf_reject_ipv6",
	"nft_counter", "nft_limit", "nft_log", "nft_connlimit", "nft_synproxy",
	"x_tables", "ip_tables", "iptable_filter", "ip6_tables", "ip6table_filter",
	"xt_tcpudp", "xt_conntrack", "ipt_REJECT", "ip6t_REJECT",
	"inet_diag", "tcp_diag", "vxlan", "sch_netem", "sch_ingress", "cls_bpf", "act_bpf",
}

// onDemand are directories whose modules the kernel asks for by itself, through
// /sbin/modprobe, when a rule, a qdisc, a congestion control or a kind of device is named.
var onDemand = []string{
	"kernel/net/netfilter", "kernel/net/ipv4/netfilter", "kernel/net/ipv6/netfilter",
	"kernel/net/bridge", "kernel/net/bridge/netfilter", "kernel/net/8021q", "kernel/drivers/net", "kernel/drivers/net/wireguard",
	"kernel/net/sched", "kernel/net/xfrm", "kernel/net/ipv4", "kernel/net/ipv6", "kernel/net/core", "kernel/net/packet", "kernel/net/unix",
}

// moduleTree is the index that depmod wrote into a lib/modules/RELEASE directory.
// kmodule reads modules.dep and modules.builtin, too, but keeps what it read to
// itself, and no library reads modules.alias.
type moduleTree struct {
	dir     string
	files   map[string]string   // name to file, relative to dir
	depends map[string][]string // name to names
	aliases []moduleAlias
	builtin map[string]bool
}

// moduleAlias gives a module another name, which may hold wildcards.
type moduleAlias struct{ pattern, name string }

func newModuleTree(dir string) *moduleTree {
	return &moduleTree{dir: dir, files: map[string]string{}, depends: map[string][]string{}, builtin: map[string]bool{}}
}

// normal makes dashes underscores, as the kernel and modprobe do in module names.
func normal(name string) string { return strings.ReplaceAll(name, "-", "_") }

// moduleName is the name of the module in a file, which may be compressed.
func moduleName(file string) string {
	name, _, _ := strings.Cut(path.Base(file), ".ko")
	return normal(name)
}

// moduleIndex are depmod's files of which a tree is read, here and in the guest.
var moduleIndex = []string{"modules.dep", "modules.alias", "modules.builtin"}

// loadModules reads a module directory's index. Only modules.dep has to be there.
func loadModules(dir string) (*moduleTree, error) {
	t := newModuleTree(dir)
	for i, parse := range []func(string){t.parseDep, t.parseAlias, t.parseBuiltin} {
		data, err := os.ReadFile(filepath.Join(dir, moduleIndex[i]))
		if err != nil && i == 0 {
			return nil, fmt.Errorf("read modules (depmod has to be run on them first): %w", err)
		}
		parse(string(data))
	}
	return t, nil
}

// parseDep reads modules.dep: "FILE: FILE FILE ...".
func (t *moduleTree) parseDep(text string) {
	for line := range strings.Lines(text) {
		file, deps, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok {
			continue
		}
		name := moduleName(file)
		t.files[name] = file
		for _, dep := range strings.Fields(deps) {
			t.depends[name] = append(t.depends[name], moduleName(dep))
		}
	}
}

// parseAlias reads modules.alias: "alias PATTERN NAME".
func (t *moduleTree) parseAlias(text string) {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) == 3 && f[0] == "alias" {
			t.aliases = append(t.aliases, moduleAlias{normal(f[1]), normal(f[2])})
		}
	}
}

// parseBuiltin reads modules.builtin: a file in each line.
func (t *moduleTree) parseBuiltin(text string) {
	for line := range strings.Lines(text) {
		t.builtin[moduleName(strings.TrimSpace(line))] = true
	}
}

// lookup returns the modules that a name or an alias stands for.
func (t *moduleTree) lookup(name string) []string {
	name = normal(name)
	if _, ok := t.files[name]; ok {
		return []string{name}
	}
	var found []string
	for _, a := range t.aliases {
		if ok, _ := path.Match(a.pattern, name); ok && !slices.Contains(found, a.name) {
			found = append(found, a.name)
		}
	}
	return found
}

// closure returns the named modules and all that they depend on, every module after
// its dependencies. Names that the tree does not have are passed over.
func (t *moduleTree) closure(names []string) []string {
	var order []string
	seen := map[string]bool{}
	var visit func(string)
	visit = func(name string) {
		if _, ok := t.files[name]; !ok || seen[name] {
			return
		}
		seen[name] = true
		for _, dep := range t.depends[name] {
			visit(dep)
		}
		order = append(order, name)
	}
	for _, name := range names {
		for _, n := range t.lookup(name) {
			visit(n)
		}
	}
	return order
}

// preload returns what to load at boot: the wanted modules, but none of the late ones
// nor what depends on one of them.
func (t *moduleTree) preload(want, late []string) []string {
	drop := map[string]bool{}
	for _, name := range late {
		for _, n := range t.lookup(name) {
			drop[n] = true
		}
	}
	for _, name := range t.closure(want) { // dependencies come first
		for _, dep := range t.depends[name] {
			drop[name] = drop[name] || drop[dep]
		}
	}
	var kept []string
	for _, name := range want {
		for _, n := range t.lookup(name) {
			if !drop[n] && !slices.Contains(kept, n) {
				kept = append(kept, n)
			}
		}
	}
	return kept
}

// selection returns the modules that go into the guest: the wanted ones and those
// that the kernel may ask for, with their dependencies.
func (t *moduleTree) selection(want []string) []string {
	names := slices.Clone(want)
	var more []string
	for name, file := range t.files {
		if slices.Contains(onDemand, path.Dir(file)) {
			more = append(more, name)
		}
	}
	slices.Sort(more)
	return t.closure(append(names, more...))
}
