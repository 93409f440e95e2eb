// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Below 5.11 root without CAP_SYS_RESOURCE must learn which privilege is missing.
func TestMemlockRefusal(t *testing.T) {
	err := memlockRefusal(unix.EPERM)
	if !errors.Is(err, ErrCannot) {
		t.Errorf("%v is no ErrCannot", err)
	}
	if want := "CAP_SYS_RESOURCE"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v does not name %s", err, want)
	}
	if err := memlockRefusal(unix.EINVAL); errors.Is(err, ErrCannot) || !errors.Is(err, unix.EINVAL) {
		t.Errorf("%v for EINVAL", err)
	}
	if err := memlockRefusal(nil); err != nil {
		t.Error(err)
	}
}
