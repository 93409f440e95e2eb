// SPDX-License-Identifier: Apache-2.0

package watch

import "net/netip"

const (
	// A range is to blame for a cause when it holds at least this share of the
	// drops, in percent, and this many sources.
	blameShare   = 80
	blameSources = 4
)

// rangeBits are the lengths at which networks are usually handed out, the
// smallest networks first.
var rangeBits = []struct{ v4, v6 int }{{24, 64}, {16, 48}}

// blame returns the smallest range of a usual length that is to blame for
// total, nil if there is none.
func blame(top []SourceTotal, total uint64) *RangeTotal {
	for _, bits := range rangeBits {
		ranges := map[netip.Prefix]*RangeTotal{}
		for _, s := range top {
			if !s.Src.IsValid() {
				continue
			}
			n := bits.v6
			if s.Src.Is4() {
				n = bits.v4
			}
			prefix := netip.PrefixFrom(s.Src, n).Masked()
			r := ranges[prefix]
			if r == nil {
				r = &RangeTotal{Prefix: prefix}
				ranges[prefix] = r
			}
			r.Count += s.Count
			r.NumSources++
		}
		for _, r := range ranges { // at most one holds such a share
			if r.Count*100 >= total*blameShare && r.NumSources >= blameSources {
				return r
			}
		}
	}
	return nil
}
