// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
)

// A document has a table of each kernel between these two lines.
const (
	countsBegin = "<!-- Made by make instructions ACCEPT=1. Do not edit. -->\n"
	countsEnd   = "<!-- End of what make instructions made. -->\n"
)

// countColumns are the columns of what contenders add, after those of the load itself.
func countColumns() (names []string) {
	for _, c := range Floors {
		names = append(names, c.Name)
	}
	return append(names, tracer)
}

// Markdown is the table of a kernel, below its name and package.
func (c Counted) Markdown() string {
	var out strings.Builder
	fmt.Fprintf(&out, "**%s**, %s\n\n", c.Kernel, c.Package)
	head := slices.Concat([]string{"scenario", "sources", Untraced.Name}, countColumns(), []string{"ratio"})
	fmt.Fprintf(&out, "| %s |\n%s|\n", strings.Join(head, " | "), strings.Repeat("|---", len(head)))
	for _, l := range c.Loads {
		cells := []string{l.Scenario, showCount("%s", l.Sources), showCount("%s", l.Untraced)}
		for _, name := range countColumns() {
			cells = append(cells, showCount("+%s", l.Added[name]))
		}
		fmt.Fprintf(&out, "| %s | %.3f |\n", strings.Join(cells, " | "), l.ratio())
	}
	return out.String()
}

// showCount writes a number, "-" if it is 0.
func showCount(format string, n int) string {
	switch {
	case n == 0:
		return "-"
	case n < 0:
		format = "%s"
	}
	return fmt.Sprintf(format, humanize.Comma(int64(n)))
}

// readCount is the reverse of showCount.
func readCount(cell string) (int, error) {
	if cell == "-" {
		return 0, nil
	}
	return strconv.Atoi(strings.ReplaceAll(cell, ",", ""))
}

// countTitle is the line above a table.
var countTitle = regexp.MustCompile(`^\*\*(\S+)\*\*, (.+)$`)

// ParseCounted reads the tables of a document.
func ParseCounted(document string) ([]Counted, error) {
	_, tables, _, err := cutCounted(document)
	if err != nil {
		return nil, err
	}
	var all []Counted
	for line := range strings.Lines(tables) {
		line = strings.TrimSpace(line)
		if title := countTitle.FindStringSubmatch(line); title != nil {
			all = append(all, Counted{Kernel: title[1], Package: title[2]})
			continue
		}
		if line == "" || strings.HasPrefix(line, "|---") || strings.HasPrefix(line, "| scenario |") {
			continue
		}
		load, err := parseLoad(line)
		if err == nil && len(all) == 0 {
			err = fmt.Errorf("no kernel above %q", line)
		}
		if err != nil {
			return nil, err
		}
		last := &all[len(all)-1]
		last.Loads = append(last.Loads, load)
	}
	return all, nil
}

// parseLoad reads a row of a table.
func parseLoad(line string) (l LoadCount, err error) {
	cells := strings.Split(strings.Trim(line, "| "), " | ")
	if want := 3 + len(countColumns()) + 1; len(cells) != want {
		return l, fmt.Errorf("%d cells, want %d, in %q", len(cells), want, line)
	}
	numbers := make([]int, len(cells)-2) // without the scenario, and the ratio, which follows from them
	for i := range numbers {
		if numbers[i], err = readCount(cells[i+1]); err != nil {
			return l, fmt.Errorf("read %q: %w", line, err)
		}
	}
	l = LoadCount{cells[0], numbers[0], numbers[1], map[string]int{}}
	for i, name := range countColumns() {
		l.Added[name] = numbers[2+i]
	}
	return l, nil
}

// PutCounted puts the tables of kernels into a document, in the place of those that it has
// of the same kernels.
func PutCounted(document string, counted []Counted) (string, error) {
	before, _, after, err := cutCounted(document)
	if err != nil {
		return "", err
	}
	all, err := ParseCounted(document)
	if err != nil {
		return "", err
	}
	for _, c := range counted {
		at := slices.IndexFunc(all, func(old Counted) bool { return old.Kernel == c.Kernel })
		if at < 0 {
			all = append(all, c)
			continue
		}
		all[at] = c
	}
	var tables []string
	for _, c := range all {
		tables = append(tables, c.Markdown())
	}
	return before + countsBegin + "\n" + strings.Join(tables, "\n") + "\n" + countsEnd + after, nil
}

// cutCounted divides a document into what is before, between and after the two lines.
func cutCounted(document string) (before, tables, after string, err error) {
	before, rest, begins := strings.Cut(document, countsBegin)
	tables, after, ends := strings.Cut(rest, countsEnd)
	if !begins || !ends {
		return "", "", "", fmt.Errorf("no line %q, and later %q", strings.TrimSpace(countsBegin), strings.TrimSpace(countsEnd))
	}
	return before, tables, after, nil
}
