// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/synwatch/synwatch/docs"
	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/event"
)

//go:generate go test -run ^TestSchemaIsOfTheCatalogue$ . -update

// The schema lists what the catalogue has, and nothing else.
func TestSchemaIsOfTheCatalogue(t *testing.T) {
	schema := string(docs.Schema1)
	drops, notices, both, staged := causesOfSchema()
	for name, items := range map[string][]string{
		"proto_name": quoted(protoNames()), "drop_cause": quoted(drops), "notice_cause": quoted(notices),
		"counter": quoted(cause.Counters()), "cause_and_stage": quoted(both), "cause_with_stage": staged,
	} {
		list := regexp.MustCompile(`(?s)(\n    "` + name + `": \{\n[^{}]*?"(?:enum|anyOf)": \[)(.*?)(\]\n    \})`)
		if n := len(list.FindAllString(schema, -1)); n != 1 {
			t.Fatalf("the schema has %d lists %s", n, name)
		}
		with := "${1}\n        " + strings.Join(items, ",\n        ") + "\n      ${3}"
		schema = list.ReplaceAllString(schema, with)
	}
	checkDocumentFile(t, "schema-1.json", schema)
}

// causesOfSchema are the causes of drops and of notices, both and their stages, and what a
// line with a stage has to be like.
func causesOfSchema() (drops, notices, both, staged []string) {
	stagesOf := map[*cause.Cause][]string{}
	for _, s := range cause.NewAttributor(event.Coverage{}).Stages() {
		stagesOf[s.Cause] = append(stagesOf[s.Cause], s.Stage)
	}
	for _, c := range cause.All() {
		if c.Kind == cause.Notice {
			notices = append(notices, c.ID)
		} else {
			drops = append(drops, c.ID)
		}
		for _, stage := range stagesOf[c] {
			both = append(both, strings.TrimSuffix(c.ID+"/"+stage, "/"))
		}
		stages := slices.DeleteFunc(stagesOf[c], func(stage string) bool { return stage == "" })
		if len(stages) > 0 {
			staged = append(staged, fmt.Sprintf(`{ "properties": { "cause": { "const": %q }, "stage": { "enum": [%s] } } }`, c.ID, strings.Join(quoted(stages), ", ")))
		}
	}
	return drops, notices, both, staged
}

func protoNames() []string {
	var names []string
	for p := range 256 {
		if name := event.Proto(p).String(); name != fmt.Sprint(p) {
			names = append(names, name)
		}
	}
	return names
}

func quoted(words []string) []string {
	var all []string
	for _, w := range words {
		text, _ := json.Marshal(w) // of a string there is no error
		all = append(all, string(text))
	}
	return all
}
