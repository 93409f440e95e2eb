// SPDX-License-Identifier: Apache-2.0

package causetest

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Recordings are those of all kernels. What several kernels have in common is in
// it once.
type Recordings struct {
	Kernels map[string]*Coverage
	Takes   []Take
	Passed  []Passed
}

// Take is what some kernels gave.
type Take struct {
	Provoked
	// Seen are the families of the traffic by kernel.
	Seen map[string][]string
}

// Passed is an event of which no record came.
type Passed struct {
	Event
	Kernels []string
}

// KernelNames are in the order of the kernels' releases.
func (r *Recordings) KernelNames() []string {
	return slices.SortedFunc(maps.Keys(r.Kernels), compareKernels)
}

// forget removes a kernel.
func (r *Recordings) forget(kernel string) {
	delete(r.Kernels, kernel)
	for _, t := range r.Takes {
		delete(t.Seen, kernel)
	}
	for i := range r.Passed {
		r.Passed[i].Kernels = slices.DeleteFunc(r.Passed[i].Kernels, func(k string) bool { return k == kernel })
	}
}

func (r *Recordings) addTake(p Provoked, kernel, family string) {
	at := slices.IndexFunc(r.Takes, func(t Take) bool { return t.Name == p.Name && reflect.DeepEqual(t.Provoked, p) })
	if at < 0 {
		r.Takes = append(r.Takes, Take{p, map[string][]string{}})
		at = len(r.Takes) - 1
	}
	seen := r.Takes[at].Seen
	if !slices.Contains(seen[kernel], family) {
		seen[kernel] = append(seen[kernel], family)
	}
}

func (r *Recordings) addPassed(e Event, kernel string) {
	at := slices.IndexFunc(r.Passed, func(p Passed) bool { return p.Event == e })
	if at < 0 {
		r.Passed = append(r.Passed, Passed{Event: e})
		at = len(r.Passed) - 1
	}
	if !slices.Contains(r.Passed[at].Kernels, kernel) {
		r.Passed[at].Kernels = append(r.Passed[at].Kernels, kernel)
	}
}

// sort puts everything into the order of the files and removes what no kernel has
// any more.
func (r *Recordings) sort() {
	r.Takes = slices.DeleteFunc(r.Takes, func(t Take) bool { return len(t.Seen) == 0 })
	for _, t := range r.Takes {
		for _, families := range t.Seen {
			slices.Sort(families)
		}
	}
	slices.SortFunc(r.Takes, func(a, b Take) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), slices.CompareFunc(a.Events, b.Events, Compare))
	})
	r.Passed = slices.DeleteFunc(r.Passed, func(p Passed) bool { return len(p.Kernels) == 0 })
	for _, p := range r.Passed {
		slices.SortFunc(p.Kernels, compareKernels)
	}
	slices.SortFunc(r.Passed, func(a, b Passed) int { return Compare(a.Event, b.Event) })
}

// Compare orders events.
func Compare(a, b Event) int {
	return cmp.Or(
		strings.Compare(a.Hook, b.Hook), strings.Compare(a.Reason, b.Reason), strings.Compare(a.Location, b.Location),
		strings.Compare(a.Facts, b.Facts),
		compareBools(a.Src, b.Src), compareBools(a.Dst, b.Dst),
	)
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// compareKernels orders 5.10 before 6.1 before 6.12.
func compareKernels(a, b string) int {
	return cmp.Or(slices.CompareFunc(strings.FieldsFunc(a, notAWord), strings.FieldsFunc(b, notAWord), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
	}), strings.Compare(a, b))
}

func notAWord(r rune) bool { return r == '.' || r == '-' }
