// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/synwatch/synwatch/pkg/cause"
)

// endless is a capture of so many drops, no two of which have anything in common but the
// causes. It notes what memory is in use as it is read.
type endless struct {
	drops, made int
	line        bytes.Buffer
	inUse       []uint64 // after each measureEach
}

const measureEach = 50_000

func (e *endless) Read(b []byte) (int, error) {
	if e.line.Len() == 0 {
		if e.made == e.drops {
			return 0, io.EOF
		}
		e.next()
	}
	return e.line.Read(b)
}

func (e *endless) next() {
	causes := cause.All()
	i := e.made
	if i == 0 {
		fmt.Fprintf(&e.line, startLine, "web1")
	}
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).Add(time.Duration(i) * time.Second)
	fmt.Fprintf(&e.line, `{"type":"drop","time":%q,"cause":%q,"stage":"stage-%d","count":1,"src":"2001:db8::%x:%x","src_port":5,"dst":"10.%d.%d.%d","dst_port":%d,"netns":%d,"netns_name":"netns-%d",`+
		`"hook":"kfree_skb","reason":"REASON_%d","direction":"forward","proto":"tcp","listener":{"port":443,"pid":%d,"comm":"comm-%d","container":%q},"evidence":{"accept_queue":129,"accept_queue_max":128,"somaxconn":4096}}`+"\n",
		at.Format(time.RFC3339Nano), causes[i%len(causes)].ID, i, i>>16, i&0xffff, i>>16, i>>8&255, i&255, 1+i%65535, 8+i, i, i, 1+i, i, strings.Repeat(fmt.Sprint(i), 10))
	if e.made++; e.made%measureEach == 0 {
		fmt.Fprintf(&e.line, `{"type":"sample","time":%q,"lost":0,"unattributed":0,"missed":0,"merged":0}`+"\n", at.Format(time.RFC3339Nano))
		runtime.GC()
		var now runtime.MemStats
		runtime.ReadMemStats(&now)
		e.inUse = append(e.inUse, now.HeapAlloc)
	}
}

// However many drops of however many sources at however many places a capture has, a report
// of it takes no more memory than one of the first hundred thousand.
func TestReportTakesBoundedMemory(t *testing.T) {
	const full, more, most = 2, 8 << 20, 64 << 20 // after 100,000 drops; bytes
	from := &endless{drops: 300_000}
	var stdout, stderr bytes.Buffer
	e := fakeEnv(newFake(), &stdout, &stderr)
	e.stdin = from
	if status := run(t.Context(), e, []string{"report", "-"}); status != exitFine || !strings.Contains(stdout.String(), " on web1, ") {
		t.Fatalf("status %d, %.300s, %.300s", status, stderr.String(), stdout.String())
	}
	for i, inUse := range from.inUse {
		t.Logf("after %d drops: %d kB", (i+1)*measureEach, inUse>>10)
		if i >= full && inUse > from.inUse[full-1]+more || inUse > most {
			t.Errorf("after %d drops %d kB are in use, and %d drops took %d kB", (i+1)*measureEach, inUse>>10, full*measureEach, from.inUse[full-1]>>10)
		}
	}
}
