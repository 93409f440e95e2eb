// SPDX-License-Identifier: Apache-2.0

package nstat

import (
	"slices"

	"github.com/synwatch/synwatch/pkg/conntrack"
	"github.com/synwatch/synwatch/pkg/proc"
)

// reader reads counters of the calling thread's network namespace. The goroutine
// must be locked to the thread.
type reader struct {
	file func(path string) (string, error)
	// stats reads connection tracking's counters where they are in no file, as on
	// kernels without CONFIG_NF_CONNTRACK_PROCFS (Ubuntu's and Flatcar's among them).
	stats func() (conntrack.Stats, error)
}

// ReadHere reads every counter of the calling thread's network namespace. The
// goroutine must be locked to the thread. What came before an error is returned with
// it. Counters that take a privilege which is not there are missing.
func ReadHere() (Values, error) {
	var files proc.Reader
	all := selection{values: Values{}}
	_, err := (&reader{files.Read, conntrack.ReadStats}).read(&all)
	return all.values, err
}

// read reads the counters that are wanted. It returns why those of connection
// tracking are missing, nil if they are not, or if nothing is tracked.
func (r *reader) read(wanted *selection) (lack, err error) {
	dir, err := proc.ThreadDir()
	if err != nil {
		return nil, err
	}
	if err := readCounters(r.file, dir, wanted); err != nil {
		return nil, err
	}
	if !slices.Contains(wanted.missing, conntrackFile) {
		return nil, nil
	}
	stats, err := r.stats()
	for name, v := range stats {
		wanted.set(conntrackHead, name, v)
	}
	if err == conntrack.ErrNotLoaded {
		err = nil
	}
	return err, nil
}
