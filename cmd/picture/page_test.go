// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/synwatch/synwatch/pkg/needs"
)

// TestPage: the picture is of the element, and of nothing around it.
func TestPage(t *testing.T) {
	needs.Browser(t)
	file := filepath.Join(t.TempDir(), "a page.html")
	page := `<p>before</p><div style="width: 120px; height: 40px; background: #ff0000"></div>`
	if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	data, err := photograph(t.Context(), file, "body > div", 300)
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if size := picture.Bounds().Size(); size.X != 120 || size.Y != 40 {
		t.Errorf("it is %s", size)
	}
	if r, g, b, _ := picture.At(5, 5).RGBA(); r != 0xffff || g != 0 || b != 0 {
		t.Errorf("it is not red but %x %x %x", r, g, b)
	}
}
