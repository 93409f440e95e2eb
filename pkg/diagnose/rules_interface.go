// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/synwatch/synwatch/pkg/nstat"
	"github.com/synwatch/synwatch/pkg/shell"
)

var interfaceRules = []Rule{
	{
		ID:    "interface-losses",
		When:  "an interface lost packets for want of room in its ring or memory (rx_missed_errors, rx_fifo_errors, the driver's own counters)",
		Means: "packets of all connections are lost before the kernel sees them: a SYN is sent again after a second, other segments sooner; no counter of TCP shows it",
		Find:  interfaceLosses,
	},
}

// oneInSoManyPackets is from what share on lost packets are a warning: of bursts
// while a machine boots, say, a few are lost everywhere.
const oneInSoManyPackets = 10 * oneInSoMany

func interfaceLosses(f *Facts) *Finding {
	lossy := slices.Clone(f.Space.Interfaces)
	lossy = slices.DeleteFunc(lossy, func(i nstat.Interface) bool { return i.Lost() == 0 })
	if len(lossy) == 0 {
		return nil
	}
	slices.SortStableFunc(lossy, func(a, b nstat.Interface) int { return cmp.Compare(b.Lost(), a.Lost()) })
	x := &Finding{Severity: Note, Title: "interfaces lost packets before the kernel saw them"}
	if len(lossy) == 1 {
		x.Title = lossy[0].Name + " lost packets before the kernel saw them"
	}
	for _, i := range lossy[:min(len(lossy), 3)] {
		x.Evidence = append(x.Evidence, f.losses(&i)...)
		if lost := i.Lost(); lost >= least && lost >= (i.Packets+lost)/oneInSoManyPackets {
			x.Severity = Warning
		}
	}
	worst := lossy[0].Name
	x.Changes = []Change{
		{
			Do: "see how long the interface's receive ring is and may be, and make it as long as it may: ethtool -G with rx", Command: f.inNetns(shell.New("ethtool", "-g", worst)),
			Why: "the ring was full when packets came; a longer one takes longer bursts",
		},
		do("spread its interrupts and queues over more CPUs (ethtool -L, /proc/interrupts)", "a ring also overflows where one CPU empties it too slowly, and then a longer one only helps against bursts"),
	}
	return x
}

// losses are an interface's counters. Several may count the same packets.
func (f *Facts) losses(i *nstat.Interface) []Evidence {
	var found []Evidence
	for _, l := range i.Losses {
		all := i.Packets + l.Count
		what := i.Name + " " + l.Counter
		if l.Driver {
			what += " (ethtool -S)"
		}
		found = append(found, Evidence{
			What: what, Value: fmt.Sprint(l.Count),
			Where: fmt.Sprintf("%.2g %% of %d, %s", float64(l.Count)*100/float64(max(all, 1)), all, f.when()),
		})
	}
	return found
}
