// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"testing"
)

func TestMessagesReadBackTheSame(t *testing.T) {
	for _, m := range []message{
		{kind: "hello", text: "6.12.107+deb13-cloud-amd64"},
		{kind: "ports", text: "virtio"},
		{kind: "warn", text: "module x: exec format error"},
		{kind: "exit", status: 137, out: 5 << 30, err: 7},
		{kind: "eof", out: 12},
	} {
		got, err := parseMessage(m.String())
		if err != nil || got != m {
			t.Errorf("%q: got %+v, %v", m.String(), got, err)
		}
	}
}

func TestAMessageIsOneLine(t *testing.T) {
	if got := (message{kind: "warn", text: "a\nb"}).String(); got != "warn a b\n" {
		t.Errorf("got %q", got)
	}
}

func TestParseMessageRefusesNoise(t *testing.T) {
	for _, line := range []string{"", "[    0.1] printk", "exit", "exit 1 2", "exit a b c", "exit 1 2 3 4", "eof x"} {
		if m, err := parseMessage(line); err == nil {
			t.Errorf("%q: got %+v", line, m)
		}
	}
}

func FuzzParseMessage(f *testing.F) {
	f.Add("exit 0 1 2")
	f.Add("hello 6.1")
	f.Fuzz(func(t *testing.T, line string) {
		m, err := parseMessage(line)
		if err != nil {
			return
		}
		if again, err := parseMessage(m.String()); err != nil || again.kind != m.kind || again.status != m.status {
			t.Errorf("%q: %+v reads back as %+v, %v", line, m, again, err)
		}
	})
}
