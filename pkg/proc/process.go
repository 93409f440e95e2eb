// SPDX-License-Identifier: Apache-2.0

package proc

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/prometheus/procfs"
)

// Process is who a process is.
type Process struct {
	PID  int
	Comm string // as /proc/PID/comm, at most 15 bytes
	// Container is the 64 hexadecimal digits of its container, empty for none.
	Container string
	// Unit is the systemd unit that it belongs to, empty for none.
	Unit string
}

// Describe reads the name, unit and container of a process in a /proc.
func Describe(proc procfs.FS, pid int) Process {
	p := Process{PID: pid}
	dir, err := proc.Proc(pid)
	if err != nil {
		return p
	}
	p.Comm, _ = dir.Comm()
	groups, _ := dir.Cgroups()
	p.Container, p.Unit = parseGroups(groups)
	return p
}

// containerID is how the engines name a container's control group: the ID
// alone (docker and kubelet with cgroupfs), or between an engine's prefix and
// .scope (docker-, cri-containerd-, crio-, libpod-).
var containerID = regexp.MustCompile(`(?:^|[-:])([0-9a-f]{64})(?:\.scope)?$`)

// parseGroups finds the container and the systemd unit in the control groups of a
// process. With version 1 there is one a controller, and systemd's has the
// unit; with version 2 there is one.
func parseGroups(groups []procfs.Cgroup) (container, unit string) {
	for _, g := range groups {
		c, u := ParseGroup(g.Path)
		if container == "" {
			container = c
		}
		if unit == "" && isSystemds(g) {
			unit = u
		}
	}
	return container, unit
}

func isSystemds(g procfs.Cgroup) bool {
	return len(g.Controllers) == 0 || len(g.Controllers) == 1 && g.Controllers[0] == "name=systemd"
}

// ParseGroup takes the innermost container and unit of a control group's path.
// The scope that an engine makes for a container says no more than the
// container's ID.
func ParseGroup(group string) (container, unit string) {
	for _, part := range strings.Split(group, "/") {
		if m := containerID.FindStringSubmatch(part); m != nil {
			container, unit = m[1], ""
			continue
		}
		switch path.Ext(part) {
		case ".service", ".socket", ".scope":
			unit = part
		}
	}
	return container, unit
}

// Label is a name for what the process is part of: its container with the
// process, else the process with its number; empty for one that is gone.
func (p *Process) Label() string {
	switch {
	case p.Comm == "":
		return ""
	case p.Container != "":
		return fmt.Sprintf("%s (%s)", ShortID(p.Container), p.Comm)
	}
	return fmt.Sprintf("%s[%d]", p.Comm, p.PID)
}

// ShortID is as much of a container's ID as engines show.
func ShortID(container string) string { return container[:min(len(container), 12)] }
