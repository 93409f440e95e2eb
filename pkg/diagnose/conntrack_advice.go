// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"
	"net/netip"

	"github.com/synwatch/synwatch/pkg/conntrack"
	"github.com/synwatch/synwatch/pkg/shell"
	"github.com/synwatch/synwatch/pkg/text"
)

// holderEvidence says who has the entries, where the table was read.
func holderEvidence(h *conntrack.Summary) []Evidence {
	if h == nil || h.Entries == 0 {
		return nil
	}
	found := []Evidence{value("sources in the table", uint64(h.NumAddresses))}
	if len(h.States) > 0 {
		most := h.States[0]
		found = append(found, Evidence{What: "entries in " + most.Kind.String(), Value: fmt.Sprint(most.Entries), Where: percent(most.Entries, h.Entries)})
	}
	if g := h.Chief(); g != nil {
		where := fmt.Sprintf("%s, from %s, %s", percent(g.Entries, h.Entries), text.Count(g.Addresses, "source"), g.Mostly)
		if g.MedianOf > 0 {
			where += fmt.Sprintf(", median %s %s", h.Since, span(g.Median))
		}
		found = append(found, Evidence{What: "entries of " + network(g.Prefix), Value: fmt.Sprint(g.Entries), Where: where})
	}
	return found
}

func percent(n, of uint64) string { return fmt.Sprintf("%d %% of %d", n*100/max(of, 1), of) }

// largestHolder names the prefix with most of the table's entries, empty where there
// is none or the table was not read.
func largestHolder(h *conntrack.Summary) string {
	if h == nil || h.Chief() == nil {
		return ""
	}
	g := h.Chief()
	return fmt.Sprintf("%s holds %d %% of it, %s", network(g.Prefix), g.Entries*100/h.Entries, g.Mostly)
}

// seeHolders is what to do where nobody's entries are to be deleted: it is not known
// who fills the table, or it has room now.
func (f *Facts) seeHolders() []Change {
	return append([]Change{
		{
			Do: "see who holds the entries", Command: f.inNetns(shell.New("synwatch", "conntrack")),
			Why: "where one range holds most of them, a larger table will fill as well",
		},
	}, f.shorterTimeout()...)
}

// holderChanges is what to do about the sources that fill the table.
func (f *Facts) holderChanges() []Change {
	h := f.Space.Holders
	if h == nil || h.Chief() == nil {
		return f.seeHolders()
	}
	g := h.Chief()
	d := conntrack.Deletion{Src: g.Prefix, Kind: g.Mostly}
	changes := []Change{
		{
			Do: "take its entries out of the table", Command: f.inNetns(d.Command()),
			Why: fmt.Sprintf("it frees %s at once; they come back while the cause lasts", text.Count(int(g.MostlyEntries), g.Mostly.String()+" entry")),
		},
		do(fmt.Sprintf("talk to the operators of %s, or limit it: nft add rule ... %s saddr %s ct count over 1000 drop", network(g.Prefix), nftFamily(g.Prefix), network(g.Prefix)),
			"this range alone holds most of the table, so that a larger table will fill as well"+whyHeld(g.Mostly)),
	}
	return append(changes, f.shorterTimeout()...)
}

// network is a prefix, or an address, in words.
func network(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

func nftFamily(p netip.Prefix) string {
	if p.Addr().Is4() {
		return "ip"
	}
	return "ip6"
}

// inNetns is a command as it is run for the namespace.
func (f *Facts) inNetns(c shell.Command) shell.Command { return c.By(f.Space.Enter) }

// largerTable doubles the table, or gives it the kernel's own size, if it takes no more than a twentieth of the
// memory.
func (f *Facts) largerTable() []Change {
	_, limit, known := f.table()
	if !known || f.System.Memory == 0 {
		return []Change{do("raise "+ctMax+" as far as memory allows, and the hash table with it", fmt.Sprintf("an entry takes about %d bytes", entrySize))}
	}
	want := max(2*limit, f.usualTable())
	if want*entrySize > f.System.Memory/20 {
		return []Change{do("do not track what needs no tracking: notrack rules for busy ports", fmt.Sprintf("a table of %d would take about %s", want, f.share(want*entrySize)))}
	}
	changes := []Change{set(ctMax, want, "an entry takes about 320 bytes, the full table about "+f.share(want*entrySize))}
	if n, ok := f.number(ctBuckets); !ok || n < want/4 {
		changes = append(changes, hashSize(want/4, "a quarter of the new limit, so that chains stay at four entries"))
	}
	return append(changes, Change{
		Do:      "have the module loaded before the sysctls are set at boot",
		Command: shell.New("echo", "nf_conntrack").Into("/etc/modules-load.d/nf_conntrack.conf"),
		Why:     "else the lines of sysctl files find no net.netfilter, and do nothing",
	})
}

// hashSize goes by the module's parameter, as older kernels show the number of
// buckets as a sysctl that cannot be written.
func hashSize(buckets uint64, why string) Change {
	return Change{
		Do:      fmt.Sprintf("a hash table of %d buckets; for good: options nf_conntrack hashsize=%d in /etc/modprobe.d/nf_conntrack.conf", buckets, buckets),
		Command: shell.New("echo", fmt.Sprint(buckets)).Into("/sys/module/nf_conntrack/parameters/hashsize"),
		Why:     why,
	}
}

// buckets is as many as the table may have entries: 8 bytes each.
func (f *Facts) buckets(limit uint64) Change {
	return hashSize(limit, "one bucket for an entry; they take "+f.share(limit*8))
}
