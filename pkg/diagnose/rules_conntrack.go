// SPDX-License-Identifier: Apache-2.0

package diagnose

import "fmt"

const (
	ctCount       = "net.netfilter.nf_conntrack_count"
	ctMax         = "net.netfilter.nf_conntrack_max"
	ctBuckets     = "net.netfilter.nf_conntrack_buckets"
	ctEstablished = "net.netfilter.nf_conntrack_tcp_timeout_established"
	// entrySize is roughly the memory of an entry, struct nf_conn with its
	// extensions and slab; /proc/slabinfo, which root may read, has it exactly.
	entrySize = 320
	// fiveDays is the kernel's timeout of an established connection, in seconds
	// (net/netfilter/nf_conntrack_proto_tcp.c:tcp_timeouts).
	fiveDays = 5 * 24 * 60 * 60
)

const conntrackMeans = "every new connection through or to this machine hangs in connect(), as its first packet is dropped; those that are open go on"

const gatewayMeans = "every new connection through this machine, or to it, hangs in connect(), for all who are behind it, as its first packet is dropped, and UDP gets no answer; those that are open go on"

var conntrackRules = []Rule{
	{
		ID:    "conntrack-full",
		When:  "the connection tracking table is 80 % full, or 95 % (critical)",
		Means: conntrackMeans,
		Find:  conntrackFull,
	},
	{
		ID:    "conntrack-drops",
		When:  "Conntrackdrop moved by more than Conntrackinsert_failed, and the table is not full now",
		Means: conntrackMeans,
		Find:  conntrackDrops,
	},
	{
		ID:    "conntrack-early-drops",
		When:  "Conntrackearly_drop moved, as entries were evicted to make room, and the table is not full now",
		Means: "a connection whose handshake was not complete lost its entry; behind NAT, or with rules for invalid packets, it hangs",
		Find:  conntrackEarlyDrops,
	},
	{
		ID:    "conntrack-insert-failed",
		When:  "Conntrackinsert_failed moved",
		Means: "a client's connect() hangs for a second or more: its first packet was dropped as another entry took the same addresses and ports",
		Find:  conntrackInsertFailed,
	},
	{
		ID:    "conntrack-chains",
		When:  "Conntrackchainlength moved",
		Means: "a client's connect() hangs: its first packet was dropped for want of buckets",
		Find:  conntrackChains,
	},
	{
		ID:    "conntrack-buckets",
		When:  "the hash table has fewer buckets than a quarter of net.netfilter.nf_conntrack_max",
		Means: "every packet costs more time the fuller the table is, as chains get long; from some length on new connections are dropped",
		Find:  conntrackBuckets,
	},
	{
		ID:    "conntrack-timeout",
		When:  "the table is half full, or more, an idle connection keeps its entry for five days or more, and most entries are of ESTABLISHED (warning), or it is not known of what",
		Means: "nothing yet: clients that vanish without closing hold entries for days, until the table is full and connect() hangs for all",
		Find:  conntrackTimeout,
	},
}

// table is how full the connection tracking table is.
func (f *Facts) table() (entries, limit uint64, known bool) {
	entries, ok1 := f.number(ctCount)
	limit, ok2 := f.number(ctMax)
	return entries, limit, ok1 && ok2 && limit > 0
}

func (f *Facts) tableEvidence() []Evidence {
	entries, limit, known := f.table()
	if !known {
		return nil
	}
	fill := Evidence{What: ctCount, Value: fmt.Sprint(entries), Where: fmt.Sprintf("%d %% of %d; about %s", entries*100/limit, limit, f.share(entries*entrySize))}
	return append([]Evidence{fill}, f.inForce(ctMax)...)
}

// nearlyFull says whether the table is so full that conntrack-full has it, with all
// that belongs to that.
func (f *Facts) nearlyFull() bool {
	entries, limit, known := f.table()
	return known && entries*100 >= limit*80
}

func conntrackFull(f *Facts) *Finding {
	if !f.nearlyFull() {
		return nil
	}
	entries, limit, _ := f.table()
	x := &Finding{Severity: Warning, Title: "the connection tracking table is filling up", Evidence: f.tableEvidence()}
	if entries*100 >= limit*95 {
		x.Severity, x.Title = Critical, "the connection tracking table is full"
	}
	if f.forwards() {
		x.Title, x.Means = x.Title+" on a gateway", gatewayMeans
	}
	if who := largestHolder(f.Space.Holders); who != "" {
		x.Title += ": " + who
	}
	x.Evidence = append(x.Evidence, f.counted("Conntrackdrop", "Conntrackearly_drop")...)
	x.Evidence = append(x.Evidence, f.gatewayEvidence()...)
	x.Evidence = append(x.Evidence, holderEvidence(f.Space.Holders)...)
	x.Evidence = append(x.Evidence, f.timeoutEvidence()...)
	x.Changes = append(f.holderChanges(), f.largerTable()...)
	return x
}

// clashes is how many packets were dropped as their entry could not be inserted, for
// another reason than a long chain, which counts as both.
func (f *Facts) clashes() uint64 {
	n := f.sum("Conntrackinsert_failed")
	return n - min(n, f.sum("Conntrackchainlength"))
}

// tableDrops is how many packets found no room. Since 4.7 (71d8c47fc653) a clash that is not
// resolved counts as drop as well as insert_failed
// (net/netfilter/nf_conntrack_core.c:nf_ct_resolve_clash).
func (f *Facts) tableDrops() uint64 {
	n := f.sum("Conntrackdrop")
	if f.before(4, 7) {
		return n
	}
	return n - min(n, f.clashes())
}

func conntrackDrops(f *Facts) *Finding {
	n := f.tableDrops()
	if n == 0 || f.nearlyFull() {
		return nil
	}
	x := &Finding{
		Severity: f.severityOf(n), Title: "connection tracking dropped packets",
		Evidence: append(f.counted("Conntrackdrop", "Conntrackinsert_failed"), f.tableEvidence()...),
		Changes: []Change{do("see for which cause and whose they are: synwatch trace --cause conntrack-table-full,conntrack-clash",
			"this counts packets that found the table full")},
	}
	if all := f.sum("Conntrackdrop"); n < all {
		x.Evidence[0].Where += fmt.Sprintf("; %d of them without those of Conntrackinsert_failed, which count as both", n)
	}
	return x
}

func conntrackEarlyDrops(f *Facts) *Finding {
	n := f.sum("Conntrackearly_drop")
	if n == 0 || f.nearlyFull() {
		return nil
	}
	return &Finding{
		Severity: f.severityOf(n), Title: "connection tracking evicted entries to make room",
		Evidence: append(f.counted("Conntrackearly_drop", "Conntrackdrop"), f.tableEvidence()...),
		Changes:  f.seeHolders(),
	}
}

func conntrackInsertFailed(f *Facts) *Finding {
	n := f.clashes()
	if n == 0 {
		return nil
	}
	x := &Finding{
		Severity: f.severityOf(n), Title: "connection tracking could not insert entries",
		Evidence: append(f.counted("Conntrackinsert_failed", "Conntrackdrop"), f.gatewayEvidence()...),
		Changes: []Change{
			do("see whose they are: synwatch trace --cause conntrack-clash,conntrack-insert-failed",
				"two connections got the same addresses and ports at the same time, as UDP queries of one socket do, too; the trace says whether source NAT had chosen them"),
		},
	}
	nat := f.natEvidence()
	x.Evidence = append(x.Evidence, nat...)
	for _, c := range natChanges() {
		question := "does this machine do source NAT for them?"
		if nat != nil {
			question = "is it source NAT that had chosen their ports, as the trace says?"
		}
		x.Changes = append(x.Changes, c.ask(question))
	}
	for _, c := range dnsChanges()[:1] {
		x.Changes = append(x.Changes, c.ask("are they DNS queries over UDP, of A and AAAA in one socket?"))
	}
	return x
}

func conntrackChains(f *Facts) *Finding {
	n := f.sum("Conntrackchainlength")
	if n == 0 {
		return nil
	}
	x := &Finding{
		Severity: f.severityOf(n), Title: "chains of the connection tracking hash table were too long",
		Evidence: append(append(f.counted("Conntrackchainlength"), f.tableEvidence()...), f.inForce(ctBuckets)...),
	}
	if _, limit, known := f.table(); known {
		x.Changes = []Change{f.buckets(limit)}
	}
	return x
}

func conntrackBuckets(f *Facts) *Finding {
	entries, limit, known := f.table()
	buckets, ok := f.number(ctBuckets)
	if !known || !ok || buckets == 0 || buckets >= limit/4 {
		return nil
	}
	x := &Finding{
		Severity: Note, Title: "the connection tracking hash table is small for its limit",
		Evidence: append(append(f.inForce(ctBuckets), f.inForce(ctMax)...),
			Evidence{What: "entries a bucket", Value: fmt.Sprintf("%.1f", float64(entries)/float64(buckets)), Where: fmt.Sprintf("%.1f when the table is full", float64(limit)/float64(buckets))}),
		Changes: []Change{hashSize(limit/4, "a quarter of the limit; the buckets take "+f.share(limit/4*8))},
	}
	if entries > 4*buckets {
		x.Severity = Warning
	}
	return x
}

func conntrackTimeout(f *Facts) *Finding {
	entries, limit, known := f.table()
	timeout, ok := f.number(ctEstablished)
	if !known || !ok || timeout < fiveDays || entries*2 < limit || f.nearlyFull() {
		return nil
	}
	kind, readTable := mostKind(f.Space.Holders)
	if readTable && (kind == nil || kind.Protocol() != "tcp" || kind.State != established) {
		return nil
	}
	x := &Finding{
		Severity: Note, Title: "idle connections keep their entries for days in a table that fills",
		Evidence: append(append(f.inForce(ctEstablished), f.tableEvidence()...), holderEvidence(f.Space.Holders)...),
		Changes:  f.shorterTimeout(),
	}
	if readTable {
		x.Severity = Warning
	}
	return x
}
