// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"regexp"
	"slices"
	"strings"

	"github.com/synwatch/synwatch/pkg/shell"
)

// sysctlWord is what every tool reads as one name or value. sysctl(8) takes what
// is behind a '=' for the value, and with the files of sysctl.d a '*', '?' or '['
// for a pattern, none of which can be quoted.
var sysctlWord = regexp.MustCompile(`^[A-Za-z0-9_./+@-]+$`)

// settable says whether sysctl and the files of sysctl.d can set a sysctl to a
// value. They cannot where an interface has a name that they read in another way.
func settable(key, value string) bool {
	return isSysctl(key) && sysctlWord.MatchString(key) && sysctlWord.MatchString(strings.ReplaceAll(value, " ", ""))
}

var separators = strings.NewReplacer(".", "/", "/", ".")

// sysctlPath is the parts of a sysctl's path below /proc/sys. In a key as sysctl -a
// prints it a slash stands for the dot of a name: net.ipv4.conf.eth0/7.rp_filter.
func sysctlPath(key string) []string { return strings.Split(separators.Replace(key), "/") }

// isSysctl says whether a key can name a sysctl at all. One of a saved tree may
// lead out of /proc/sys.
func isSysctl(key string) bool {
	return !slices.ContainsFunc(sysctlPath(key), func(part string) bool {
		return part == "" || part == "." || part == ".." || strings.Contains(part, "\x00")
	})
}

// setSysctl is the command that sets a sysctl until the next boot.
func setSysctl(key, value string) shell.Command {
	switch {
	case !isSysctl(key):
		return shell.Command{}
	case settable(key, value):
		return shell.New("sysctl", "-w", key+"="+value)
	}
	return shell.New("echo", value).Into("/proc/sys/" + separators.Replace(key))
}
