// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/synwatch/synwatch/pkg/conntrack"
	"github.com/synwatch/synwatch/pkg/netns"
	"github.com/synwatch/synwatch/pkg/text"
	"github.com/synwatch/synwatch/pkg/view"
	"golang.org/x/sys/unix"
)

// conntrackOptions is what the flags of conntrack say.
type conntrackOptions struct {
	by     view.ConntrackBy
	states []string
	zone   *uint16
	family uint8
	netns  uint32
	top    int
	json   bool
	output string
	color  string
}

// conntrackTable is the connection tracking of a network namespace.
type conntrackTable struct {
	conntrack.NetnsTable
	dump func(ctx context.Context, family uint8, fn func(*conntrack.Entry)) (conntrack.Dumped, error)
	shut func() error
}

func newConntrack(e *env) *cobra.Command {
	o := conntrackOptions{top: 10}
	cmd := &cobra.Command{
		Use:   "conntrack",
		Short: "Show who fills the connection tracking table",
		Long: `conntrack reads the connection tracking table once and shows how full it is: the
entries by protocol and state, the prefixes and the sources that hold the most,
and the destination ports. From 80 % on it ends with the commands that would delete
them. It does not run them, and changes nothing.

A prefix is the narrowest one that contains its entries; it is listed if it has at
least 1 % of the table. MEDIAN IDLE is the time since the last packet, computed from
the remaining timeouts; MEDIAN AGE, shown where nf_conntrack_timestamp is on, is the
time since the first packet.

It needs root, or CAP_NET_ADMIN.`,
		Example: `  synwatch conntrack
  synwatch conntrack --by prefix --top 20
  synwatch conntrack --by src --state SYN_SENT,SYN_RECV
  synwatch conntrack --netns web --zone 7 --family ipv6
  synwatch conntrack --json | jq 'select(.by == "prefix")'`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return e.showConntrack(cmd.Context(), &o) },
	}
	f := cmd.Flags()
	f.Var(valueOf(&o.by, "WHAT", parseBy), "by", "show only the entries by src, dst, dport, state or prefix")
	f.Var(listOf(&o.states, "STATE", parseState), "state", "count only entries in these states, e.g. ESTABLISHED (repeatable, or with commas)")
	f.Var(valueOf(&o.zone, "N", parseZone), "zone", "count only entries of this conntrack zone")
	f.Var(valueOf(&o.family, "FAMILY", parseFamily), "family", "count only ipv4 or ipv6")
	f.Var(valueOf(&o.netns, "NETNS", netns.Resolve), "netns", "read the table of this network namespace, given by ip-netns name, path, process ID or inode number")
	f.Var(valueOf(&o.top, "N", parseTop), "top", "show this many of each (default 10)")
	f.BoolVar(&o.json, "json", false, "write JSON, an object a line (schema 1)")
	f.StringVarP(&o.output, "output", "o", "", "write to this `FILE` instead of the standard output")
	f.StringVar(&o.color, "color", "auto", "colour the text, `WHEN` is auto (on a terminal), always or never")
	return cmd
}

// openConntrack opens the table of a network namespace by its inode number, 0 for
// this one.
func openConntrack(inode uint32) (conntrackTable, error) {
	// Huge pages would make a third more of it resident than is used. Where they
	// cannot be had or be done without, nothing is lost.
	_ = unix.Prctl(unix.PR_SET_THP_DISABLE, 1, 0, 0, 0)
	var conn *conntrack.Conn
	t, err := conntrack.InNetns(netns.ID{Inode: inode}, func(*conntrack.NetnsTable) (err error) {
		conn, err = conntrack.Open()
		return err
	})
	switch {
	case errors.Is(err, conntrack.ErrNotLoaded), errors.Is(err, fs.ErrPermission):
		return conntrackTable{}, fmt.Errorf("%w: %w", conntrack.ErrCannot, err)
	case err != nil:
		return conntrackTable{}, err
	}
	return conntrackTable{t, conn.Dump, conn.Close}, nil
}

func (e *env) showConntrack(ctx context.Context, o *conntrackOptions) (err error) {
	palette, err := text.NewPalette(o.color, e.stdout, e.environ)
	if err != nil {
		return usageError{fmt.Errorf("--color %s: %w", o.color, err)}
	}
	machine, err := e.machine()
	if err != nil {
		return err
	}
	out, err := e.openOutput(ctx, o.output)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	defer collectLate()()
	report, err := e.readConntrack(ctx, o)
	if err != nil {
		return err
	}
	report.Machine, report.Version = machine, version()
	if err := out.truncate(); err != nil {
		return err
	}
	if o.json {
		return report.JSON(out)
	}
	if o.output != "" && o.color == "auto" {
		palette = text.Palette{}
	}
	return report.Text(out, palette)
}

// readConntrack reads the table and sums it up.
func (e *env) readConntrack(ctx context.Context, o *conntrackOptions) (r view.ConntrackReport, err error) {
	table, err := e.conntrack(o.netns)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, table.shut()) }()
	r = view.ConntrackReport{
		Time: e.now(), Table: table.NetnsTable, Top: o.top,
		By: o.by, States: o.states, Zone: o.zone, IPv4: o.family == unix.AF_INET, IPv6: o.family == unix.AF_INET6,
	}
	tally := conntrack.NewTally(conntrack.Options{
		ByDestination: o.by == view.ByDst, NoAddresses: o.by == view.ByDport || o.by == view.ByState,
		States: o.states, Zone: o.zone,
	}, conntrack.NewClock(r.Time, table.Sysctl))
	if r.Dumped, err = table.dump(ctx, o.family, tally.Add); err != nil {
		return r, err
	}
	r.Took = e.now().Sub(r.Time)
	r.Summary = tally.Summary(o.top)
	return r, nil
}

func parseBy(s string) (view.ConntrackBy, error) {
	all := []string{view.BySrc, view.ByDst, view.ByDport, view.ByState, view.ByPrefix}
	if !slices.Contains(all, s) {
		return "", errors.New("must be src, dst, dport, state or prefix")
	}
	return s, nil
}

func parseState(s string) (string, error) {
	all := conntrack.StateNames()
	if s = strings.ToUpper(s); !slices.Contains(all, s) {
		return "", fmt.Errorf("must be a state, one of %s", strings.Join(all, ", "))
	}
	return s, nil
}

func parseZone(s string) (*uint16, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil {
		return nil, errors.New("must be a zone from 0 to 65535")
	}
	zone := uint16(n)
	return &zone, nil
}

func parseFamily(s string) (uint8, error) {
	switch s {
	case "ipv4":
		return unix.AF_INET, nil
	case "ipv6":
		return unix.AF_INET6, nil
	}
	return 0, errors.New("must be ipv4 or ipv6")
}

func parseTop(s string) (int, error) {
	const most = 100_000
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > most {
		return 0, fmt.Errorf("must be a number from 1 to %d", most)
	}
	return n, nil
}
