// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"iter"
	"maps"
	"os/exec"
	"testing"

	"github.com/cilium/ebpf/btf"
	"github.com/synwatch/synwatch/pkg/needs"
)

func typesOf(types ...btf.Type) iter.Seq2[btf.Type, error] {
	return func(yield func(btf.Type, error) bool) {
		for _, t := range types {
			if !yield(t, nil) {
				return
			}
		}
	}
}

func TestSubsystemReasons(t *testing.T) {
	got := map[uint32]string{}
	addSubsystemReasons(got, typesOf(
		&btf.Int{Name: "int"},
		&btf.Enum{Name: "skb_drop_reason", Values: []btf.EnumValue{{Name: "SKB_DROP_REASON_SUBSYS_MASK", Value: 0xffff0000}}},
		&btf.Enum{Name: "ovs_drop_reason", Values: []btf.EnumValue{
			{Name: "__OVS_DROP_REASON", Value: 3 << 16}, {Name: "OVS_DROP_LAST_ACTION", Value: 3<<16 + 1},
		}},
		&btf.Enum{Name: "other_drop_reason", Values: []btf.EnumValue{{Name: "OF_NO_SUBSYSTEM", Value: 7}}},
		&btf.Enum{Name: "ovs_action", Values: []btf.EnumValue{{Name: "LARGE", Value: 1 << 20}}},
	))
	want := map[uint32]string{3<<16 + 1: "OVS_DROP_LAST_ACTION"}
	if !maps.Equal(got, want) {
		t.Fatalf("%v, want %v", got, want)
	}
}

// Looking for names takes a while, so that a reason without one must not be looked
// for again and again.
func TestReasonOfASubsystem(t *testing.T) {
	looks := 0
	d := decoder{reasons: map[uint32]string{2: "NOT_SPECIFIED"}, more: func() map[uint32]string {
		looks++
		return map[uint32]string{3<<16 + 1: "OVS_DROP_LAST_ACTION"}
	}}
	for _, tt := range []struct {
		n    uint32
		want string
	}{
		{0, ""}, {2, "NOT_SPECIFIED"}, {9, "9"}, {3<<16 + 1, "OVS_DROP_LAST_ACTION"},
		{5 << 16, "327680"}, {5 << 16, "327680"},
	} {
		if got := d.reason(tt.n); got != tt.want {
			t.Errorf("reason %d is %q, want %q", tt.n, got, tt.want)
		}
	}
	if looks != 2 {
		t.Errorf("looked %d times", looks)
	}
	if got := (&decoder{}).reason(5 << 16); got != "327680" {
		t.Errorf("without reasons: %q", got)
	}
}

// The names are where we look for them on a kernel that has openvswitch.
func TestSubsystemReasonsOfTheKernel(t *testing.T) {
	_ = exec.Command("modprobe", "openvswitch").Run()
	needs.File(t, "/sys/kernel/btf/openvswitch")
	k, err := readKernel("")
	if err != nil {
		t.Fatal(err)
	}
	needs.Hooks(t, k.reasons != nil, "the kernel has no drop reasons")
	for _, name := range k.subsystemReasons() {
		if name == "OVS_DROP_LAST_ACTION" {
			return
		}
	}
	t.Errorf("openvswitch's reasons are not among %v", k.subsystemReasons())
}
