// SPDX-License-Identifier: Apache-2.0

package survey

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// nodeDirs are where collections of a Kubernetes node's state have what commands
// printed, as that of the EKS log collector does: networking/conntrack.txt,
// sysctls/sysctl_all.out, kernel/dmesg.current.
var nodeDirs = []string{"networking", "network", "sysctls", "sysctl", "kernel", "system", "host"}

// nodeCommands are the commands that files there are named after, with what is in
// them.
var nodeCommands = map[string][]string{
	"ss": {"ss"}, "netstat": {"netstat", "-s"}, "nstat": {"nstat", "-as"}, "sysctl": {"sysctl", "-a"},
	"conntrack": {"conntrack", "-S", "-L"}, "dmesg": {"dmesg"}, "uptime": {"uptime"},
}

var firstWord = regexp.MustCompile(`^[a-z]+`)

// nodeCaptures lists what such a collection has of commands. A sosreport has no such
// directories at its top.
func nodeCaptures(t Tree) []capture {
	var found []capture
	for _, dir := range nodeDirs {
		for _, name := range t.list("/" + dir) {
			words := nodeCommands[firstWord.FindString(name)]
			if words == nil {
				continue
			}
			c := capture{words: words, file: path.Join("/", dir, name)}
			if c.is("conntrack", "S") {
				found = append(found, capture{words: []string{"conntrack", "-L"}, file: c.file})
				c.words = []string{"conntrack", "-S"}
				text, err := t.read(c.file)
				if err != nil {
					continue
				}
				only := perCPULines(text) // the table may be in the same file
				c.body = &only
			}
			found = append(found, c)
		}
	}
	return found
}

func perCPULines(text string) string {
	lines := slices.Collect(strings.Lines(text))
	lines = slices.DeleteFunc(lines, func(line string) bool { return !strings.HasPrefix(line, "cpu=") })
	return strings.Join(lines, "")
}
