// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/synwatch/synwatch/pkg/needs"
)

// The kernel counts of the story what it counts at all, the namespaces have their names
// while it is told, and nothing is left of it.
func TestStory(t *testing.T) {
	needs.Root(t)
	needs.Able(t, MissingForStory(), ErrMissing)
	for _, f := range []Family{V4, V6} {
		t.Run(f.String(), func(t *testing.T) {
			l := newLab(t)
			named := 0
			l.Provoked = func(context.Context, Expect) {
				for _, name := range []string{"web", "api", "db"} {
					if _, err := os.Stat(filepath.Join(namedNetns, name)); err == nil {
						named++
					}
				}
			}
			checkCounters(t, l, func(ctx context.Context) (Expect, error) {
				tale, err := Story(ctx, l, f)
				return tale.Expect(), err
			})
			if named != 3 {
				t.Errorf("%d of the containers' namespaces have a name", named)
			}
			left, _ := os.ReadDir(namedNetns)
			for _, entry := range left {
				t.Errorf("%s is left", entry.Name())
			}
		})
	}
}
