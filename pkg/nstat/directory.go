// SPDX-License-Identifier: Apache-2.0

package nstat

import (
	"strings"

	"github.com/synwatch/synwatch/pkg/netns"
)

// Directory says what there is to say of the network namespaces of a sample. It never
// changes, so that any goroutine may ask it.
type Directory interface {
	// Name returns what people call a namespace, empty for the machine's own, for one
	// without a name and for one that is not in the sample.
	Name(id netns.ID) string
	// Lack says why a counter that the kernel has is missing from a namespace of the
	// sample; nil if that is not so.
	Lack(id netns.ID, counter string) error
}

// directory is that of a Sampler.
type directory struct {
	own uint32
	// spaces are the namespaces, by inode number.
	spaces map[uint32]space
}

// space is a namespace of a sample.
type space struct {
	id netns.ID
	at netns.Location
	// lack is why connection tracking's counters are missing.
	lack error
}

// of finds a namespace.
func (d *directory) of(id netns.ID) (s space, sampled bool) {
	s, sampled = d.spaces[id.Inode]
	return s, sampled && !s.id.Differs(id)
}

func (d *directory) Lack(id netns.ID, counter string) error {
	if s, sampled := d.of(id); sampled && strings.HasPrefix(counter, conntrackHead) {
		return s.lack
	}
	return nil
}

func (d *directory) Name(id netns.ID) string {
	s, sampled := d.of(id)
	if !sampled || id.Inode == d.own {
		return ""
	}
	return s.at.Name()
}
