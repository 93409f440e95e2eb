// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"fmt"
	"testing"

	tea "charm.land/bubbletea/v2"
)

// BenchmarkLook is what the screen costs twice a second, whatever the rate of the drops:
// taking in a look and drawing it.
func BenchmarkLook(b *testing.B) {
	for _, size := range [][2]int{{80, 24}, {200, 60}} {
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(b *testing.B) {
			f := newFake(b)
			next, _ := newModel(pen{}, f, parse, false).Update(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
			for b.Loop() {
				next, _ = next.Update(looked(f.look(question{anywhere: true, records: 50})))
			}
		})
	}
}
