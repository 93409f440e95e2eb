// SPDX-License-Identifier: Apache-2.0

package conntrack

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// getStatsCPU is IPCTNL_MSG_CT_GET_STATS_CPU, which nl has no name for
// (include/uapi/linux/netfilter/nfnetlink_conntrack.h).
const getStatsCPU = 4

// ErrCannotCount is wrapped by the errors that mean that this machine, or this user,
// cannot read the counters through netlink, ErrNoNetlink by those that mean that no
// user can.
var (
	ErrCannotCount = errors.New("cannot read connection tracking's counters")
	ErrNoNetlink   = errors.New("the kernel's module nf_conntrack_netlink is missing")
)

// Stats are connection tracking's counters, the sums of all CPUs, by the names that
// /proc/net/stat/nf_conntrack has for them. Those that the kernel does not have are
// missing, as are its entries, which are no counter, and those of expectations.
type Stats map[string]uint64

// statNames are the names of /proc/net/stat/nf_conntrack for the attributes
// CTA_STATS_* of nfnetlink_conntrack.h. No kernel sends all of them: clashres came
// with 5.9 and chainlength with 5.15 (both in the place of another in the file), and
// the first ones went (nf_conntrack_netlink.c:ctnetlink_ct_stat_cpu_fill_info).
var statNames = [...]string{
	1: "searched", 2: "found", 3: "new", 4: "invalid", 5: "ignore", 6: "delete", 7: "delete_list",
	8: "insert", 9: "insert_failed", 10: "drop", 11: "early_drop", 12: "icmp_error", 13: "search_restart",
	14: "clashres", 15: "chainlength",
}

// ReadStats reads the counters of the calling thread's network namespace through
// netlink, for kernels without CONFIG_NF_CONNTRACK_PROCFS. Unlike the file it takes
// CAP_NET_ADMIN. Where connections are not tracked it is ErrNotLoaded, and the kernel
// is not asked: it would load its modules for the answer
// (net/netfilter/nfnetlink.c:nfnetlink_rcv_msg).
func ReadStats() (Stats, error) { return readStats(sysctlDir) }

func readStats(sysctls string) (Stats, error) {
	if _, err := os.Stat(filepath.Join(sysctls, "nf_conntrack_count")); err != nil {
		return nil, ErrNotLoaded
	}
	c, err := Open()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if err := c.ask(getStatsCPU, unix.AF_UNSPEC); err != nil {
		return nil, err
	}
	return c.receiveStats()
}

// receiveStats adds up the messages of the CPUs.
func (c *Conn) receiveStats() (Stats, error) {
	stats := Stats{}
	for b := make([]byte, answerSize); ; {
		n, err := unix.Read(c.fd, b)
		if err != nil {
			return nil, fmt.Errorf("read connection tracking's counters: %w", err)
		}
		if ended, err := stats.decode(b[:n]); ended {
			return stats, err
		}
	}
}

// decode adds the messages of an answer. It says whether they end the dump, and what
// went wrong.
func (s Stats) decode(b []byte) (ended bool, err error) {
	for m := (messages{rest: b}); m.next(); {
		switch m.kind {
		case unix.NFNL_SUBSYS_CTNETLINK<<8 | getStatsCPU:
			if len(m.data) >= nl.SizeofNfgenmsg {
				s.add(m.data[nl.SizeofNfgenmsg:])
			}
		case unix.NLMSG_DONE, unix.NLMSG_ERROR:
			return true, refusal(m.data, ErrCannotCount)
		}
	}
	return false, nil
}

// add adds the counters of a CPU.
func (s Stats) add(attrs []byte) {
	for kind, data := range attributes(attrs) {
		if int(kind) < len(statNames) && statNames[kind] != "" {
			s[statNames[kind]] += uint64(be32(data))
		}
	}
}
