// SPDX-License-Identifier: Apache-2.0

package view

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/synwatch/synwatch/pkg/conntrack"
	"github.com/synwatch/synwatch/pkg/diagnose"
	"github.com/synwatch/synwatch/pkg/nstat"
	"github.com/synwatch/synwatch/pkg/shell"
	"github.com/synwatch/synwatch/pkg/survey"
	"github.com/synwatch/synwatch/pkg/text"
	"github.com/synwatch/synwatch/pkg/text/texttest"
)

// keep are the types whose values no stranger chooses.
func keep(t reflect.Type) bool {
	return t == reflect.TypeFor[shell.Command]() || t == reflect.TypeFor[nstat.Softnet]() || t.PkgPath() == "net/netip" || t.PkgPath() == "time"
}

func FuzzCheckText(f *testing.F) {
	for _, name := range texttest.Names {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		var c Check
		texttest.Fill(&c, name, keep)
		c.Findings[0].Netns, c.Findings[0].Changes[0].Command = 7, shell.New(name, name).Into(name).By([]string{name})
		var b bytes.Buffer
		if err := c.Text(&b, text.Palette{}); err != nil {
			t.Fatal(err)
		}
		texttest.Check(t, b.String())
		if want := "now:     " + c.Findings[0].Changes[0].Command.String() + "\n"; !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	})
}

func FuzzConntrackText(f *testing.F) {
	for _, name := range texttest.Names {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		var r ConntrackReport
		texttest.Fill(&r, name, keep)
		r.By, r.Top, r.Summary.Entries = "", 1, 9
		r.Table.Count, r.Table.Max = 9, 10
		r.Summary.Prefixes[0] = conntrack.Group{Prefix: netip.MustParsePrefix("10.0.0.0/8"), Own: 9, Mostly: conntrack.Kind{Proto: 6, State: name}}
		var b bytes.Buffer
		if err := r.Text(&b, text.Palette{}); err != nil {
			t.Fatal(err)
		}
		texttest.Check(t, b.String())
		if !strings.Contains(b.String(), "conntrack -D -f ipv4 -s 10.0.0.0/8") {
			t.Errorf("no command in\n%s", b.String())
		}
	})
}

// Commands and texts are the same in JSON as they were.
func TestJSONGivesNamesBack(t *testing.T) {
	for _, name := range texttest.Names {
		if strings.ToValidUTF8(name, "") != name {
			continue // JSON cannot hold it
		}
		c := Check{Snapshot: &survey.Snapshot{Unread: []string{name}}, Findings: []diagnose.Finding{{
			Title: name, Evidence: []diagnose.Evidence{{What: name}}, Changes: []diagnose.Change{{Command: shell.New(name)}},
		}}}
		var b bytes.Buffer
		if err := c.JSON(&b); err != nil {
			t.Fatal(err)
		}
		texttest.Check(t, b.String())
		var got struct {
			Title    string
			Evidence []struct{ What string }
			Changes  []struct{ Command string }
			Unread   []string
		}
		for line := range strings.Lines(b.String()) {
			if err := json.Unmarshal([]byte(line), &got); err != nil {
				t.Fatal(err)
			}
		}
		if got.Title != name || got.Evidence[0].What != name || got.Unread[0] != name || got.Changes[0].Command != shell.New(name).String() {
			t.Errorf("%q comes back as %+v", name, got)
		}
	}
}
