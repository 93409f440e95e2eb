// SPDX-License-Identifier: Apache-2.0

// Package provoke provokes each cause of a dropped incoming TCP connection for
// real, in throw-away network namespaces, and says exactly which records a
// tracer must make of it. The tests and `synwatch demo` share it.
//
// Adding a cause is one entry in a table: see All.
package provoke

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/synwatch/synwatch/pkg/event"
)

// Family is the kind of traffic that a provocation is made with.
type Family uint8

const (
	// V4 is an IPv4 client and an IPv4 listener.
	V4 Family = iota
	// V6 is an IPv6 client and an IPv6 listener.
	V6
	// Mapped is an IPv4 client and a dual-stack IPv6 listener. Its drops are
	// expected with plain IPv4 addresses.
	Mapped
)

func (f Family) String() string {
	switch f {
	case V4:
		return "v4"
	case V6:
		return "v6"
	case Mapped:
		return "mapped"
	}
	return fmt.Sprintf("family(%d)", uint8(f))
}

// Drop is a number of records that are equal in everything but their time,
// source port and evidence.
type Drop struct {
	Cause, Stage string
	// Reason is the kernel's own name for the drop, or where the kernel has no
	// drop reasons the function that frees the packet. Only cause "other" has it.
	Reason string
	// Notice says that the record is a notice, not a drop.
	Notice bool
	// Direction is "in" if it is empty.
	Direction event.Direction
	// Proto is TCP if it is 0.
	Proto event.Proto
	Src   netip.Addr
	Dst   netip.AddrPort
	// OrigDst is what the client had addressed where NAT changed it.
	OrigDst netip.AddrPort
	// Target is the inode number of another namespace of the lab which has Dst, 0 for
	// none.
	Target uint32
	Count  uint64
	Netns  uint32 // inode number
}

// Expect is all that a tracer must report of one provocation, no more, no less.
type Expect struct {
	Drops []Drop
	// Counters are the exact deltas of the kernel's counters in the server's
	// namespace, named as nstat names them; conntrack's as `conntrack -S` does,
	// prefixed "Conntrack". Of Reconciled, those that are absent do not move, or
	// do not exist.
	Counters map[string]uint64
}

// Reconciled are the counters that Expect.Counters speaks of.
var Reconciled = []string{
	"TcpExtListenOverflows", "TcpExtListenDrops", "TcpExtTCPReqQFullDrop",
	"TcpExtSyncookiesSent", "TcpExtSyncookiesFailed", "TcpInCsumErrors",
	"TcpExtPAWSEstab", "TcpExtPAWSTimewait", "TcpExtPAWSOldAck", "TcpExtTSEcrRejected",
	"TcpExtTCPTimeWaitOverflow", "TcpExtIPReversePathFilter",
	"TcpExtTCPMD5NotFound", "TcpExtTCPMD5Unexpected", "TcpExtTCPMD5Failure",
	"TcpExtTCPAORequired", "TcpExtTCPAOKeyNotFound", "TcpExtTCPAOBad",
	"TcpExtTCPBacklogDrop", "TcpExtTCPZeroWindowDrop", "TcpExtBeyondWindow",
	"TcpExtOfoPruned", "TcpExtTCPRcvQDrop", "TcpExtTCPOFODrop", "TcpExtTCPAbortOnMemory",
	"Conntrackdrop", "Conntrackinsert_failed", "Conntrackearly_drop", "Conntrackinvalid",
	"IpExtInNoRoutes", "Ip6InNoRoutes", "IpOutNoRoutes", "Ip6OutNoRoutes",
	"IpInAddrErrors", "Ip6InAddrErrors", "IpInHdrErrors", "Ip6InHdrErrors",
	"IpFragFails", "Ip6InTooBigErrors",
}

// Provocation is one way to provoke one cause.
type Provocation struct {
	Cause, Stage string
	// Variant distinguishes several ways to provoke the same cause and stage.
	Variant  string
	Families []Family
	// Global says that a limit of the whole machine is changed (and restored):
	// such a provocation runs only in a throw-away VM, see Missing.
	Global bool
	// Needs are the kernel features that Missing looks for.
	Needs []string
	// Run provokes the cause. When it returns, the kernel has processed every
	// packet, and what Run changed or opened in the lab is gone.
	Run func(ctx context.Context, l *Lab, f Family) (Expect, error)
}

// Name is the cause, stage and variant: "accept-queue-full/ack/reset".
func (p Provocation) Name() string {
	parts := slices.DeleteFunc([]string{p.Cause, p.Stage, p.Variant}, func(s string) bool { return s == "" })
	return strings.Join(parts, "/")
}

// Harmless is traffic that frees packets, or is just normal, and must give no
// record of a drop at all.
type Harmless struct {
	Name     string
	Families []Family
	Run      func(ctx context.Context, l *Lab, f Family) error
}
