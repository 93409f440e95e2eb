// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"errors"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/synwatch/synwatch/pkg/needs"
)

func newTestLoader(t *testing.T) *loader {
	t.Helper()
	needs.Root(t)
	k, err := readKernel("")
	if err != nil {
		t.Fatal(err)
	}
	l, err := newLoader(k, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.close)
	return l
}

// Where one program of a hook fails, the other is detached and unloaded.
func TestAttachAllOrNone(t *testing.T) {
	l := newTestLoader(t)
	var loaded []*ebpf.Program
	refuse := errors.New("refused")
	all, err := attachAll([]string{"raw_tp_kfree_skb", "raw_tp_kfree_skb"}, l.program, func(_ string, p *ebpf.Program) (link.Link, error) {
		loaded = append(loaded, p)
		if len(loaded) > 1 {
			return nil, refuse
		}
		return link.AttachRawTracepoint(link.RawTracepointOptions{Name: "kfree_skb", Program: p})
	})
	if !errors.Is(err, refuse) || len(all) != 0 || len(loaded) != 2 {
		t.Fatalf("%d of %d programs attached, %v", len(all), len(loaded), err)
	}
	for i, p := range loaded {
		if fd := p.FD(); fd >= 0 {
			t.Errorf("program %d is still loaded, as file %d", i, fd)
		}
	}
}

// The programs for kprobe.multi have another value of by_multi than the others.
func TestMapForMulti(t *testing.T) {
	l := newTestLoader(t)
	for m, want := range map[*ebpf.Map]byte{l.multi: 1, l.maps[wayMap]: 0} {
		value, err := m.LookupBytes(uint32(0))
		if err != nil || value[0] != want {
			t.Errorf("%v: %v, %v, want %d", m, value, err, want)
		}
	}
}
