// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/cilium/ebpf/btf"

	"github.com/synwatch/synwatch/pkg/needs"
)

// The library reads the same, more slowly.
func TestMIBIndicesAreTheLibrarys(t *testing.T) {
	needs.File(t, kernelBTF)
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]uint32{}
	for typ, err := range spec.All() {
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := typ.(*btf.Enum); ok && e.Name == "" && len(e.Values) > 0 {
			if first := e.Values[0].Name; first == "LINUX_MIB_NUM" || first == "IPSTATS_MIB_NUM" {
				for _, v := range e.Values {
					want[v.Name] = uint32(v.Value)
				}
			}
		}
	}
	got, err := (&kernel{}).mibIndices()
	if err != nil || !maps.Equal(got, want) || got["LINUX_MIB_LISTENDROPS"] == 0 {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

func TestMIBIndicesOfAFile(t *testing.T) {
	mib := &btf.Enum{Size: 4, Values: []btf.EnumValue{{Name: "LINUX_MIB_NUM"}, {Name: "LINUX_MIB_LISTENDROPS", Value: 21}}}
	number := &btf.Int{Name: "int", Size: 4}
	file := func(types ...btf.Type) string {
		b, err := btf.NewBuilder(types, nil)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := b.Marshal(nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "btf")
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	// Others before and after, of each kind.
	before := []btf.Type{
		&btf.Array{Index: number, Type: number, Nelems: 2},
		&btf.Struct{Name: "s", Size: 4, Members: []btf.Member{{Name: "m", Type: &btf.Pointer{Target: number}}}},
		&btf.Union{Name: "u", Size: 4, Members: []btf.Member{{Name: "m", Type: number}}},
		&btf.Enum{Name: "named", Size: 4, Values: []btf.EnumValue{{Name: "LINUX_MIB_NUM", Value: 1}}},
		&btf.Enum{Size: 4, Values: []btf.EnumValue{{Name: "OTHER", Value: 2}}},
		&btf.Enum{Name: "large", Size: 8, Values: []btf.EnumValue{{Name: "LARGE", Value: 1 << 40}}},
		&btf.Fwd{Name: "f"}, &btf.Typedef{Name: "t", Type: &btf.Const{Type: &btf.Volatile{Type: number}}},
		&btf.Func{Name: "fn", Type: &btf.FuncProto{Return: number, Params: []btf.FuncParam{{Name: "p", Type: number}}}},
		&btf.Float{Name: "float", Size: 4}, &btf.TypeTag{Value: "tag", Type: number},
	}
	got, err := (&kernel{file: file(append(before, mib, number)...)}).mibIndices()
	if want := map[string]uint32{"LINUX_MIB_NUM": 0, "LINUX_MIB_LISTENDROPS": 21}; err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if got, err := (&kernel{file: file(before...)}).mibIndices(); err == nil {
		t.Errorf("got %v from a file without them", got)
	}
}

// Whatever is cut off, it is an error and no panic.
func TestParseTypesOfDamagedBTF(t *testing.T) {
	b, err := btf.NewBuilder([]btf.Type{&btf.Enum{Size: 4, Values: []btf.EnumValue{{Name: "A"}}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := b.Marshal(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		if _, err := parseTypes(whole[:n]); err == nil {
			t.Errorf("the first %d bytes of %d are taken for all", n, len(whole))
		}
	}
	if _, err := parseTypes(whole); err != nil {
		t.Error(err)
	}
	r := rawTypes{types: []byte{0, 0, 0, 0, 9, 0, 0, 6, 0, 0, 0, 0}}
	for _, err := range r.namelessEnums() {
		if err == nil {
			t.Error("an enum without its members is taken for one")
		}
	}
}
