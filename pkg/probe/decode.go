// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"encoding/binary"
	"fmt"
	"maps"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/netns"
)

// decodeDetail reads one sample of the ring buffer.
func decodeDetail(sample []byte) (*bpfDetail, error) {
	var d bpfDetail
	if n := binary.Size(&d); len(sample) < n {
		return nil, fmt.Errorf("detail of %d bytes, want %d", len(sample), n)
	}
	if _, err := binary.Decode(sample, binary.NativeEndian, &d); err != nil {
		return nil, fmt.Errorf("decode detail: %w", err)
	}
	return &d, nil
}

// decoder turns keys into events with the kernel's names and wall-clock times.
type decoder struct {
	reasons map[uint32]string
	// more looks for the names of subsystems' reasons, which takes a while. It is
	// nil where the kernel has no reasons.
	more func() map[uint32]string
	// now is the wall-clock time, ktime that of the kernel's monotonic clock in ns,
	// and boot the wall-clock time at which that was 0.
	now   time.Time
	ktime uint64
	boot  time.Time
}

func newDecoder(k *kernel) *decoder {
	if k.reasons == nil {
		return &decoder{}
	}
	return &decoder{reasons: maps.Clone(k.reasons), more: k.subsystemReasons}
}

// setClock aligns the clocks; the wall clock may have been set meanwhile.
func (d *decoder) setClock(now time.Time) {
	var ts unix.Timespec
	d.now = now
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) == nil {
		d.ktime = uint64(ts.Nano())
		d.boot = now.Add(-time.Duration(d.ktime))
	}
}

// event decodes all of a key but its location, which takes a look at all of the
// kernel's symbols; see locator.
func (d *decoder) event(key *bpfKey, ktime uint64, srcPort uint16) event.Event {
	kind := kindOf(key)
	e := d.kind(&kind, netns.ID{Cookie: key.NetnsCookie, Inode: key.Netns})
	e.Time = d.boot.Add(time.Duration(ktime))
	e.Direction, e.Proto = event.DirectionNumber(key.Direction), event.Proto(key.Proto)
	e.Src, e.Dst = addrPort(key.Src, srcPort), addrPort(key.Dst, key.DstPort)
	return e
}

// kind decodes what has no addresses.
func (d *decoder) kind(kind *bpfKind, where netns.ID) event.Event {
	return event.Event{
		Hook:   event.HookNumber(uint8(kind.Hook)),
		Facts:  event.Facts(kind.Facts),
		Reason: d.reason(kind.Reason),
		Netns:  where,
	}
}

// reason names a drop reason; one that no BTF knows is shown by its number. Zero
// is no reason: the kernel has none, or the hook no free.
func (d *decoder) reason(n uint32) string {
	if n == 0 {
		return ""
	}
	name, known := d.reasons[n]
	if known {
		return name
	}
	number := strconv.FormatUint(uint64(n), 10)
	if d.more == nil || n>>subsystemShift == 0 {
		return number
	}
	maps.Copy(d.reasons, d.more())
	if name, known = d.reasons[n]; !known {
		name = number
		d.reasons[n] = name
	}
	return name
}

func evidence(d *bpfDetail) *event.Evidence {
	if d == nil {
		return nil
	}
	return &event.Evidence{
		Listener:   listener(d),
		Timestamps: timestamps(d),
		Receiver:   receiver(d),
		Netfilter:  netfilter(d),
		Path:       path(d),
		SourceNAT:  sourceNAT(d),
		Process:    process(d),
		OrigDst:    origDst(d),
		Ifindex:    d.Ifindex, OutIfindex: d.OutIfindex,
	}
}

func path(d *bpfDetail) *event.Path {
	if d.Path.Known == 0 {
		return nil
	}
	return &event.Path{MTU: d.Path.Mtu, Size: d.Path.Size}
}

func sourceNAT(d *bpfDetail) *event.SourceNAT {
	n := &d.SourceNat
	if n.Known == 0 {
		return nil
	}
	s := &event.SourceNAT{Chosen: addrPort(n.Chosen.Addr, n.Chosen.Port)}
	if n.Ranged != 0 {
		s.First, s.Last = addrPort(n.First.Addr, n.First.Port), addrPort(n.Last.Addr, n.Last.Port)
	}
	return s
}

func process(d *bpfDetail) *event.Process {
	if d.Process.Pid == 0 {
		return nil
	}
	return &event.Process{PID: d.Process.Pid, Comm: cString(d.Process.Comm[:])}
}

func origDst(d *bpfDetail) netip.AddrPort {
	if d.HasOrigDst == 0 {
		return netip.AddrPort{}
	}
	return addrPort(d.OrigDst.Addr, d.OrigDst.Port)
}

func addrPort(addr [16]byte, port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom16(addr).Unmap(), port)
}

func timestamps(d *bpfDetail) *event.Timestamps {
	t := &d.Timestamps
	if t.Known == 0 {
		return nil
	}
	return &event.Timestamps{TSval: t.Tsval, Newest: t.Newest, Age: time.Duration(t.Age) * time.Second}
}

func receiver(d *bpfDetail) *event.Receiver {
	r := &d.Receiver
	if r.Known == 0 {
		return nil
	}
	return &event.Receiver{Memory: r.Memory, Limit: r.Limit, Backlog: r.Backlog, Window: r.Window}
}

func netfilter(d *bpfDetail) *event.Netfilter {
	c := &d.Chain
	if c.Known == 0 {
		return nil
	}
	n := &event.Netfilter{
		Family: nfFamilies[c.Family],
		Hook:   nfHook(c.Pf, c.Hook),
		Table:  cString(c.Table[:]),
		Chain:  cString(c.Name[:]),
	}
	if n.Table != "" && n.Chain == "" {
		n.Chain = strings.ToUpper(n.Hook) // iptables' own
	}
	return n
}

// nfFamilies are nft's names of NFPROTO_*, include/uapi/linux/netfilter.h.
var nfFamilies = map[uint8]string{
	unix.NFPROTO_INET:   "inet",
	unix.NFPROTO_IPV4:   "ip",
	unix.NFPROTO_IPV6:   "ip6",
	unix.NFPROTO_ARP:    "arp",
	unix.NFPROTO_NETDEV: "netdev",
	unix.NFPROTO_BRIDGE: "bridge",
}

// nfHook is nft's name of a hook's number in a family.
func nfHook(pf, hook uint8) string {
	names := []string{"prerouting", "input", "forward", "output", "postrouting", "ingress"}
	if pf == unix.NFPROTO_NETDEV {
		names = []string{"ingress", "egress"}
	}
	if int(hook) >= len(names) {
		return ""
	}
	return names[hook]
}

// cString is the text before the first zero; one that fills its room was cut.
func cString(room []int8) string {
	var text []byte
	for _, c := range room {
		if c == 0 {
			return string(text)
		}
		text = append(text, byte(c))
	}
	return string(text) + "…"
}

func listener(d *bpfDetail) *event.Listener {
	q := &d.Queues
	if q.Known == 0 {
		return nil
	}
	return &event.Listener{
		AcceptQueue:    q.Accept,
		AcceptQueueMax: q.AcceptMax,
		SynQueue:       q.Syn,
		MaxSynBacklog:  q.MaxSynBacklog,
		Somaxconn:      q.Somaxconn,
	}
}
