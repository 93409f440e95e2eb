// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/cilium/ebpf"

	"github.com/synwatch/synwatch/pkg/event"
)

// loader makes the maps once and then one program at a time, so that one which
// this kernel does not take costs only its own hook.
type loader struct {
	spec      *ebpf.CollectionSpec
	kernel    *kernel
	maps      map[string]*ebpf.Map
	opts      ebpf.CollectionOptions
	variables map[string]*ebpf.Variable
	// modules are those whose types the programs may use.
	modules []string
	// refused says of a mode why no hook can have it on this kernel.
	refused map[event.Mode]error
	// multi is the map of the variable by_multi for programs that kprobe.multi attaches.
	multi *ebpf.Map
}

// wayMap holds the variable by_multi alone: see bpf/config.h.
const wayMap = ".rodata.way"

func newLoader(k *kernel, o Options) (*loader, error) {
	spec, err := loadBpf()
	if err != nil {
		return nil, fmt.Errorf("parse programs: %w", err)
	}
	if err := k.setVariables(spec); err != nil {
		return nil, err
	}
	if err := o.apply(spec); err != nil {
		return nil, err
	}
	l := &loader{spec: spec, kernel: k, refused: refusedModes(k, o.Without)}
	if l.multi, err = mapForMulti(spec); err != nil {
		return nil, fmt.Errorf("create maps: %w", err)
	}
	l.useKernelBTF()
	coll, err := ebpf.NewCollection(&ebpf.CollectionSpec{
		Maps: spec.Maps, Variables: spec.Variables, Types: spec.Types, ByteOrder: spec.ByteOrder,
	})
	if err != nil {
		return nil, fmt.Errorf("create maps: %w", errors.Join(err, l.multi.Close()))
	}
	l.maps, l.variables = coll.Maps, coll.Variables
	return l, o.Filter.fill(l.maps)
}

// useKernelBTF gives the kernel's types to the programs that are loaded from now on.
func (l *loader) useKernelBTF() {
	l.kernel.giveTypes(&l.opts)
}

// release releases the types that useKernelBTF and useModuleBTF have loaded, and all
// programs but those that will be loaded later.
func (l *loader) release(later []string) {
	maps.DeleteFunc(l.spec.Programs, func(name string, _ *ebpf.ProgramSpec) bool { return !slices.Contains(later, name) })
	l.opts.Cache, l.opts.Programs, l.modules = nil, ebpf.ProgramOptions{}, nil
	l.kernel.releaseBTF()
}

func (l *loader) close() {
	for _, m := range l.maps {
		m.Close()
	}
	l.multi.Close()
}

// mapForMulti makes the map in which by_multi is true.
func mapForMulti(spec *ebpf.CollectionSpec) (*ebpf.Map, error) {
	const name = "by_multi"
	multi := &ebpf.CollectionSpec{
		Maps:      map[string]*ebpf.MapSpec{wayMap: spec.Maps[wayMap]},
		Variables: map[string]*ebpf.VariableSpec{name: spec.Variables[name]},
		Types:     spec.Types, ByteOrder: spec.ByteOrder,
	}
	multi = multi.Copy()
	if err := setVariables(multi, map[string]any{name: true}); err != nil {
		return nil, err
	}
	coll, err := ebpf.NewCollection(multi)
	if err != nil {
		return nil, err
	}
	defer coll.Close()
	return coll.DetachMap(wayMap), nil
}

// useModuleBTF gives the types of a loaded module to the programs that are loaded from
// now on, where the kernel has them.
func (l *loader) useModuleBTF(module string) {
	if module == "" || slices.Contains(l.modules, module) {
		return
	}
	if spec, err := l.opts.Cache.Module(module); err == nil {
		l.modules = append(l.modules, module)
		l.opts.Programs.ExtraRelocationTargets = append(l.opts.Programs.ExtraRelocationTargets, spec)
	}
}

// program loads one program; it shares the maps.
func (l *loader) program(name string) (*ebpf.Program, error) {
	return l.programFor(name, func(*ebpf.ProgramSpec) {}, l.maps)
}

// multiProgram loads a kprobe's program for kprobe.multi.
func (l *loader) multiProgram(name string) (*ebpf.Program, error) {
	shared := maps.Clone(l.maps)
	shared[wayMap] = l.multi
	return l.programFor(name, func(p *ebpf.ProgramSpec) { p.AttachType = ebpf.AttachTraceKprobeMulti }, shared)
}

func (l *loader) programFor(name string, change func(*ebpf.ProgramSpec), shared map[string]*ebpf.Map) (*ebpf.Program, error) {
	spec, ok := l.spec.Programs[name]
	if !ok {
		return nil, fmt.Errorf("no program %s", name)
	}
	spec = spec.Copy()
	change(spec)
	one := &ebpf.CollectionSpec{
		Maps:      l.spec.Maps,
		Programs:  map[string]*ebpf.ProgramSpec{name: spec},
		Types:     l.spec.Types,
		ByteOrder: l.spec.ByteOrder,
	}
	opts := l.opts
	opts.MapReplacements = shared
	coll, err := ebpf.NewCollectionWithOptions(one, opts)
	if err != nil {
		return nil, err
	}
	defer coll.Close()
	return coll.DetachProgram(name), nil
}

// apply writes the options into the programs' variables and sets the sizes of the maps.
func (o *Options) apply(spec *ebpf.CollectionSpec) error {
	f := &o.Filter
	for name, n := range map[string]int{
		"src_prefixes": len(f.Src), "dst_prefixes": len(f.Dst),
		"ports": len(f.Ports), "namespaces": len(f.Netns),
	} {
		spec.Maps[name].MaxEntries = uint32(max(n, 1))
	}
	if o.MaxSources > 0 {
		spec.Maps["tally_a"].MaxEntries = uint32(o.MaxSources)
		spec.Maps["tally_b"].MaxEntries = uint32(o.MaxSources)
	}
	if o.EveryDrop {
		spec.Maps["details"].MaxEntries *= 2
	}
	return setVariables(spec, map[string]any{
		"filter_src":   len(f.Src) > 0,
		"filter_dst":   len(f.Dst) > 0,
		"filter_port":  len(f.Ports) > 0,
		"filter_netns": len(f.Netns) > 0,
		"filter_proto": len(f.Protos) > 0,
		"every_drop":   o.EveryDrop,

		"wanted_protos":     f.protos(),
		"filter_directions": f.directions(),
	})
}

// fill puts the filter's lists into their maps.
func (f *Filter) fill(maps map[string]*ebpf.Map) error {
	put := func(name string, key, value any) error {
		if err := maps[name].Put(key, value); err != nil {
			return fmt.Errorf("fill %s: %w", name, err)
		}
		return nil
	}
	var errs []error
	for _, p := range f.Src {
		errs = append(errs, put("src_prefixes", prefixKey(p), uint8(1)))
	}
	for _, p := range f.Dst {
		errs = append(errs, put("dst_prefixes", prefixKey(p), uint8(1)))
	}
	for _, p := range f.Ports {
		errs = append(errs, put("ports", uint32(p), uint8(1)))
	}
	for _, n := range f.Netns {
		errs = append(errs, put("namespaces", n, uint64(0)))
	}
	return errors.Join(errs...)
}

// prefixKey is the prefix of the IPv4-mapped or IPv6 address.
func prefixKey(p netip.Prefix) bpfPrefix {
	bits := p.Bits()
	if p.Addr().Is4() {
		bits += 96
	}
	return bpfPrefix{Len: uint32(bits), Addr: p.Addr().As16()}
}
