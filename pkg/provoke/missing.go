// SPDX-License-Identifier: Apache-2.0

package provoke

import "fmt"

// MissingError says why this kernel or machine cannot provoke a cause.
type MissingError struct {
	Feature string // one of Provocation.Needs, or "throw-away VM"
	Why     string
}

func (e *MissingError) Error() string { return fmt.Sprintf("no %s: %s", e.Feature, e.Why) }
