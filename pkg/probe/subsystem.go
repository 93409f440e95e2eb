// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"iter"
	"os"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// subsystemShift is SKB_DROP_REASON_SUBSYS_SHIFT (include/net/dropreason-core.h):
// above it a drop reason holds the number of the subsystem that it is of, since
// 6.4 (commit 071c0fc6fb91). Below it they are the kernel's own.
const subsystemShift = 16

// subsystemReasons names the drop reasons of subsystems. No enum lists them all: each
// subsystem has its own, such as openvswitch's ovs_drop_reason, in the kernel or in a
// module.
func (k *kernel) subsystemReasons() map[uint32]string {
	reasons := map[uint32]string{}
	if k.loadBTF() != nil {
		return reasons
	}
	defer k.releaseBTF()
	addSubsystemReasons(reasons, k.spec.All())
	modules, err := os.ReadDir("/sys/kernel/btf")
	if err != nil {
		return reasons
	}
	for _, m := range modules {
		// One that has no BTF, or is being unloaded, has no names to give.
		if spec, err := k.cache.Module(m.Name()); err == nil {
			addSubsystemReasons(reasons, spec.All())
		}
	}
	return reasons
}

func addSubsystemReasons(reasons map[uint32]string, types iter.Seq2[btf.Type, error]) {
	for t, err := range types {
		if err != nil {
			return
		}
		e, ok := t.(*btf.Enum)
		if !ok || !strings.HasSuffix(e.Name, "_drop_reason") || e.Name == "skb_drop_reason" {
			continue
		}
		for _, v := range e.Values {
			// What begins with underscores marks a range.
			if v.Value>>subsystemShift != 0 && !strings.HasPrefix(v.Name, "__") {
				reasons[uint32(v.Value)] = v.Name
			}
		}
	}
}
