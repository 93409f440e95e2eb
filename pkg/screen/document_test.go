// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/synwatch/synwatch/pkg/needs"
)

// TestDocumentHasEachKey: docs/top.md says of each what the help says.
func TestDocumentHasEachKey(t *testing.T) {
	const path = "../../docs/top.md"
	needs.Source(t, path)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range bindings {
		if row := fmt.Sprintf("| `%s` | %s", b.label, b.does); !strings.Contains(string(text), row) {
			t.Errorf("%s has no row %s", path, row)
		}
	}
}
