// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"github.com/prometheus/procfs"
	"github.com/synwatch/synwatch/pkg/proc"
)

// Name returns a name for the namespace: its ip-netns name, else the
// container or the process that is in it. It is empty for one that has none of
// these.
func (l *Location) Name() string {
	switch {
	case l.name != "":
		return l.name
	case l.pid == 0:
		return ""
	}
	fs, err := procfs.NewFS(proc.Dir)
	if err != nil {
		return ""
	}
	p := proc.Describe(fs, l.pid)
	return p.Label()
}
