// SPDX-License-Identifier: Apache-2.0

package provoke

import "strconv"

// conntrackOutput are our own packets that connection tracking refuses on the way
// out, and counts like those that come in.
var conntrackOutput = []Provocation{
	{
		Cause: "conntrack-table-full", Variant: "output", Families: []Family{V4, V6, Mapped}, Global: true,
		Needs: []string{featStateRules, featConntrackDump},
		Run:   play(listenerDefaults.with(alone, "yes"), conntrackOutputData),
	},
	{
		Cause: "conntrack-table-full", Variant: "own-connect", Families: []Family{V4, V6}, Global: true,
		Needs: []string{featStateRules, featConntrackDump},
		Run:   play(listenerDefaults.with(alone, "yes"), conntrackOwnConnect),
	},
}

// conntrackOutputData sends data on connections whose entries are gone, while the
// table is full.
func conntrackOutputData(b *bench) Expect {
	ln, clients := b.listen(8), b.clients()
	b.rule(output, ln.addr, track)
	peers := b.rawPeers(clients, ln)
	var servers []*stream
	for i := range peers {
		servers = append(servers, b.accept(ln, i))
	}
	b.flushConntrack()
	limit := b.fillTable()
	for _, s := range servers {
		b.whileFull(limit, func() { s.write("data") })
		s.reset()
	}
	n := uint64(len(clients))
	return b.expect("conntrack-table-full", "", ln.addr, clients,
		map[string]uint64{"Conntrackdrop": n, "Conntrackinvalid": n}) // the resets belong to no entry
}

// conntrackOwnConnect has the server connect to the client.
func conntrackOwnConnect(b *bench) Expect {
	ln := b.listen(8)
	b.rule(output, ln.addr, track)
	b.flushConntrack()
	limit := b.fillTable()
	for range ownAttempts {
		b.whileFull(limit, func() { b.connectOnce(b.peer()) })
	}
	return b.expectOwn(b.peer(), Drop{Cause: "conntrack-table-full"}, map[string]uint64{"Conntrackdrop": ownAttempts})
}

// fillTable makes connections, whose entries are assured, so that
// nf_conntrack_core.c:early_drop cannot make room, and returns how many there are.
func (b *bench) fillTable() int {
	b.overfill(b.listen(2))
	return b.conntrackCount()
}

// whileFull does something while the table has no room.
func (b *bench) whileFull(limit int, do func()) {
	b.atomically("netfilter/nf_conntrack_max", strconv.Itoa(limit), do)
}
