// SPDX-License-Identifier: Apache-2.0

package probe

import "errors"

// ErrCannot is what every error satisfies that says: this machine cannot trace,
// and no retry will change that. The error's text is one line that says what is
// missing and how to get it.
var ErrCannot = errors.New("this machine cannot trace")
