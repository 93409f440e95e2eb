// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"net/netip"

	"github.com/synwatch/synwatch/pkg/diagnose"
	"github.com/synwatch/synwatch/pkg/stream"
)

// rangeOf returns the smallest range that most of total came from, nil if there is
// none.
func rangeOf(bySrc map[netip.Addr]uint64, total uint64) *stream.RangeTotal {
	r := diagnose.Covering(bySrc, total)
	if r == nil {
		return nil
	}
	return &stream.RangeTotal{Prefix: r.Prefix, Count: r.Count, NumSources: r.Sources}
}
