// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"fmt"
	"testing"
)

func TestScreens(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {200, 60}, {40, 10}} {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			name := func(what string) string { return fmt.Sprintf("%s-%dx%d", what, size[0], size[1]) }
			term := start(t, newFake(t), size[0], size[1])
			term.await("accept-queue-full")
			term.golden(name("overview"))
			term.press("\r")
			term.await("Esc ←")
			term.golden(name("cause"))
			term.press("\r")
			term.await("›")
			term.golden(name("source"))
			term.press("\r")
			term.await("newest records")
			term.golden(name("records"))
			term.press("f")
			term.golden(name("findings"))
			term.press("e")
			term.golden(name("explain"))
			term.press("?")
			term.golden(name("help"))
		})
	}
}
