// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"os"
	"path/filepath"
)

// needs says whether the hook shows anything on this kernel that it does not show
// otherwise.
func (k *kernel) needs(h *hook) bool {
	return (h.with == "" || k.has(h.with)) && (h.unless == "" || !k.has(h.unless))
}

// has says whether the kernel has a drop reason, or what one of the names stands for that
// are no drop reasons.
func (k *kernel) has(what string) bool {
	switch what {
	case toldSegments:
		return k.tellsSegments()
	case receivingSocket:
		return k.namesSocket
	case toldMartians:
		return k.reasonNames[reasonLocalSource] || k.handlesMartians()
	case handledMartians:
		return k.handlesMartians()
	case moduleTypes:
		return k.hasModuleTypes()
	}
	return k.reasonNames[what]
}

// tellsSegments says whether the free of a segment tells all that a hook could see of it
// before: bpf/segment.h. An old segment and one beyond the window have reasons of their
// own since 6.3 (commit b44693495af8).
func (k *kernel) tellsSegments() bool {
	return k.namesSocket && k.reasonNames[reasonOldSequence] && k.reasonNames[reasonInvalidSequence] &&
		k.reasonNames[reasonProtoMem] && k.reasonNames["TCP_RFC7323_PAWS"]
}

// handlesMartians says whether, on a kernel without reasons for it, there is a function for
// packets with a source that is refused, and the place of the free tells the others.
func (k *kernel) handlesMartians() bool {
	_, called := k.symbols.functions["ip_handle_martian_source"]
	return called && !k.reasonNames[reasonLocalSource] && k.reasonNames["IP_RPFILTER"] && k.symbols.finishCore.end != 0
}

// hasModuleTypes says whether nf_tables' structures are known: the kernel holds
// them itself, or shows its modules' BTF (since 5.11, commit 36e68442d1af).
func (k *kernel) hasModuleTypes() bool {
	return k.hasMember("nft_chain", "name") ||
		k.own && k.hasMember("module", "btf_data") && modulesCarryBTF("/sys")
}

// modulesCarryBTF says whether the modules' files have BTF in them, from which it may
// have been stripped. nf_tables tells, else any other module; while there is none, they
// may have it. The directory is /sys.
func modulesCarryBTF(sys string) bool {
	exists := func(path string) bool {
		_, err := os.Stat(filepath.Join(sys, path))
		return err == nil
	}
	if exists("module/nf_tables/initstate") { // which one that is built in has not
		return exists("kernel/btf/nf_tables")
	}
	shown, _ := filepath.Glob(filepath.Join(sys, "kernel/btf/*"))
	loaded, _ := filepath.Glob(filepath.Join(sys, "module/*/initstate"))
	return len(shown) > 1 || len(loaded) == 0 // the kernel's own is one of those shown
}
