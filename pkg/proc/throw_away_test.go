// SPDX-License-Identifier: Apache-2.0

package proc

import "testing"

func TestVimtoMachine(t *testing.T) {
	for words, want := range map[string]bool{
		"ro panic=-1 root=/dev/root rootfstype=9p rootflags=trans=virtio console=ttyS0 init=/root/go/bin/vimto -- stdio ctrl\n": true,
		"root=/dev/sda1 rootfstype=9p quiet\n":                     false,
		"root=/dev/sda1 rootfstype=ext4 init=/x -- stdio ctrl\n":   false,
		"root=/dev/sda1 rootfstype=9p init=/bin/vimto -- single\n": false,
		"": false,
	} {
		if got := vimtoMachine(words); got != want {
			t.Errorf("%q: %v", words, got)
		}
	}
}
