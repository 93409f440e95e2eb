// SPDX-License-Identifier: Apache-2.0

package survey

import (
	"io"
	"path"
	"slices"
	"strings"
)

// capture is what a command printed, as a saved tree holds it.
type capture struct {
	netns string   // the name of the namespace in which it ran, empty for the first
	words []string // the command and its arguments
	file  string   // as the tree names it
	// body is what it printed if that is a part of the file.
	body *string
}

// is says whether the capture is of a command, with an option that is a letter
// if one is given: netstat -as has the options a and s.
func (c *capture) is(command, letter string) bool {
	if c.words[0] != command {
		return false
	}
	return letter == "" || slices.ContainsFunc(c.words[1:], func(w string) bool {
		return len(w) > 1 && w[0] == '-' && w[1] != '-' && strings.Contains(w, letter)
	})
}

// readCapture is what the command printed.
func (t Tree) readCapture(c *capture) (string, error) {
	if c.body != nil {
		return *c.body, nil
	}
	return t.read(c.file)
}

// openCapture is for what may be very long.
func (t Tree) openCapture(c *capture) (io.ReadCloser, error) {
	if c.body != nil {
		return io.NopCloser(strings.NewReader(*c.body)), nil
	}
	return t.open(c.file)
}

const sosCommands = "/sos_commands"

// sosCaptures lists what a sosreport has of commands: a directory a plugin, and in
// some a directory a namespace.
func sosCaptures(t Tree) []capture {
	var found []capture
	for _, plugin := range t.list(sosCommands) {
		dir := path.Join(sosCommands, plugin)
		found = append(found, sosFiles(t, dir, "")...)
		for _, netns := range t.list(dir + "/namespaces") {
			found = append(found, sosFiles(t, path.Join(dir, "namespaces", netns), netns)...)
		}
	}
	for _, name := range []string{"uptime", "uname", "netstat"} { // links that are made at the top
		found = append(found, capture{words: []string{name}, file: "/" + name})
	}
	return found
}

func sosFiles(t Tree, dir, netns string) []capture {
	var found []capture
	for _, name := range t.list(dir) {
		c := capture{netns: netns, file: path.Join(dir, name)}
		c.parseSosName(name)
		if len(c.words) > 0 {
			found = append(found, c)
		}
	}
	return found
}

// inNetns is how the name begins of a file with what a command printed in a namespace.
const inNetns = "ip_netns_exec_"

// namespaced are the commands that are run in namespaces. The name of a namespace
// may have any bytes in it, the underscore that stands for a blank, too.
var namespaced = []string{"ss", "netstat", "nstat", "sysctl", "conntrack", "ethtool", "ip", "cat", "iptables-save", "ip6tables-save", "bridge", "tc"}

// parseSosName reads ss_-peaonmi or ip_netns_exec_NAME_ss_-peaonmi.
func (c *capture) parseSosName(name string) {
	rest, inside := strings.CutPrefix(name, inNetns)
	if !inside {
		c.words = strings.Split(name, "_")
		return
	}
	if after, ok := strings.CutPrefix(rest, c.netns+"_"); ok && c.netns != "" {
		c.words = strings.Split(after, "_")
		return
	}
	words := strings.Split(rest, "_")
	for i := 1; i < len(words); i++ {
		if slices.Contains(namespaced, words[i]) {
			if c.netns == "" {
				c.netns = strings.Join(words[:i], "_")
			}
			c.words = words[i:]
			return
		}
	}
}
