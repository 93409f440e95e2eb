// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"

	"github.com/synwatch/synwatch/pkg/sockets"
)

// fillsSomaxconn says whether the accept queue of a listener whose limit is not known,
// as of /proc/net/tcp and of netstat, has one more than somaxconn. That is as far as a
// queue goes that somaxconn cuts off (include/net/sock.h:sk_acceptq_is_full).
func (f *Facts) fillsSomaxconn(l *sockets.ListenerQueue) bool {
	cut, known := f.number(somaxconn)
	return l.Limit == nil && known && cut > 0 && uint64(l.Waiting) == cut+1
}

// queueOfUnknownLimit finds a full queue by what waits in it.
func (f *Facts) queueOfUnknownLimit() *Finding {
	if !f.fillsSomaxconn(f.Listener) {
		return nil
	}
	l := *f.Listener
	limit := l.Waiting - 1
	l.Limit = &limit
	g := *f
	g.Listener = &l
	x := acceptQueue(&g)
	x.Evidence[0].Where = fmt.Sprintf("its limit was not read; one more than %s, which is probably the limit", somaxconn)
	return x
}

// longestQueue is the longest accept queue of those whose limits are not known, as
// evidence where some queue overflowed.
func (f *Facts) longestQueue() []Evidence {
	var longest *sockets.ListenerQueue
	for i := range f.Space.Listeners {
		if l := &f.Space.Listeners[i]; l.Limit == nil && l.Waiting > 0 && (longest == nil || l.Waiting > longest.Waiting) {
			longest = l
		}
	}
	if longest == nil {
		return nil
	}
	return []Evidence{{What: "accept queue of " + who(longest), Value: fmt.Sprint(longest.Waiting), Where: "the longest; its limit was not read"}}
}
