// SPDX-License-Identifier: Apache-2.0

package survey

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/synwatch/synwatch/pkg/nstat"
)

// addStatistics adds the files of /sys/class/net/*/statistics, which tell more than
// /proc/net/dev.
func (t Tree) addStatistics(all []nstat.Interface) []nstat.Interface {
	const dir = "/sys/class/net"
	for _, name := range t.list(dir) {
		statistics := path.Join(dir, name, "statistics")
		for _, counter := range t.list(statistics) {
			if counter != "rx_packets" && !nstat.IsLoss(counter) {
				continue
			}
			text, err := t.read(path.Join(statistics, counter))
			n, err1 := strconv.ParseUint(strings.TrimSpace(text), 10, 64)
			if err != nil || err1 != nil {
				continue
			}
			i := interfaceNamed(&all, name)
			if counter == "rx_packets" {
				i.Packets = n
				continue
			}
			i.Losses = slices.DeleteFunc(i.Losses, func(l nstat.Loss) bool { return l.Counter == counter })
			if n > 0 {
				i.Losses = append(i.Losses, nstat.Loss{Counter: counter, Count: n})
			}
		}
	}
	return all
}
