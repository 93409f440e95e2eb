// SPDX-License-Identifier: Apache-2.0

package event

// AcceptLimit names what the limit of an accept queue comes from, empty where that is not
// known.
type AcceptLimit string

// listen(2) takes the smaller of these (net/socket.c:__sys_listen).
const (
	ListenBacklog AcceptLimit = "listen backlog"
	Somaxconn     AcceptLimit = "net.core.somaxconn"
)

// AcceptLimitOf says what a limit comes from; somaxconn is that of now, 0 where it is not
// known. Where they are equal the backlog may be just as large, or larger. Where somaxconn
// was lowered since the socket listens, either may have been the limit; where it was
// raised, the limit looks like the backlog.
func AcceptLimitOf(limit, somaxconn uint32) AcceptLimit {
	switch {
	case somaxconn == 0 || limit > somaxconn:
		return ""
	case limit == somaxconn:
		return Somaxconn
	}
	return ListenBacklog
}

// AcceptLimit says what the limit of the listener's accept queue comes from.
func (l *Listener) AcceptLimit() AcceptLimit { return AcceptLimitOf(l.AcceptQueueMax, l.Somaxconn) }
