// SPDX-License-Identifier: Apache-2.0

// Command measure compares "synwatch conntrack" with other ways to read a
// connection tracking table: how long each takes, and how much memory. The table
// is in a network namespace of its own, which ends with the command; it needs
// root. Nothing else is changed: where nf_conntrack_max is lower than the entries
// asked for, there are fewer.
package main

import (
	"flag"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"

	"github.com/synwatch/synwatch/pkg/conntrack"
	"github.com/synwatch/synwatch/pkg/conntrack/conntracktest"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/vishvananda/netlink"
)

func main() {
	entries := flag.Int("entries", 524288, "how many there are to be in the table")
	rounds := flag.Int("rounds", 5, "how often each is run, in turns; the fastest run counts")
	synwatch := flag.String("synwatch", "build/synwatch", "the `FILE` to measure")
	worst := flag.Bool("worst", false, "give every entry a source of its own, of IPv6")
	list := flag.Bool("list", true, "measure vishvananda/netlink's list, too, which takes long in a VM")
	show := flag.Bool("show", false, "also show what synwatch says")
	only := flag.String("only", "", "read the table of this namespace by bare or list")
	flag.Parse()
	err := readOnly(*only)
	if *only == "" {
		fill := conntracktest.OneRange
		if *worst {
			fill = conntracktest.AllDistinct
		}
		err = netns.InsideNew(func() error { return measure(fill, *entries, *rounds, *synwatch, *list, *show) })
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(1)
	}
}

// contender is a way to read the table.
type contender struct {
	name  string
	argv  []string
	times []time.Duration
	user  time.Duration // the last run's
	sys   time.Duration
	peak  int64 // kB of resident memory; of the shell's children too
}

func measure(fill func(int) iter.Seq[conntracktest.Entry], entries, rounds int, synwatch string, list, show bool) error {
	table, err := conntrack.InNetns(netns.ID{}, func(*conntrack.NetnsTable) error { return nil })
	if err != nil {
		return err
	}
	entries = min(entries, int(table.Max)-int(table.Count))
	if err := conntracktest.Fill(fill(entries)); err != nil {
		return err
	}
	contenders := []*contender{
		{name: "bare dump", argv: []string{"/proc/self/exe", "-only", "bare"}},
		{name: "synwatch conntrack", argv: []string{synwatch, "conntrack"}},
	}
	if list {
		contenders = append(contenders, &contender{name: "netlink.ConntrackTableList", argv: []string{"/proc/self/exe", "-only", "list"}})
	}
	if _, err := exec.LookPath("conntrack"); err == nil {
		contenders = append(contenders, &contender{name: "conntrack -L | wc -l", argv: []string{"sh", "-c", "conntrack -L 2>/dev/null | wc -l"}})
	}
	for range rounds {
		for _, c := range contenders {
			if err := c.run(false); err != nil {
				return err
			}
		}
	}
	report(contenders, entries)
	if !show {
		return nil
	}
	return contenders[1].run(true)
}

func (c *contender) run(show bool) error {
	cmd := exec.Command(c.argv[0], c.argv[1:]...)
	cmd.Stderr = os.Stderr
	if show {
		cmd.Stdout = os.Stdout
	}
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	c.times = append(c.times, time.Since(began))
	c.user, c.sys = cmd.ProcessState.UserTime(), cmd.ProcessState.SystemTime()
	c.peak = max(c.peak, cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
	return nil
}

func report(contenders []*contender, entries int) {
	bare := slices.Min(contenders[0].times)
	fmt.Printf("%d entries\n%-28s %9s %9s %7s %7s %7s %9s\n", entries, "", "FASTEST", "MEDIAN", "× BARE", "USER", "SYSTEM", "PEAK RSS")
	for _, c := range contenders {
		slices.Sort(c.times)
		peak := fmt.Sprintf("%.1f MB", float64(c.peak)/1024)
		if c.argv[0] == "sh" {
			peak = "-" // the shell's
		}
		fmt.Printf("%-28s %7.0fms %7.0fms %7.2f %5.0fms %5.0fms %9s\n", c.name, float64(c.times[0].Microseconds())/1000,
			float64(c.times[len(c.times)/2].Microseconds())/1000, c.times[0].Seconds()/bare.Seconds(),
			c.user.Seconds()*1000, c.sys.Seconds()*1000, peak)
	}
	fmt.Println("Peak RSS is at least that of measure itself, from which each is started.")
}

func readOnly(how string) error {
	var n int
	var err error
	switch how {
	case "bare":
		n, err = conntracktest.CountMessages()
	case "list":
		var flows []*netlink.ConntrackFlow
		flows, err = netlink.ConntrackTableList(netlink.ConntrackTable, netlink.FAMILY_ALL)
		n = len(flows)
	}
	if how != "" {
		fmt.Println(n)
	}
	return err
}
