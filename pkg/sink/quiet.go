// SPDX-License-Identifier: Apache-2.0

package sink

import "github.com/synwatch/synwatch/pkg/stream"

// Quiet is a sink without the records and samples of the one it holds.
type Quiet struct{ stream.Sink }

// Record does nothing.
func (Quiet) Record(stream.Record) error { return nil }

// Sample does nothing.
func (Quiet) Sample(stream.Sample) error { return nil }
