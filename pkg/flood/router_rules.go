// SPDX-License-Identifier: Apache-2.0

package flood

import (
	"errors"
	"fmt"
	"os"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/synwatch/synwatch/pkg/provoke"
	"golang.org/x/sys/unix"
)

// forward has the current namespace forward, with such rules as a container engine
// makes: masquerading, a published port, and a forward chain that accepts what belongs
// to a connection and what a container begins, and drops the rest.
func forward() error {
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644); err != nil {
		return err
	}
	conn, err := nftables.New()
	if err != nil {
		return fmt.Errorf("open nftables: %w", err)
	}
	if err := provoke.FindNFTables(conn); err != nil {
		return fmt.Errorf("%w: %w", ErrCannot, err)
	}
	addNAT(conn)
	addForwardChain(conn)
	if err := conn.Flush(); err != nil {
		return fmt.Errorf("%w: add nftables rules: %w", ErrCannot, err)
	}
	return shortMemory()
}

// publishedPort is the container's, for clients outside; nobody uses it here.
const publishedPort = 8080

func addNAT(conn *nftables.Conn) {
	table := conn.AddTable(&nftables.Table{Family: nftables.TableFamilyIPv4, Name: "nat"})
	after := conn.AddChain(&nftables.Chain{
		Name: "postrouting", Table: table, Type: nftables.ChainTypeNAT,
		Hooknum: nftables.ChainHookPostrouting, Priority: nftables.ChainPriorityNATSource,
	})
	conn.AddRule(&nftables.Rule{Table: table, Chain: after, Exprs: append(
		ofInterface(expr.MetaKeyOIFNAME, expr.CmpOpNeq, "br0"), &expr.Masq{},
	)})
	before := conn.AddChain(&nftables.Chain{
		Name: "prerouting", Table: table, Type: nftables.ChainTypeNAT,
		Hooknum: nftables.ChainHookPrerouting, Priority: nftables.ChainPriorityNATDest,
	})
	conn.AddRule(&nftables.Rule{Table: table, Chain: before, Exprs: append(provoke.ToPort(publishedPort),
		&expr.Immediate{Register: 1, Data: []byte{172, 17, 0, 2}},
		&expr.Immediate{Register: 2, Data: binaryutil.BigEndian.PutUint16(80)},
		&expr.NAT{Type: expr.NATTypeDestNAT, Family: unix.NFPROTO_IPV4, RegAddrMin: 1, RegProtoMin: 2},
	)})
}

func addForwardChain(conn *nftables.Conn) {
	table := conn.AddTable(&nftables.Table{Family: nftables.TableFamilyIPv4, Name: "filter"})
	policy := nftables.ChainPolicyDrop
	chain := conn.AddChain(&nftables.Chain{
		Name: "forward", Table: table, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookForward, Priority: nftables.ChainPriorityFilter, Policy: &policy,
	})
	accept := &expr.Verdict{Kind: expr.VerdictAccept}
	known := binaryutil.NativeEndian.PutUint32(expr.CtStateBitESTABLISHED | expr.CtStateBitRELATED)
	conn.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: []expr.Any{
		&expr.Ct{Key: expr.CtKeySTATE, Register: 1},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 4, Mask: known, Xor: make([]byte, 4)},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: make([]byte, 4)},
		accept,
	}})
	conn.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: append(
		ofInterface(expr.MetaKeyIIFNAME, expr.CmpOpEq, "br0"), accept,
	)})
}

// ofInterface matches the name of a packet's interface.
func ofInterface(key expr.MetaKey, op expr.CmpOp, name string) []expr.Any {
	padded := make([]byte, unix.IFNAMSIZ)
	copy(padded, name)
	return []expr.Any{
		&expr.Meta{Key: key, Register: 1},
		&expr.Cmp{Op: op, Register: 1, Data: padded},
	}
}

// shortMemory has the namespace forget connections soon after their end, as all
// namespaces share the room of the connection tracking table.
func shortMemory() error {
	var err error
	for _, state := range []string{"time_wait", "close_wait", "last_ack", "close"} {
		name := "/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_" + state
		err = errors.Join(err, os.WriteFile(name, []byte("1"), 0o644))
	}
	return err
}
