// SPDX-License-Identifier: Apache-2.0

package survey

import (
	"errors"
	"io/fs"
	"os"

	"github.com/prometheus/procfs"
	"github.com/synwatch/synwatch/pkg/proc"
)

// wholeMachine is a sysctl of net.core that only the machine's first network
// namespace has (net/core/sysctl_net_core.c:net_core_table, sysctl_core_init).
const wholeMachine = "netdev_max_backlog"

// inner says whether sysctls are those of a network namespace that is not the
// machine's first. Where none could be read it is not known.
func inner(sysctls map[string]string) bool {
	_, first := sysctls["net.core."+wholeMachine]
	return len(sysctls) > 0 && !first
}

// firstPIDNamespace is that of the machine (include/linux/proc_ns.h:
// PROC_PID_INIT_INO).
const firstPIDNamespace = "pid:[4026531836]"

// containerMarks are the files that engines put into a container: docker, podman.
var containerMarks = []string{"/.dockerenv", "/run/.containerenv"}

// surroundings are what a process can tell of where it runs.
type surroundings struct {
	readlink func(path string) (string, error)
	lstat    func(path string) (fs.FileInfo, error)
	// container is what the process's control group says.
	container func() string
}

// thisProcess is this one's.
var thisProcess = surroundings{os.Readlink, os.Lstat, func() string {
	files, err := procfs.NewFS(proc.Dir)
	if err != nil {
		return ""
	}
	return proc.Describe(files, os.Getpid()).Container
}}

// contained says whether the process is in a container, also in one that has the
// machine's network: it has a namespace of process IDs that is not the machine's
// first, a container's control group, or an engine's mark.
func (s *surroundings) contained() bool {
	if at, err := s.readlink(proc.Dir + "/self/ns/pid"); err == nil && at != firstPIDNamespace {
		return true
	}
	if s.container() != "" {
		return true
	}
	for _, mark := range containerMarks {
		if s.there(mark) {
			return true
		}
	}
	return false
}

// boots says whether process 1 is a systemd (sd_booted(3)) in the network
// namespace of this process.
func (s *surroundings) boots() bool {
	first, err1 := s.readlink(proc.Dir + "/1/ns/net")
	own, err2 := s.readlink(proc.Dir + "/self/ns/net")
	return errors.Join(err1, err2) == nil && first == own && s.there("/run/systemd/system")
}

func (s *surroundings) there(path string) bool {
	_, err := s.lstat(path)
	return err == nil
}
