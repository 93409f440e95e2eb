// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"fmt"
	"slices"

	"github.com/synwatch/synwatch/pkg/proc"
)

// Names returns the ip-netns names, in their order.
func Names() []string {
	names := proc.List(namedDir)
	slices.Sort(names)
	return names
}

// Nameless lists the namespaces that have no ip-netns name, by inode number, with the
// container or process that is in them.
func Nameless() map[string]string {
	found := map[string]string{}
	for inode, at := range Discover(false) {
		if at.name == "" {
			found[fmt.Sprint(inode)] = at.Name()
		}
	}
	return found
}
