// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"iter"
	"maps"
)

// Table keeps something of each network namespace. User space and the kernel's
// records may know different parts of an ID: where one of them has no cookie, a
// namespace is that which had the inode number last. A record with another cookie
// than that shows that the number was given to another namespace.
type Table[V any] struct {
	byID   map[ID]*V
	latest map[uint32]ID
}

// NewTable returns an empty table.
func NewTable[V any]() *Table[V] {
	return &Table[V]{byID: map[ID]*V{}, latest: map[uint32]ID{}}
}

// Get returns what is kept of a namespace, nil if nothing is. A cookie that was
// not known of the namespace before is kept with it.
func (t *Table[V]) Get(id ID) *V {
	if v := t.byID[id]; v != nil {
		return v
	}
	latest, ok := t.latest[id.Inode]
	if !ok || latest.Differs(id) {
		return nil
	}
	v := t.byID[latest]
	if id.Cookie != 0 {
		t.Remove(latest)
		t.Add(id, v)
	}
	return v
}

// Add keeps something of a namespace, which from now on is the one that has the
// inode number.
func (t *Table[V]) Add(id ID, v *V) {
	t.byID[id] = v
	t.latest[id.Inode] = id
}

// Remove forgets a namespace.
func (t *Table[V]) Remove(id ID) {
	delete(t.byID, id)
	if t.latest[id.Inode] == id {
		delete(t.latest, id.Inode)
	}
}

// Latest says whether a namespace is the last that is known to have its inode
// number.
func (t *Table[V]) Latest(id ID) bool { return t.latest[id.Inode] == id }

// Len is how many namespaces something is kept of.
func (t *Table[V]) Len() int { return len(t.byID) }

// All lists them in no order. Those that are removed meanwhile are left out.
func (t *Table[V]) All() iter.Seq2[ID, *V] { return maps.All(t.byID) }
