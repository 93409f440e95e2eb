// SPDX-License-Identifier: Apache-2.0

package nstat

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// lossCounters are the counters below /sys/class/net/*/statistics of packets that
// found no room in the interface (Documentation/networking/statistics.rst). A
// packet in rx_dropped may merely be of a protocol that nobody wants.
var lossCounters = []string{"rx_missed_errors", "rx_fifo_errors", "rx_over_errors"}

// IsLoss says whether a counter below /sys/class/net/*/statistics is of packets
// that found no room.
func IsLoss(name string) bool { return slices.Contains(lossCounters, name) }

// driverLoss are the names that drivers give to such counters in ethtool -S:
// of e1000e, igb, ixgbe, i40e, ice, mlx5, bnx2, bnx2x, bnxt, tg3, qede, sfc, be2net, enic
// and cxgb4.
var driverLoss = regexp.MustCompile(`^(rx_missed(_errors)?|rx_fifo_errors|rx_over_errors|rx_no_buffer_count|rx_no_dma_resources|` +
	`rx_out_of_buffer|rx_discards(_phy)?|port\.rx_discards|rx_dropped\.nic|rx_prio\d_discards|rx_discard_pkts|rx_total_discard_pkts|` +
	`rx_fw_discards|no_buff_discards|(port_)?rx_nodesc_drops|rx_drops_no_(pbuf|frags)|rx_no_bufs|rx_ovflow\d?)$`)

// ParseEthtool reads the counters of lost packets out of what ethtool -S prints,
// those that are zero left out.
func ParseEthtool(text string) []Loss {
	var found []Loss
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok || !driverLoss.MatchString(name) {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 64)
		if err == nil && n > 0 {
			found = append(found, Loss{Counter: name, Count: n, Driver: true})
		}
	}
	return found
}

// The columns of /proc/net/dev behind the name (net/core/net-procfs.c:
// dev_seq_printf_stats). Its column for drops has both rx_dropped and
// rx_missed_errors, and so tells neither.
const (
	devPackets = 1
	devFifo    = 4
	devColumns = 16
)

// ParseNetDev reads /proc/net/dev. It returns how many of its lines are not
// understood.
func ParseNetDev(text string) (found []Interface, bad int) {
	for line := range strings.Lines(text) {
		if strings.Contains(line, "|") || strings.TrimSpace(line) == "" {
			continue // the titles
		}
		i, ok := parseNetDevLine(line)
		if !ok {
			bad++
			continue
		}
		found = append(found, i)
	}
	return found, bad
}

// parseNetDevLine reads a line. An interface's name may have a colon in it, as an
// alias of old had; the numbers may follow the colon without a blank.
func parseNetDevLine(line string) (i Interface, ok bool) {
	colon := strings.LastIndexByte(line, ':')
	if colon < 0 {
		return i, false
	}
	fields := strings.Fields(line[colon+1:])
	if len(fields) < devColumns {
		return i, false
	}
	packets, err1 := strconv.ParseUint(fields[devPackets], 10, 64)
	fifo, err2 := strconv.ParseUint(fields[devFifo], 10, 64)
	i = Interface{Name: strings.TrimSpace(line[:colon]), Packets: packets}
	if fifo > 0 {
		i.Losses = []Loss{{Counter: "rx_fifo_errors", Count: fifo}}
	}
	return i, i.Name != "" && err1 == nil && err2 == nil
}
