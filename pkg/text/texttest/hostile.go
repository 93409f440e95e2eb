// SPDX-License-Identifier: Apache-2.0

// Package texttest shows that no name that another user chose reaches a terminal
// as more than the letters that it has.
package texttest

import (
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// Names are such as an unprivileged user may give an interface, a process, a
// network namespace or a file.
var Names = []string{
	"$(id>x)", ";reboot", "a b", "a\nb", "-rf", `'"`, "`id`", "\x1b[2J\x1b]0;x\x07", "fifteen-bytes-x", "\u202eevil\u2066",
	"\u009b31m", "\xff\xfe", "\u2028x\u2029", "\r", "\x00", "\x7f", "*", "a=b", "漢字", "e\u0301\u0301", "eth0.100", "..", "\ufeff",
}

// Fill puts a name into every exported string of v, a pointer, and of what that
// holds. Empty slices and nil pointers get an element first; what keep says stays.
func Fill(v any, name string, keep func(reflect.Type) bool) {
	fill(reflect.ValueOf(v).Elem(), name, keep)
}

func fill(v reflect.Value, name string, keep func(reflect.Type) bool) {
	if !v.CanSet() || keep(v.Type()) {
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(name)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), name, keep)
		}
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		fill(v.Elem(), name, keep)
	case reflect.Slice:
		if v.Len() == 0 {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		}
		for i := range v.Len() {
			fill(v.Index(i), name, keep)
		}
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, name, keep)
		fill(value, name, keep)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	}
}

// Check demands that a terminal shows all of a text and acts on none of it.
func Check(t *testing.T, text string) {
	t.Helper()
	acts := func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }
	if at := strings.IndexFunc(text, acts); at >= 0 || !utf8.ValidString(text) {
		t.Errorf("at byte %d a terminal would act: %q", at, text)
	}
}
