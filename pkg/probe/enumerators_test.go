// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"bytes"
	"errors"
	"testing"

	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"

	"github.com/synwatch/synwatch/pkg/needs"
)

// rawBTF has types of every kind that has something behind it, with an enum after them.
func rawBTF(t *testing.T) []byte {
	t.Helper()
	number := &btf.Int{Name: "int", Size: 4}
	member := btf.Member{Name: "m", Type: number}
	proto := &btf.FuncProto{Return: number, Params: []btf.FuncParam{{Name: "p", Type: number}}}
	types := []btf.Type{
		number, &btf.Pointer{Target: number}, &btf.Array{Type: number, Index: number, Nelems: 3},
		&btf.Struct{Name: "s", Size: 4, Members: []btf.Member{member}}, &btf.Union{Name: "u", Size: 4, Members: []btf.Member{member}},
		&btf.Fwd{Name: "f"}, &btf.Typedef{Name: "t", Type: number}, &btf.Const{Type: number}, proto,
		&btf.Func{Name: "fn", Type: proto, Linkage: btf.GlobalFunc}, &btf.Float{Name: "d", Size: 8},
		&btf.Enum{Name: "wide", Size: 8, Values: []btf.EnumValue{{Name: "WIDE", Value: 1 << 40}}},
		&btf.Enum{Size: 4, Values: []btf.EnumValue{{Name: "ZERO", Value: 0}, {Name: "SEVEN", Value: 7}}},
	}
	b, err := btf.NewBuilder(types, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := b.Marshal(nil, btf.KernelMarshalOptions())
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestReadEnumerators(t *testing.T) {
	got, err := readEnumerators(bytes.NewReader(rawBTF(t)), map[string]bool{"ZERO": true, "SEVEN": true, "NONE": true, "s": true})
	if diff := cmp.Diff(map[string]uint32{"ZERO": 0, "SEVEN": 7}, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestReadEnumeratorsOfSomethingElse(t *testing.T) {
	if _, err := readEnumerators(bytes.NewReader([]byte("\x7fELF and so on, which is longer")), nil); !errors.Is(err, errNotRaw) {
		t.Errorf("got %v", err)
	}
	raw := rawBTF(t)
	whole, _ := readEnumerators(bytes.NewReader(raw), map[string]bool{"SEVEN": true})
	for n := range len(raw) {
		got, err := readEnumerators(bytes.NewReader(raw[:n]), map[string]bool{"SEVEN": true})
		if err == nil && len(got) > len(whole) {
			t.Errorf("%d bytes of %d: %v", n, len(raw), got)
		}
	}
}

// They are the same as a library finds.
func TestEnumeratorsOfThisKernel(t *testing.T) {
	needs.File(t, kernelBTF)
	k := &kernel{}
	if err := k.loadBTF(); err != nil {
		t.Fatal(err)
	}
	all, err := k.mibEnums()
	if err != nil {
		t.Fatal(err)
	}
	wanted := map[string]bool{}
	for name := range all {
		wanted[name] = true
	}
	got, err := enumeratorsOf(kernelBTF, wanted)
	if diff := cmp.Diff(all, got); err != nil || diff != "" || len(all) < 100 {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func BenchmarkEnumerators(b *testing.B) {
	k := &kernel{}
	needs.File(b, kernelBTF)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := k.mibIndices(); err != nil {
			b.Fatal(err)
		}
	}
}
