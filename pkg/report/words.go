// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/synwatch/synwatch/pkg/capture"
	"github.com/synwatch/synwatch/pkg/text"
)

// Times are in UTC: a report is read elsewhere than the capture was made.
const (
	dateTime = "2006-01-02 15:04:05"
	clock    = "15:04:05"
)

// when is a time in words, empty for none.
func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(dateTime)
}

// span is a time from one to another one; of one day it has the date once.
func span(begin, end time.Time) string {
	begin, end = begin.UTC(), end.UTC()
	if begin.Format(time.DateOnly) == end.Format(time.DateOnly) {
		return begin.Format(dateTime) + " to " + end.Format(clock) + " UTC"
	}
	return begin.Format(dateTime) + " to " + end.Format(dateTime) + " UTC"
}

// group sets a number in groups of three digits.
func group(n uint64) string {
	digits := strconv.FormatUint(n, 10)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// counted is a number of things in words, the number in groups.
func counted[N int | uint64](n N, what string) string {
	return group(uint64(n)) + strings.TrimPrefix(text.Count(n, what), fmt.Sprint(n))
}

// share is a part of a whole in percent, rounded but for almost none and almost all.
func share(part, whole uint64) string {
	p := 100 * float64(part) / float64(max(whole, 1))
	switch {
	case part == 0 || whole == 0:
		return "0 %"
	case p < 1:
		return "<1 %"
	case part < whole && p > 99:
		return ">99 %"
	}
	return fmt.Sprintf("%.0f %%", p)
}

// rate is drops a second, with as many digits as say something.
func rate(perSecond float64) string {
	switch {
	case perSecond >= 10:
		return group(uint64(perSecond + 0.5))
	case perSecond > 0 && perSecond < 0.1:
		return "<0.1"
	}
	return strings.TrimSuffix(strconv.FormatFloat(perSecond, 'f', 1, 64), ".0")
}

// address is a source, which may be unknown.
func address(a netip.Addr) string {
	if !a.IsValid() {
		return "unknown"
	}
	return clean(a.String(), maxName) // it may have a zone
}

// fileWord is what a file is called.
func fileWord(name string) string {
	if rest, ok := strings.CutPrefix(name, capture.Stdin); ok && (rest == "" || strings.HasPrefix(rest, ",")) {
		return "standard input" + rest
	}
	return clean(name, maxWords)
}

// hostsWords name some hosts.
func hostsWords(hosts []string) string {
	const named = 3
	if len(hosts) <= named {
		return strings.Join(hosts, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(hosts[:named], ", "), len(hosts)-named)
}

// lineNumbers name skipped lines.
func lineNumbers(s Skipped) string {
	var lines []string
	for _, line := range s.Lines {
		lines = append(lines, clean(line, maxName))
	}
	words := strings.Join(lines, ", ")
	if more := s.Count - uint64(len(s.Lines)); more > 0 {
		words += fmt.Sprintf(" and %d more", more)
	}
	return words
}
