// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/synwatch/synwatch/pkg/needs"
)

// kind is what skips are counted by.
type kind struct {
	reason needs.Reason
	why    string
}

// counted is how many tests were skipped for one kind, and in which files that is
// said.
type counted struct {
	tests int
	files []string
}

// sumFiles prints how many tests were skipped, and why, in all files.
func sumFiles(files []string, stdout io.Writer) error {
	sum := map[kind]*counted{}
	total := 0
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		skips, err := readSkips(f)
		f.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".log")
		for _, s := range skips {
			k := kind{s.Reason, s.Why}
			if sum[k] == nil {
				sum[k] = &counted{}
			}
			sum[k].tests++
			total++
			if !slices.Contains(sum[k].files, name) {
				sum[k].files = append(sum[k].files, name)
			}
		}
	}
	fmt.Fprintf(stdout, "skipped: %d tests\n", total)
	for _, k := range slices.SortedFunc(maps.Keys(sum), func(a, b kind) int {
		return cmp.Or(cmp.Compare(a.reason, b.reason), cmp.Compare(a.why, b.why))
	}) {
		fmt.Fprintf(stdout, "%5d  %s: %s (%s)\n", sum[k].tests, k.reason, strings.TrimSpace(k.why), strings.Join(sum[k].files, ", "))
	}
	return nil
}

// readSkips finds the lines that pkg/needs writes.
func readSkips(r io.Reader) ([]needs.Skip, error) {
	var skips []needs.Skip
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		text, ok := strings.CutPrefix(lines.Text(), needs.Prefix)
		if !ok {
			continue
		}
		var s needs.Skip
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			return nil, fmt.Errorf("%q: %w", lines.Text(), err)
		}
		skips = append(skips, s)
	}
	return skips, lines.Err()
}
