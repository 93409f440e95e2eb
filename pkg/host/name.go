// SPDX-License-Identifier: Apache-2.0

package host

import (
	"fmt"

	"github.com/prometheus/procfs"
)

// Name returns what people call a network namespace: its ip-netns name, else
// the container or the process that lives there. It is empty for the machine's
// own namespace and for one that has none of these. It knows the namespaces of
// the last sample.
func (s *Sampler) Name(inum uint32) string {
	if own, ok := netnsLink(ownNetns); !ok || own == inum {
		return ""
	}
	return nameOf(s.known[inum])
}

// nameOf names the namespace of a place.
func nameOf(at place) string {
	switch {
	case at.name != "":
		return at.name
	case at.pid == 0:
		return ""
	}
	proc, err := procfs.NewFS(procDir)
	if err != nil {
		return ""
	}
	return nameAfter(describe(proc, at.pid))
}

// nameAfter names a namespace after a process in it.
func nameAfter(p Process) string {
	switch {
	case p.Comm == "":
		return "" // it is gone
	case p.Container != "":
		return fmt.Sprintf("%s (%s)", shortID(p.Container), p.Comm)
	}
	return fmt.Sprintf("%s[%d]", p.Comm, p.PID)
}
