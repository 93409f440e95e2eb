// SPDX-License-Identifier: Apache-2.0

package main

import "runtime/debug"

// release is set by the linker in a release's build.
var release string

// version is the release, or what the Go command knows of the source.
func version() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
