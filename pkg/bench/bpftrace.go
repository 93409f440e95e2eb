// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"net/netip"
	"regexp"
	"strconv"
)

// Bpftrace are the two ways to trace drops with bpftrace: counting by reason,
// and printing each with its source.
var Bpftrace = []Contender{
	{Name: "bpftrace-count", Command: "bpftrace", Optional: true, Start: bpftrace(countScript, format{shows: countShows, report: countReport})},
	{Name: "bpftrace-print", Command: "bpftrace", Optional: true, Start: bpftrace(printScript, format{shows: printShows, report: printReport})},
}

const (
	countScript = `tracepoint:skb:kfree_skb { @[args->reason] = count(); }
interval:ms:10 { print(@); }`
	printScript = `tracepoint:skb:kfree_skb {
	$skb = (struct sk_buff *)args->skbaddr;
	$ip = (struct iphdr *)($skb->head + $skb->network_header);
	printf("%d %s\n", args->reason, ntop($ip->saddr));
}`
)

func bpftrace(script string, f format) func(context.Context, Watched) (Tracer, error) {
	return func(ctx context.Context, w Watched) (Tracer, error) {
		return startCommand(ctx, f, w, "bpftrace", func(string) []string { return []string{"-B", "line", "-e", script} })
	}
}

// countLine is an entry of the map: the reason and how often it was.
var countLine = regexp.MustCompile(`^@\[(\d+)\]: (\d+)$`)

func countShows(line []byte, _ netip.Addr) bool { return countLine.Match(bytes.TrimSpace(line)) }

// countReport reads the last count of each reason.
func countReport(lines iter.Seq[[]byte], _ Watched) (report Report, err error) {
	last := map[string]uint64{}
	for line := range lines {
		m := countLine.FindSubmatch(line)
		if m == nil {
			continue
		}
		if last[string(m[1])], err = strconv.ParseUint(string(m[2]), 10, 64); err != nil {
			return report, fmt.Errorf("read what bpftrace wrote: %w", err)
		}
	}
	for _, n := range last {
		report.Drops += n
	}
	return report, nil
}

func printShows(line []byte, source netip.Addr) bool {
	_, src, ok := bytes.Cut(bytes.TrimSpace(line), []byte(" "))
	return ok && string(src) == source.String()
}

// printReport counts the lines about the sources. bpftrace reports lost events in other
// lines.
func printReport(lines iter.Seq[[]byte], w Watched) (report Report, err error) {
	for line := range lines {
		_, src, _ := bytes.Cut(bytes.TrimSpace(line), []byte(" "))
		if a, err := netip.ParseAddr(string(src)); err == nil && w.Sources.Contains(a) {
			report.Drops++
			report.Source = true
		}
	}
	return report, nil
}
