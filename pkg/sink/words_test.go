// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/event"
	"github.com/synwatch/synwatch/pkg/stream"
	"github.com/synwatch/synwatch/pkg/text"
)

// What others show of a record or of a summary is what the text shows.
func TestWordsAreThoseOfTheText(t *testing.T) {
	c, _ := cause.Lookup("accept-queue-full")
	r := stream.Record{Cause: c, Stage: "syn"}
	r.Src, r.Dst, r.Proto = netip.MustParseAddrPort("10.9.0.5:20005"), netip.MustParseAddrPort("10.0.0.1:443"), event.TCP
	r.Evidence = &event.Evidence{Listener: &event.Listener{AcceptQueue: 129, AcceptQueueMax: 128, Somaxconn: 4096}}
	r.Direction = event.Forward
	for want, got := range map[string]string{
		"accept-queue-full/syn": CauseAndStage(&r),
		"fwd 10.9.0.5:20005":    SourceWords(&r),
		"10.0.0.1:443":          DestinationWords(&r),
		"":                      ProcessWord(&r),
		"129 waiting, limit 128 (the listen backlog; somaxconn is 4096)": EvidenceWords(&r),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	s := stream.Summary{Drops: 3, Causes: []stream.CauseTotal{{Cause: c, Count: 3}}}
	var written bytes.Buffer
	to := NewText(&written, text.Palette{})
	if err := to.Summary(s); err != nil {
		t.Fatal(err)
	}
	_ = to.Flush()
	page := text.NewPage(text.Palette{})
	PutSummary(page, &s, 0)
	if page.String() != written.String() {
		t.Errorf("got %s\nwant %s", page, &written)
	}
}
