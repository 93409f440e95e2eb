// SPDX-License-Identifier: Apache-2.0

package diagnose

import "regexp"

// nftName is what nft reads as one name. It joins its arguments and parses the result,
// so that no shell's quotes keep a semicolon in a name from ending its command, and
// users choose the names of what they make in namespaces of their own.
var nftName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_./-]*$`)

// listChain lists the rules of a chain, or all where its name cannot be written.
func (f *Facts) listChain(family, table, chain, why string) Change {
	command := []string{"nft", "-a", "list", "chain", family, table, chain}
	for _, name := range command[4:] {
		if !nftName.MatchString(name) {
			command = []string{"nft", "-a", "list", "ruleset"}
			break
		}
	}
	return f.look("see the rules of the chain", why, command...)
}
