// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"errors"
	"fmt"
	"net/netip"
	"os"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// Features that Missing looks for by making a rule in a namespace of its own,
// which also makes the kernel load the modules.
const (
	featNFTables   = "nf_tables"
	featNFTNetdev  = "nf_tables netdev"
	featNFTReject  = "nf_tables reject"
	featNFTCt      = "nf_tables ct"
	featNFTNAT     = "nf_tables nat"
	featNFTMasq    = "nf_tables masquerade"
	featNFTZone    = "nf_tables ct zone"
	featNFTNotrack = "nf_tables notrack"
)

// addRule adds a table of the id's own with one chain with one rule.
func addRule(netns int, c chain, id uint32, rule []expr.Any) (undo func() error, err error) {
	conn, err := nftables.New(nftables.WithNetNSFd(netns))
	if err != nil {
		return nil, fmt.Errorf("open nftables: %w", err)
	}
	table := conn.AddTable(&nftables.Table{Family: c.family, Name: fmt.Sprintf("provoke%d", id)})
	base := conn.AddChain(&nftables.Chain{
		Name: "drops", Table: table, Type: c.kind, Hooknum: c.hook, Priority: c.priority, Device: c.device,
	})
	conn.AddRule(&nftables.Rule{Table: table, Chain: base, Exprs: rule})
	if err := conn.Flush(); err != nil {
		return nil, fmt.Errorf("add nftables rule: %w", err)
	}
	return func() error {
		conn.DelTable(table)
		if err := conn.Flush(); err != nil {
			return fmt.Errorf("remove nftables table: %w", err)
		}
		return nil
	}, nil
}

// ToPort matches TCP segments to a port.
func ToPort(port uint16) []expr.Any { return onPort(2, port) }

func onPort(offset uint32, port uint16) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{unix.IPPROTO_TCP}},
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: offset, Len: 2},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: binaryutil.BigEndian.PutUint16(port)},
	}
}

// probes try a feature in a namespace.
var probes = map[string]func(ns *os.File) error{
	featNFTables:  probeRule(input, verdictDrop.nft),
	featNFTNetdev: probeRule(chain{ingress.family, ingress.kind, ingress.hook, ingress.priority, "lo"}, verdictDrop.nft),
	featNFTReject: func(ns *os.File) error {
		return errors.Join(probeRule(input, rejectReset.nft)(ns), probeRule(input, rejectICMP.nft)(ns))
	},
	featNFTCt:          probeRule(input, dropInvalid.nft),
	featNFTNAT:         probeRule(natInput(V4), snat(netip.MustParseAddrPort("10.9.0.1:5000"))),
	featNFTMasq:        probeRule(natPostrouting(V4), []expr.Any{&expr.Masq{}}),
	featNFTZone:        probeRule(prerouting, dropInZone.nft),
	featNFTNotrack:     probeRule(beforeTracking, notrack.nft),
	featVXLAN:          probeTunnel,
	featConntrackDump:  probeConntrackDump,
	featChainLimit:     probeChainLimit,
	featQueue:          probeQueue,
	featIPTables:       probeXTables(filterTable),
	featGenID:          probeGenID,
	featTSEcr:          probeTSEcr,
	featMPTCP:          probeMPTCP,
	featMD5:            probeMD5,
	featAO:             probeAO,
	featCheckedEnd:     probeCheckedEnd,
	featAnyEnd:         probeAnyEnd,
	featUserfault:      probeUserfault,
	featNetem:          probeNetem,
	featShot:           probeClassifier(shot),
	featClassifier:     probeClassifier(bpfShot),
	featShaper:         probeShaper,
	featXfrm:           probeXfrm,
	featIPTablesNAT:    probeXTables(natTable, probeDNATRule, probeMasqueradeRule),
	featIPTablesReject: probeXTables(filterTable, probeRejectRule),
}

func probeRule(c chain, rule []expr.Any) func(*os.File) error {
	return func(ns *os.File) error {
		if err := findNFTables(ns); err != nil {
			return err
		}
		undo, err := addRule(int(ns.Fd()), c, 0, append(ToPort(1), rule...))
		if err != nil {
			return err
		}
		return undo()
	}
}

func findNFTables(ns *os.File) error {
	conn, err := nftables.New(nftables.WithNetNSFd(int(ns.Fd())))
	if err != nil {
		return fmt.Errorf("open nftables: %w", err)
	}
	return FindNFTables(conn)
}

// FindNFTables asks for the tables, which is an error where the kernel has no nf_tables.
// A Flush would wait for an answer to each of its messages, and there it gets but one.
func FindNFTables(conn *nftables.Conn) error {
	_, err := conn.ListTables()
	if errors.Is(err, unix.EINVAL) { // net/netfilter/nfnetlink.c:nfnetlink_rcv_msg
		return errors.New("the kernel has no nf_tables")
	}
	return joinErr("list nftables", err)
}
