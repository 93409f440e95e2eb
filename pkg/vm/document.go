// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

const documentHead = `<!-- Made by vm matrix --table. Do not edit. -->

# Causes and kernels

Every cause is provoked for real on every kernel, in network namespaces of a virtual machine. **exact**: each drop was
named with its cause and its source, the counts are exactly those of what was provoked, nothing else was named, and the
kernel's own counters agree. **unseen**: it happens, and this kernel does not show it one by one. **skip**: it cannot be
provoked there. **–**: the run did not come to it. Numbers are those of the notes below the table; [causes.md](causes.md)
says what each cause is, and [vm.md](vm.md) how to run this. [flavours.md](flavours.md) has other kernels, and what is
expected of those of other distributions.

`

// WriteMarkdown writes the table as a document of its own. Equal results give equal
// documents: how long a run took, and on what, is not in it.
func (t *Table) WriteMarkdown(w io.Writer) {
	io.WriteString(w, documentHead)
	head := []string{"cause", "stage", "family"}
	for _, c := range t.columns {
		name := "**" + c.Name + "**"
		if c.Release != "" && c.Release != c.Name {
			name += "<br>" + c.Release
		}
		head = append(head, name)
	}
	writeRow(w, head)
	fmt.Fprintln(w, strings.Repeat("|---", len(head))+"|")
	for _, r := range joinFamilies(t.rows) {
		writeRow(w, append([]string{linked(r.cause), r.stage, r.family}, r.cells...))
	}
	for i, n := range t.notes {
		if i == 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "- \\[%d] %s\n", i+1, escape(n))
	}
}

func writeRow(w io.Writer, cells []string) {
	for i := range cells {
		cells[i] = escape(cells[i])
	}
	fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | "))
}

func escape(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

var causeID = regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)

// linked links a cause to its explanation.
func linked(cause string) string {
	if causeID.MatchString(cause) {
		return fmt.Sprintf("[%s](causes.md#%s)", cause, cause)
	}
	return cause
}

// joinFamilies makes one row of neighbours that differ in nothing but the family.
func joinFamilies(rows []tableRow) []tableRow {
	var out []tableRow
	for _, r := range rows {
		if n := len(out); n > 0 && out[n-1].cause == r.cause && out[n-1].stage == r.stage && slices.Equal(out[n-1].cells, r.cells) {
			out[n-1].family += ", " + r.family
			continue
		}
		out = append(out, r)
	}
	return out
}
