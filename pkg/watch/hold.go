// SPDX-License-Identifier: Apache-2.0

package watch

import (
	"time"

	"github.com/synwatch/synwatch/pkg/cause"
	"github.com/synwatch/synwatch/pkg/host"
)

const (
	// patience is how long a record may wait for what the machine knows of it
	// unless Config.Patience says otherwise, pause how long the loop may, turns
	// times in a row.
	patience = 50 * time.Millisecond
	pause    = time.Millisecond
	turns    = 4
	// maxHeld bounds the records that wait.
	maxHeld = 8192
)

// Directory knows what stands behind the numbers of a record; host.Directory is
// one.
type Directory interface {
	// Ask returns at once what is known, and whether more is to be expected.
	Ask(host.Question) (answer host.Answer, all bool)
}

// held is a record that waits for its answer.
type held struct {
	Record
	question host.Question
	until    time.Time
}

// ask puts the question of a record, if it has one.
func (w *watcher) ask(q *host.Question) (host.Answer, bool) {
	if w.Directory == nil || !q.Listener && !q.Conntrack && q.Ifindex == 0 {
		return host.Answer{}, true
	}
	return w.Directory.Ask(*q)
}

// question is what there is to know of a record.
func question(r *Record, now time.Time) host.Question {
	q := host.Question{
		Since: now, Netns: r.Netns.Inode, Dst: r.Dst,
		Listener:  r.Cause.Evidence.Has(cause.Owner) && r.Dst.IsValid(),
		Conntrack: r.Cause.Evidence.Has(cause.Table),
	}
	if r.Evidence != nil {
		q.Ifindex = r.Evidence.Ifindex
	}
	return q
}

// present tells the sink of a record, or holds it until there is an answer and
// those before it are told.
func (w *watcher) present(r Record) error {
	now := w.Now()
	q := question(&r, now)
	var all bool
	if r.Answer, all = w.ask(&q); all && len(w.held) == 0 {
		return w.record(r)
	}
	w.held = append(w.held, held{r, q, now.Add(w.Patience)})
	if len(w.held) > maxHeld {
		return w.releaseFirst()
	}
	return nil
}

// release tells of the records that have their answers or have waited for long
// enough, and returns how many are left.
func (w *watcher) release() (int, error) {
	for len(w.held) > 0 {
		h := &w.held[0]
		var all bool
		if h.Answer, all = w.ask(&h.question); !all && w.Now().Before(h.until) {
			break
		}
		if err := w.releaseFirst(); err != nil {
			return 0, err
		}
	}
	return len(w.held), nil
}

func (w *watcher) releaseFirst() error {
	r := w.held[0].Record
	w.held[0] = held{}
	w.held = w.held[1:]
	return w.record(r)
}

func (w *watcher) record(r Record) error {
	w.scenes.remember(&r)
	return w.Sink.Record(r)
}

// settle gives the answers some time to come.
func (w *watcher) settle(turns int) error {
	for ; ; turns-- {
		left, err := w.release()
		if err != nil || left == 0 || turns <= 0 {
			return err
		}
		time.Sleep(pause)
	}
}

// releaseAll waits for the last time.
func (w *watcher) releaseAll() error {
	err := w.settle(int(w.Patience / pause))
	for err == nil && len(w.held) > 0 {
		err = w.releaseFirst()
	}
	return err
}
