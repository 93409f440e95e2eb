// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
)

func document(t *testing.T, table *Table) *Document {
	t.Helper()
	var b bytes.Buffer
	table.WriteMarkdown(&b)
	d, err := ParseDocument(&b)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestRegressions(t *testing.T) {
	cell := func(cause, stage, family, status, why string) Report {
		return Report{Cause: cause, Stage: stage, Family: family, Status: status, Why: why}
	}
	before := document(t, NewTable([]Column{
		{Name: "6.1", Release: "6.1.0-56", Reports: []Report{
			cell("stray-ack", "listener", "v4", StatusExact, ""), cell("stray-ack", "listener", "v6", StatusExact, ""),
			cell("paws-handshake", "", "v4", StatusExact, ""), cell("(benign: no record)", "", "v4", StatusExact, ""),
			cell("conntrack-clash", "", "v4", StatusSkip, "a | b"), cell("rst-attack", "", "v4", StatusExact, "")}},
		{Name: "7.x", Reports: []Report{cell("stray-ack", "listener", "v4", StatusExact, ""), cell("paws-handshake", "", "v4", StatusUnseen, "no hook")}},
		{Name: "6.12-rt", Reports: []Report{cell("stray-ack", "listener", "v4", StatusExact, "")}},
	}))
	now := NewTable([]Column{
		{Name: "7.x", Release: "7.4.1", Reports: []Report{cell("stray-ack", "listener", "v4", StatusExact, ""), cell("paws-handshake", "", "v4", StatusSkip, "not here")}},
		{Name: "6.1", Release: "6.1.0-99", Reports: []Report{
			cell("stray-ack", "listener", "v4", StatusExact, ""), cell("stray-ack", "listener", "v6", StatusUnseen, "no hook"),
			cell("paws-handshake", "", "v4", StatusSkip, "not here"), cell("(benign: no record)", "", "v4", StatusFail, ""),
			cell("a-new-cause", "", "v4", StatusSkip, "not yet")}},
		{Name: "8.x", Reports: []Report{cell("stray-ack", "listener", "v4", StatusUnseen, "a new kernel")}},
	})
	want := []string{
		"stray-ack/listener v6 on 6.1 was exact and is now unseen (no hook)",
		"paws-handshake v4 on 6.1 was exact and is now skip (not here)",
		"(benign: no record) v4 on 6.1 was exact and is now FAIL",
		"rst-attack v4 on 6.1 was exact and is now missing",
	}
	if got := now.Regressions(before); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got := now.MissingColumns(before); !slices.Equal(got, []string{"6.12-rt"}) {
		t.Errorf("missing %v", got)
	}
}

// TestParseTheDocument reads the table in docs, in which every kernel has exact cells.
func TestParseTheDocument(t *testing.T) {
	f, err := os.Open("../../docs/kernels.md")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d, err := ParseDocument(f)
	if err != nil {
		t.Fatal(err)
	}
	if key := (tableKey{"accept-queue-full", "syn", "mapped"}); d.cells[cellKey{key, "5.10"}] != StatusExact {
		t.Errorf("%v on 5.10 is %q", key, d.cells[cellKey{key, "5.10"}])
	}
	for _, name := range d.columns {
		if !slices.Contains(MatrixNames(), name) {
			t.Errorf("column %s is no kernel of the matrix", name)
		}
	}
	lost := (&Table{columns: []Column{{Name: "6.12"}}}).Regressions(d)
	if len(lost) < 100 {
		t.Errorf("a run on 6.12 that reports nothing loses %d cells", len(lost))
	}
}

func TestParseDocumentRefuses(t *testing.T) {
	for _, text := range []string{"", "# no table\n", "| cause | stage | family | 6.1 |\n", "| cause | stage | family | **6.1** |\n| x |  | v4 | exact | exact |\n"} {
		if d, err := ParseDocument(strings.NewReader(text)); err == nil {
			t.Errorf("%q: got %+v", text, d)
		}
	}
}
