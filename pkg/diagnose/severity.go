// SPDX-License-Identifier: Apache-2.0

package diagnose

const (
	// An old total warns only when it is at least this many, and one in so many
	// of what it is a part of, or one an hour.
	least       = 10
	oneInSoMany = 1000
)

// severityOf is the severity of n refused clients, or dropped packets of theirs: of
// what moved in the window a warning, of an old total by its proportion to the
// connections that were accepted, or by the time.
func (f *Facts) severityOf(n uint64) Severity {
	accepted, known := f.Space.Counters["TcpPassiveOpens"]
	hourly := f.fromBoot() && f.System.Uptime > 0 && float64(n) >= f.System.Uptime.Hours()
	if n >= least && hourly {
		return Warning
	}
	return f.severityAmong(n, accepted, known)
}

// severityAmong is that of n that are part of others, where their number is known.
func (f *Facts) severityAmong(n, others uint64, known bool) Severity {
	switch {
	case f.Window > 0:
		return Warning
	case n < least, known && n < others/oneInSoMany:
		return Note
	}
	return Warning
}

// regular says whether n of what comes to every machine now and then are worth a word:
// at least ten, and since boot one an hour; a hundred where the time is not known.
func (f *Facts) regular(n uint64) bool {
	switch {
	case f.Window > 0:
		return n >= least
	case f.fromBoot() && f.System.Uptime > 0:
		return n >= least && float64(n) >= f.System.Uptime.Hours()
	}
	return n >= rangeLeast
}

// severityPerSegment is that of n segments, which are sent again when they are lost,
// in proportion to all that came, in a window, too.
func (f *Facts) severityPerSegment(n uint64) Severity {
	segments, known := f.Space.Counters["TcpInSegs"]
	switch {
	case n < least, known && n < segments/oneInSoMany:
		return Note
	case known:
		return Warning
	}
	return f.severityOf(n)
}

// closed is how many connections ended, or will, whichever side opened them.
func (f *Facts) closed() (uint64, bool) {
	accepted, known1 := f.Space.Counters["TcpPassiveOpens"]
	opened, known2 := f.Space.Counters["TcpActiveOpens"]
	return accepted + opened, known1 && known2
}
