// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"

	"github.com/synwatch/synwatch/pkg/host"
)

// holders says who has the entries, as far as the table was looked through.
func holders(h *host.Holders) []Evidence {
	if h == nil || h.Entries == 0 {
		return nil
	}
	found := []Evidence{value("sources in the table", uint64(len(h.BySource)))}
	if h.Established > 0 {
		found = append(found, Evidence{What: "entries of established connections", Value: fmt.Sprint(h.Established), Where: percent(h.Established, h.Entries)})
	}
	if r := Covering(h.BySource, h.Entries); r != nil {
		found = append(found, Evidence{What: "entries of " + r.Prefix.String(), Value: fmt.Sprint(r.Count), Where: fmt.Sprintf("%s, from %s", percent(r.Count, h.Entries), count(r.Sources, "source"))})
	}
	return found
}

func percent(n, of uint64) string { return fmt.Sprintf("%d %% of %d", n*100/max(of, 1), of) }

// whoHolds is what to do about those who fill the table.
func (f *Facts) whoHolds() []Change {
	h := f.Space.Holders
	if h != nil {
		if r := Covering(h.BySource, h.Entries); r != nil {
			return []Change{
				do(fmt.Sprintf("talk to the operators of %s, or limit it: nft add rule ... ip saddr %s ct count over 1000 drop", r.Prefix, r.Prefix),
					"this range alone holds most of the table, so that a larger table will fill as well; often a NAT there forgets connections without closing them"),
				f.shorterTimeout(), {
					Do: "take its entries out of the table", Command: "conntrack -D -s " + r.Prefix.String(), Why: "at once there is room for the others; they come back while the cause lasts",
				},
			}
		}
	}
	return []Change{
		do("see who holds the entries: synwatch conntrack", "where one range holds most of them, a larger table will fill as well"),
		f.shorterTimeout(),
	}
}

// shorterTimeout is a day: connections that live longer mostly send keepalives.
func (f *Facts) shorterTimeout() Change {
	return set(ctEstablished, 24*60*60, "a client that vanished holds its entry for this long; the kernel's default is five days, and connections that live longer mostly have keepalives every two hours")
}

// largerTable doubles the table if it takes no more than a twentieth of the
// memory.
func (f *Facts) largerTable() []Change {
	_, limit, known := f.table()
	if !known || f.System.Memory == 0 {
		return []Change{do("raise "+ctMax+" as far as memory allows, and the hash table with it", fmt.Sprintf("an entry takes about %d bytes", entrySize))}
	}
	if 2*limit*entrySize > f.System.Memory/20 {
		return []Change{do("do not track what needs no tracking: notrack rules for busy ports", "a table of twice the size would take about "+f.share(2*limit*entrySize))}
	}
	changes := []Change{set(ctMax, 2*limit, "an entry takes about 320 bytes, the full table about "+f.share(2*limit*entrySize))}
	if n, ok := f.number(ctBuckets); !ok || n < limit/2 {
		changes = append(changes, hashSize(limit/2, "a quarter of the new limit, so that chains stay at four entries"))
	}
	return append(changes, Change{
		Do:      "have the module loaded before the sysctls are set at boot",
		Command: "echo nf_conntrack > /etc/modules-load.d/nf_conntrack.conf",
		Why:     "else the lines of sysctl files find no net.netfilter, and do nothing",
	})
}

// hashSize goes by the module's parameter, as older kernels show the number of
// buckets as a sysctl that cannot be written.
func hashSize(buckets uint64, why string) Change {
	return Change{
		Do:      fmt.Sprintf("a hash table of %d buckets; for good: options nf_conntrack hashsize=%d in /etc/modprobe.d/nf_conntrack.conf", buckets, buckets),
		Command: fmt.Sprintf("echo %d > /sys/module/nf_conntrack/parameters/hashsize", buckets),
		Why:     why,
	}
}

// buckets is as many as the table may have entries: 8 bytes each.
func (f *Facts) buckets(limit uint64) Change {
	return hashSize(limit, "one bucket for an entry; they take "+f.share(limit*8))
}
