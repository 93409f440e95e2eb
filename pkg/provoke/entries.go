// SPDX-License-Identifier: Apache-2.0

package provoke

import "github.com/synwatch/synwatch/pkg/sockets"

// entries lists the TCP sockets of the namespace that do enters.
func entries(do func(func() error) error) (all []sockets.Entry, err error) {
	err = do(func() error {
		all, err = sockets.Entries()
		return err
	})
	return all, err
}
