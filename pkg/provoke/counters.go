// SPDX-License-Identifier: Apache-2.0

package provoke

import "github.com/synwatch/synwatch/pkg/nstat"

// counters reads the Reconciled counters, and all others of the same files, in
// the server's namespace.
func (l *Lab) counters() (all nstat.Values, err error) {
	err = l.ServerDo(func() error {
		all, err = nstat.ReadHere()
		return err
	})
	return all, err
}

// newerCounter expects n of a counter, or of another where the kernel does not
// have it yet.
func (b *bench) newerCounter(name, older string, n int) map[string]uint64 {
	if !b.counts(name) {
		name = older
	}
	return map[string]uint64{name: uint64(n)}
}

// ifCounted expects n of a counter that not every kernel has.
func (b *bench) ifCounted(name string, n int) map[string]uint64 {
	if !b.counts(name) {
		return nil
	}
	return map[string]uint64{name: uint64(n)}
}

// ipCounter is the name of a counter of the run's IP version.
func (b *bench) ipCounter(name string) string {
	if b.f == V6 {
		return "Ip6" + name
	}
	return "Ip" + name
}

// counts says whether the kernel has a counter.
func (b *bench) counts(name string) bool {
	all, err := b.counters()
	b.fail(err)
	_, ok := all[name]
	return ok
}

// counter is the value of a counter now.
func (b *bench) counter(name string) uint64 {
	all, err := b.counters()
	b.fail(err)
	return all[name]
}
