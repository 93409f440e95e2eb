// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"strings"
	"testing"
)

func TestTableMarkdown(t *testing.T) {
	const log = `matrix: {"cause":"syn-queue-full","family":"v4","status":"exact"}
matrix: {"cause":"syn-queue-full","family":"v6","status":"exact"}
matrix: {"cause":"stray-ack","stage":"listener","family":"v4","status":"exact"}
matrix: {"cause":"stray-ack","stage":"listener","family":"v6","status":"skip","why":"a | b"}
matrix: {"cause":"(benign)","family":"v4","status":"unseen","why":"no kprobes"}
`
	write := func(accel string) string {
		var b strings.Builder
		NewTable([]Column{
			{Name: "6.1", Release: "6.1.0-56-cloud-amd64", Accel: accel, Reports: reports(t, log)},
			{Name: "own", Release: "own"},
		}).WriteMarkdown(&b)
		return b.String()
	}
	got := write("tcg")
	const want = `| cause | stage | family | **6.1**<br>6.1.0-56-cloud-amd64 | **own** |
|---|---|---|---|---|
| [syn-queue-full](causes.md#syn-queue-full) |  | v4, v6 | exact | – |
| [stray-ack](causes.md#stray-ack) | listener | v4 | exact | – |
| [stray-ack](causes.md#stray-ack) | listener | v6 | skip [1] | – |
| (benign) |  | v4 | unseen [2] | – |

- \[1] a \| b
- \[2] no kprobes
`
	if !strings.HasSuffix(got, "\n\n"+want) || !strings.HasPrefix(got, "<!-- ") || !strings.Contains(got, "\n# Causes and kernels\n") {
		t.Errorf("got\n%s\nwant at its end\n%s", got, want)
	}
	if write("kvm") != got {
		t.Error("the same results make different documents")
	}
}
