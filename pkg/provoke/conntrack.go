// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"net/netip"
	"strconv"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// A run that has the packets tracked is alone in the lab: what others send is tracked
// too, and some of it is invalid, which the kernel counts.
var conntrack = []Provocation{
	{
		Cause: "conntrack-table-full", Families: []Family{V4, V6}, Global: true,
		Needs: []string{featStateRules, featConntrackDump},
		Run:   play(listenerDefaults.with(alone, "yes"), conntrackTableFull),
	},
	{
		Cause: "conntrack-evicted", Families: []Family{V4, V6}, Global: true,
		Needs: []string{featStateRules, featConntrackDump},
		Run:   play(listenerDefaults.with(alone, "yes").with("ipv4/tcp_syncookies", "2"), conntrackEvicted),
	},
	{
		Cause: "conntrack-clash", Families: []Family{V4, V6}, Needs: []string{featClash},
		Run: play(listenerDefaults.with(alone, "yes"), conntrackClash),
	},
	{
		Cause: "conntrack-chain-too-long", Families: []Family{V4}, Global: true,
		Needs: []string{featStateRules, featConntrackDump, featChainLimit},
		Run:   play(listenerDefaults.with(alone, "yes").with("ipv4/tcp_syncookies", "2"), conntrackChainTooLong),
	},
	{
		Cause: "conntrack-insert-failed", Families: []Family{V4}, Global: true,
		Needs: []string{featStateRules, featConntrackDump, featGenID, featQueue},
		Run:   play(listenerDefaults.with(alone, "yes").with("netfilter/nf_conntrack_acct", "1"), conntrackInsertFailed),
	},
	{
		Cause: "conntrack-invalid", Families: []Family{V4, V6}, Needs: []string{featStateRules},
		Run: play(strict, conntrackInvalid),
	},
	{
		Cause: "conntrack-invalid", Variant: "checksum", Families: []Family{V4, V6}, Needs: []string{featStateRules},
		Run: play(sysctls{alone: "yes", "netfilter/nf_conntrack_checksum": "1"}, conntrackBadChecksum),
	},
}

// strict settings have conntrack take no connection up in its middle.
var strict = sysctls{alone: "yes", "netfilter/nf_conntrack_tcp_loose": "0"}

// track loads the state: conntrack works in a namespace only while a rule needs
// it (net/netfilter/nft_ct.c:nft_ct_get_init, net/netfilter/xt_state.c:state_mt_check).
var track = action{
	nft:    []expr.Any{&expr.Ct{Key: expr.CtKeySTATE, Register: 1}},
	state:  stateAny,
	target: always(standardTarget(verdictPASS)),
}

var dropInvalid = action{
	nft: []expr.Any{
		track.nft[0],
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 4,
			Mask: binaryutil.NativeEndian.PutUint32(expr.CtStateBitINVALID), Xor: make([]byte, 4)},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: make([]byte, 4)},
		&expr.Verdict{Kind: expr.VerdictDrop},
	},
	state:  stateInvalid,
	target: always(standardTarget(verdictDROP)),
}

// conntrackInvalid sends ACKs of no connection, with nf_conntrack_tcp_loose off.
func conntrackInvalid(b *bench) Expect {
	ln, clients := b.listen(8), b.clients()
	b.rule(input, ln.addr, dropInvalid)
	b.eachSends(clients, wrongACK(ln))
	return b.expect("conntrack-invalid", "", ln.addr, clients, invalid(clients))
}

func invalid(clients []netip.AddrPort) map[string]uint64 {
	return map[string]uint64{"Conntrackinvalid": uint64(len(clients))}
}

// conntrackBadChecksum sends segments that conntrack finds invalid before TCP
// can count them as such.
func conntrackBadChecksum(b *bench) Expect {
	ln, clients := b.listen(8), b.clients()
	b.rule(input, ln.addr, dropInvalid)
	b.eachSends(clients, segment{dst: ln.addr, flags: syn, seq: clientISN, badChecksum: true})
	return b.expect("conntrack-invalid", "", ln.addr, clients, invalid(clients))
}

// conntrackTableFull fills the table with established connections: those are
// assured, so that nf_conntrack_core.c:early_drop cannot make room.
func conntrackTableFull(b *bench) Expect {
	ln, clients := b.listen(8), b.clients()
	b.rule(input, ln.addr, track)
	b.flushConntrack()
	b.overfill(ln)
	b.setGlobal("netfilter/nf_conntrack_max", strconv.Itoa(b.conntrackCount()))
	b.syns(clients, ln.addr)
	return b.expect("conntrack-table-full", "", ln.addr, clients, map[string]uint64{"Conntrackdrop": uint64(len(clients))})
}

// conntrackClash gives all clients one source address and port by NAT: the
// replies of a second connection would look like the first's.
func conntrackClash(b *bench) Expect {
	if ByIPTables() {
		return clashEntry(b)
	}
	ln, clients := b.listen(8), b.clients()
	shared := netip.AddrPortFrom(b.source(99), 5000)
	b.rule(natInput(b.f), ln.addr, snatTo(shared))
	b.requests = append(b.requests, requestKey{ln.addr, shared}) // the listener's view
	b.syns(b.fillers(1), ln.addr)                                // takes it
	b.syns(clients, ln.addr)
	n := uint64(len(clients))
	return b.expect("conntrack-clash", "", ln.addr, clients,
		map[string]uint64{"Conntrackdrop": n, "Conntrackinsert_failed": n})
}

// natInput translates sources of packets to this host.
func natInput(f Family) chain {
	c := chain{nftables.TableFamilyIPv4, nftables.ChainTypeNAT, nftables.ChainHookInput, nftables.ChainPriorityNATSource, ""}
	if f == V6 {
		c.family = nftables.TableFamilyIPv6
	}
	return c
}

// snatTo is for a rule of nf_tables.
func snatTo(to netip.AddrPort) action { return action{nft: snat(to)} }

func snat(to netip.AddrPort) []expr.Any {
	family := uint32(unix.NFPROTO_IPV4)
	if to.Addr().Is6() {
		family = unix.NFPROTO_IPV6
	}
	return []expr.Any{
		&expr.Immediate{Register: 1, Data: to.Addr().AsSlice()},
		&expr.Immediate{Register: 2, Data: binaryutil.BigEndian.PutUint16(to.Port())},
		&expr.NAT{Type: expr.NATTypeSourceNAT, Family: family, RegAddrMin: 1, RegProtoMin: 2},
	}
}
