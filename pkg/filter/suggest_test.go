// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSuggest(t *testing.T) {
	for text, want := range map[string][]string{
		"":                        nil,
		"p":                       {"port:", "proto:"},
		"port:443 -d":             {"port:443 -dst:", "port:443 -direction:"},
		"cause:acc":               {"cause:accept-queue-full"},
		"x !direction:":           {"x !direction:in", "x !direction:forward", "x !direction:out"},
		"cause:no-route,mar":      {"cause:no-route,martian-source"},
		"proto:tcp":               nil,
		"src:1":                   nil,
		"frob:":                   nil,
		"cause:accept-queue-full": nil,
	} {
		if diff := cmp.Diff(want, Suggest(text)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

// TestEachKeyIsNamed: the list that errors and suggestions take is all of the keys.
func TestEachKeyIsNamed(t *testing.T) {
	if len(Keys()) != len(keys)+len(aliases) {
		t.Errorf("%d keys are named of %d", len(Keys()), len(keys)+len(aliases))
	}
	for _, name := range Keys() {
		if _, ok := keys[name]; !ok && aliases[name] == "" {
			t.Errorf("%s is no key", name)
		}
	}
}
