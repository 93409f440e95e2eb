// SPDX-License-Identifier: Apache-2.0

package capturetest

import (
	"strings"
	"testing"
)

const drop = `{"type":"drop","time":"2026-03-01T12:00:00.000000000Z","cause":"accept-queue-full","stage":"syn","count":1,"src":"10.9.0.5","src_port":5,"netns":7,"hook":"kfree_skb","reason":""}` + "\n"

func TestSchemaIsStrict(t *testing.T) {
	if err := CheckLine([]byte(drop)); err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{
		{`"netns":7`, `"netns":7,"more":1`},
		{`"netns":7`, `"netns":7,"target":{"netns":1,"more":1}`},
		{`"netns":7`, `"netns":7,"evidence":{}`},
		{`"netns":7`, `"netns":7,"evidence":{"accept_queue":1}`},
		{`"netns":7`, `"netns":7,"netns_name":""`},
		{`"netns":7`, `"netns":4294967296`},
		{`"netns":7`, `"netns":null`},
		{`"type":"drop"`, `"type":"news"`},
		{`"type":"drop",`, ``},
		{`"type":"drop"`, `"type":"notice"`},
		{`accept-queue-full`, `syn-cookie-sent`},
		{`accept-queue-full`, `brand-new`},
		{`"stage":"syn"`, `"stage":"connect"`},
		{`"count":1`, `"count":0`},
		{`"count":1`, `"count":"1"`},
		{`"src":"10.9.0.5",`, ``},
		{`10.9.0.5`, `10.9.0.500`},
		{`"src_port":5`, `"src_port":65536`},
		{`.000000000Z`, `Z`},
		{`2026-03-01`, `2026-33-01`},
		{`{`, ``},
		{drop, `[1]`},
	} {
		line := strings.Replace(drop, change[0], change[1], 1)
		if err := CheckLine([]byte(line)); line == drop || err == nil {
			t.Errorf("%s for %s is of the schema", change[1], change[0])
		}
	}
}

func TestCheckerSeesWhatIsNew(t *testing.T) {
	var c Checker
	wrong := []byte(strings.Replace(drop, `"count":1`, `"count":1,"more":1`, 1))
	for i := range 2*checkedEach + 1 {
		if err := c.Check([]byte(drop)); err != nil {
			t.Fatal(err)
		}
		if i%checkedEach == 0 && c.Check(wrong) == nil {
			t.Errorf("line %d: a new field is of the schema", i)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	b.Run("line", func(b *testing.B) {
		for b.Loop() {
			if err := CheckLine([]byte(drop)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("checker", func(b *testing.B) {
		var c Checker
		for b.Loop() {
			if err := c.Check([]byte(drop)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
