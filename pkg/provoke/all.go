// SPDX-License-Identifier: Apache-2.0

package provoke

import "slices"

// All is every provocation, in the order of the catalogue of causes.
func All() []Provocation {
	return slices.Concat(acceptQueue, netfilter, plain)
}
