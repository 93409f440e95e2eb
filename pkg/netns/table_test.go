// SPDX-License-Identifier: Apache-2.0

package netns

import "testing"

func TestTable(t *testing.T) {
	known, other := ID{Cookie: 7, Inode: 1}, ID{Cookie: 8, Inode: 1}
	nameless := ID{Inode: 1}
	for name, test := range map[string]struct {
		added []ID
		asked ID
		want  int // of those added, from 1; 0 for none
	}{
		"nothing":                            {nil, known, 0},
		"the same":                           {[]ID{known}, known, 1},
		"another of the number":              {[]ID{known}, other, 0},
		"without a cookie":                   {[]ID{known}, nameless, 1},
		"without a cookie: the last":         {[]ID{known, other}, nameless, 2},
		"the one before":                     {[]ID{known, other}, known, 1},
		"a cookie that was not known":        {[]ID{nameless}, known, 1},
		"not that of one that is known":      {[]ID{known, nameless}, known, 1},
		"of the one that came after a known": {[]ID{known, nameless}, other, 2},
		"another number":                     {[]ID{nameless}, ID{Cookie: 7, Inode: 2}, 0},
	} {
		table := NewTable[int]()
		for i, id := range test.added {
			n := i + 1
			table.Add(id, &n)
		}
		got := 0
		if v := table.Get(test.asked); v != nil {
			got = *v
		}
		if got != test.want {
			t.Errorf("%s: got number %d, want %d", name, got, test.want)
		}
	}
}

func TestTableKeepsTheCookieItLearns(t *testing.T) {
	table, first, next := NewTable[int](), ID{Cookie: 7, Inode: 1}, ID{Cookie: 8, Inode: 1}
	n := 1
	table.Add(ID{Inode: 1}, &n)
	if table.Get(first) != &n || table.Get(next) != nil || table.Get(ID{Inode: 1}) != &n || table.Len() != 1 || !table.Latest(first) {
		t.Errorf("%+v", table)
	}
	table.Remove(first)
	if table.Get(ID{Inode: 1}) != nil || table.Len() != 0 {
		t.Errorf("%+v", table)
	}
}
