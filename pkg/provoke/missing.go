// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"errors"
	"fmt"

	"github.com/synwatch/synwatch/pkg/proc"
)

// MissingError says why this kernel or machine cannot provoke a cause.
type MissingError struct {
	Feature string // one of Provocation.Needs, or "throw-away VM"
	Why     string
}

// ErrMissing is what every *MissingError is.
var ErrMissing = errors.New("this machine cannot provoke it")

// Is makes a MissingError an ErrMissing.
func (e *MissingError) Is(target error) bool { return target == ErrMissing }

func (e *MissingError) Error() string { return fmt.Sprintf("no %s: %s", e.Feature, e.Why) }

// Missing is nil when this machine can provoke the cause, or else a
// *MissingError. It needs the same privilege as NewLab.
func (p Provocation) Missing() error {
	if p.Global {
		if err := ThrowAway(); err != nil {
			return err
		}
	}
	for _, feature := range p.Needs {
		if err := probe(feature); err != nil {
			var missing *MissingError
			if errors.As(err, &missing) {
				return missing
			}
			return &MissingError{feature, err.Error()}
		}
	}
	return nil
}

// ThrowAway is nil in a VM that is started for a test and not used again; elsewhere it
// is a *MissingError.
func ThrowAway() error {
	if proc.ThrowAwayVM() {
		return nil
	}
	return &MissingError{"throw-away VM", "this changes a limit of the whole machine"}
}
