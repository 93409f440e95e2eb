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
	p := l.Process()
	return p.Label()
}

// Process is the oldest process in the namespace, mostly; without a PID for none.
func (l *Location) Process() proc.Process {
	fs, err := procfs.NewFS(proc.Dir)
	if err != nil || l.pid == 0 {
		return proc.Process{}
	}
	return proc.Describe(fs, l.pid)
}
