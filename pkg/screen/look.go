// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"net/netip"
	"time"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/state"
	"github.com/synwatch/synwatch/pkg/stream"
)

// question is what the screen wants to know beside the snapshot: the newest records of
// what is chosen on it.
type question struct {
	cause       *cause.Cause // nil for all
	source      netip.Prefix // zero for all
	destination destinationKey
	// anywhere says that destination does not matter.
	anywhere bool
	notices  bool
	records  int // at most so many
}

// wants says whether a record is part of the answer.
func (q question) wants(r *stream.Record) bool {
	return (q.notices || r.Cause.Kind == cause.Drop) &&
		(q.cause == nil || r.Cause == q.cause) &&
		(!q.source.IsValid() || q.source.Contains(r.Src.Addr())) &&
		(q.anywhere || keyOfRecord(r) == q.destination)
}

// look is a view of the run at one time.
type look struct {
	question question
	now      time.Time
	snapshot *state.Snapshot
	records  []stream.Record // the newest first
	written  written
	played   played
}

// recordKey tells a record from others.
type recordKey struct {
	time     time.Time
	src, dst netip.AddrPort
	cause    *cause.Cause
}

func keyOf(r *stream.Record) recordKey { return recordKey{r.Time, r.Src, r.Dst, r.Cause} }
