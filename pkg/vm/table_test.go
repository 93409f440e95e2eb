// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"strings"
	"testing"
)

const testLog = `=== RUN   TestMatrix
matrix: {"kernel":"6.1.0-56-cloud-amd64","cause":"accept_queue_full","stage":"ack","family":"4","status":"exact"}
matrix: {"kernel":"6.1.0-56-cloud-amd64","cause":"conntrack_full","family":"4","status":"unseen","why":"not in BTF"}
matrix: {"kernel":"6.1.0-56-cloud-amd64","cause":"accept_queue_full","stage":"syn","family":"4","status":"skip","why":"no tool"}
matrix: {"kernel":"6.1.0-56-cloud-amd64","cause":"accept_queue_full","stage":"ack","family":"6","status":"exact"}
not a matrix: {}
`

func reports(t *testing.T, text string) []Report {
	t.Helper()
	r, err := ParseReports(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTable(t *testing.T) {
	table := NewTable([]Column{
		{Name: "6.1", Release: "6.1.0-56-cloud-amd64", Accel: "tcg", Reports: reports(t, testLog)},
		{Name: "7.x", Reports: []Report{
			{Cause: "conntrack_full", Family: "4", Status: StatusExact},
			{Cause: "conntrack_full", Family: "4", Status: StatusFail, Why: "2 of 3 | 5"},
			{Cause: "accept_queue_full", Stage: "syn", Family: "4", Status: StatusSkip, Why: "no tool"},
		}},
	})
	const want = `cause              stage  family  6.1         7.x
accept_queue_full  ack    4       exact       –
accept_queue_full  ack    6       exact       –
accept_queue_full  syn    4       skip [1]    skip [1]
conntrack_full            4       unseen [2]  FAIL [3]

[1] no tool
[2] not in BTF
[3] 2 of 3 | 5
6.1: 6.1.0-56-cloud-amd64 (tcg)
`
	var b strings.Builder
	table.WriteText(&b)
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
	if !table.Failed() {
		t.Error("the failed cell went unnoticed")
	}
}

func TestTableWithoutFailures(t *testing.T) {
	table := NewTable([]Column{{Name: "6.1", Reports: reports(t, testLog)}})
	if table.Failed() || table.Empty() {
		t.Error("want a table without failures")
	}
	if !NewTable(nil).Empty() {
		t.Error("want an empty table")
	}
}

func TestParseReportsRefuses(t *testing.T) {
	for _, line := range []string{"matrix: {", `matrix: {"cause":"x","status":"fine"}`, "matrix: []"} {
		if r, err := ParseReports(strings.NewReader(line)); err == nil {
			t.Errorf("%q: got %+v", line, r)
		}
	}
}
