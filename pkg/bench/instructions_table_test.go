// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const countedTable = `**6.12**, linux-image-6.12.1 6.12.1-1

| scenario | sources | untraced | floor-empty | floor-count | synwatch | ratio |
|---|---|---|---|---|---|---|
| closed-port | 65,536 | 3,690 | +26 | +281 | +1,000 | 0.787 |
| clean | - | 75,210 | -3 | - | +8,400 | 0.900 |
`

func TestCountedMarkdown(t *testing.T) {
	if diff := cmp.Diff(countedTable, counted().Markdown()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestPutCounted puts tables into a document again and again: what is around them
// stays, and so does the table of another kernel.
func TestPutCounted(t *testing.T) {
	document := "before\n" + countsBegin + countsEnd + "after\n"
	put := func(c Counted) {
		t.Helper()
		var err error
		if document, err = PutCounted(document, []Counted{c}); err != nil {
			t.Fatal(err)
		}
	}
	other := counted()
	other.Kernel, other.Package = "7.x", "linux-binary-7.3.4 7.3.4-1~bpo13+1"
	for _, c := range []Counted{counted(), other, counted()} {
		put(c)
	}
	want := "before\n" + countsBegin + "\n" + countedTable + "\n" + other.Markdown() + "\n" + countsEnd + "after\n"
	if diff := cmp.Diff(want, document); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	got, err := ParseCounted(document)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Counted{counted(), other}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestParseCountedIsMalformed(t *testing.T) {
	for name, document := range map[string]string{
		"no tables":  "text\n",
		"no end":     countsBegin + countedTable,
		"no kernel":  countsBegin + "| clean | - | 1 | - | - | - | 1.000 |\n" + countsEnd,
		"few cells":  countsBegin + "**6.12**, x\n| clean | - | 1 |\n" + countsEnd,
		"a word":     countsBegin + strings.Replace(countedTable, "+281", "many", 1) + countsEnd,
		"plain text": countsBegin + countedTable + "text\n" + countsEnd,
	} {
		if got, err := ParseCounted(document); err == nil {
			t.Errorf("%s: no error, but %+v", name, got)
		}
	}
}
