// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"net/netip"
	"testing"
	"time"
)

// fakeReader reads the addresses of namespaces that have one each, with a clock of its
// own. They all have the inode number of the process's.
type fakeReader struct {
	*AddressReader
	clock time.Time
	cost  time.Duration // of a read
	here  map[uint64]string
	err   error
	count int
}

const fakeInode = 4026531841

func newFakeReader() *fakeReader {
	f := &fakeReader{AddressReader: newAddressReader(), clock: time.Unix(1e9, 0), here: map[uint64]string{}}
	f.own, f.cookies = fakeInode, true
	f.now = func() time.Time { return f.clock }
	f.at = func(uint32) Location { return Location{} }
	for i := range f.finds {
		f.finds[i] = func() Locations { f.clock = f.clock.Add(f.cost); return nil }
	}
	f.read = func(_ Location, id ID) (*Addresses, error) {
		f.count++
		f.clock = f.clock.Add(f.cost)
		if f.err != nil {
			return nil, f.err
		}
		a := &Addresses{single: map[netip.Addr]bool{}}
		if ip, ok := f.here[id.Cookie]; ok {
			a.single[netip.MustParseAddr(ip)] = true
		}
		return a, nil
	}
	return f
}

// ask says yes, no or unknown, and how many reads there were so far.
func (f *fakeReader) ask(cookie uint64, ip string) string {
	return f.askID(ID{Cookie: cookie, Inode: fakeInode}, ip)
}

func (f *fakeReader) askID(id ID, ip string) string {
	local, known, _ := f.Local(id, netip.MustParseAddr(ip))
	switch {
	case !known:
		return "unknown"
	case local:
		return "yes"
	}
	return "no"
}

func (f *fakeReader) expect(t *testing.T, what, got, want string, reads int) {
	t.Helper()
	if got != want || f.count != reads {
		t.Errorf("%s: %s after %d reads, want %s after %d", what, got, f.count, want, reads)
	}
}

func TestAddressReaderReadsAgain(t *testing.T) {
	f := newFakeReader()
	f.here[1] = "10.0.0.1"
	f.expect(t, "first", f.ask(1, "10.0.0.1"), "yes", 1)
	f.expect(t, "another", f.ask(1, "10.0.0.2"), "no", 1)
	f.here[1] = "10.0.0.2"
	f.clock = f.clock.Add(missingFor)
	f.expect(t, "what is new", f.ask(1, "10.0.0.2"), "yes", 2)
	f.clock = f.clock.Add(addressesFor - 1)
	f.expect(t, "what is known", f.ask(1, "10.0.0.2"), "yes", 2)
	f.here[1] = "10.0.0.3"
	f.clock = f.clock.Add(1)
	f.expect(t, "what is no more", f.ask(1, "10.0.0.2"), "no", 3)
}

func TestAddressReaderOfANamespaceThatIsGone(t *testing.T) {
	f := newFakeReader()
	f.here[1] = "10.0.0.1"
	f.ask(1, "10.0.0.1")
	f.clock = f.clock.Add(time.Hour)
	f.err = ErrReplaced
	f.expect(t, "what was read", f.ask(1, "10.0.0.1"), "yes", 2)
	f.err = nil
	f.clock = f.clock.Add(time.Hour)
	f.here[1] = "10.0.0.2"
	f.expect(t, "its successor's", f.ask(1, "10.0.0.2"), "no", 2)
	f.here[2] = "10.0.0.2"
	f.expect(t, "of the successor", f.ask(2, "10.0.0.2"), "yes", 3)
	f.err = ErrReplaced
	f.expect(t, "never read", f.ask(3, "10.0.0.2"), "unknown", 4)
	f.expect(t, "never read, again", f.ask(3, "10.0.0.2"), "unknown", 4)
}

// Without cookies in user space the kernel's records show that a number was given to
// another namespace.
func TestAddressReaderWithoutCookies(t *testing.T) {
	f := newFakeReader()
	f.cookies = false
	f.here[1], f.here[2] = "10.0.0.1", "10.0.0.2"
	f.expect(t, "first", f.ask(1, "10.0.0.1"), "yes", 1)
	f.expect(t, "next", f.ask(2, "10.0.0.1"), "no", 2)
	f.clock = f.clock.Add(time.Hour)
	f.expect(t, "first again", f.ask(1, "10.0.0.1"), "yes", 2)
}

func TestAddressReaderTakesAPartOfTheTime(t *testing.T) {
	f := newFakeReader()
	f.cost = readBurst
	began := f.clock
	for i := range uint64(1000) {
		f.clock = f.clock.Add(10 * time.Millisecond)
		if i > 10 && f.count < 2 {
			t.Fatalf("%d reads", f.count)
		}
		f.ask(i+1, "10.0.0.1")
	}
	spent, passed := time.Duration(f.count)*f.cost, f.clock.Sub(began)
	if spent > passed/budgetShare+2*readBurst || spent < passed/budgetShare/2 {
		t.Errorf("%v of %v", spent, passed)
	}
	f.expect(t, "no time", f.ask(2000, "10.0.0.1"), "unknown", f.count)
}

func TestAddressReaderSearchesAPartOfTheTime(t *testing.T) {
	f := newFakeReader()
	f.cost = 200 * time.Millisecond
	began, searches := f.clock, 0
	for i, find := range f.finds {
		f.finds[i] = func() Locations { searches++; return find() }
	}
	for i := range uint64(1000) {
		f.clock = f.clock.Add(10 * time.Millisecond)
		f.expect(t, "one that is not there", f.askID(ID{Cookie: i + 1, Inode: 77}, "10.0.0.1"), "unknown", 0)
	}
	if spent, passed := time.Duration(searches)*f.cost, f.clock.Sub(began); spent > numFinds*(passed/budgetShare+f.cost) || searches < 4 {
		t.Errorf("%v of %v", spent, passed)
	}
}

func TestAddressReaderIsBounded(t *testing.T) {
	f := newFakeReader()
	for i := range uint64(3 * maxRead) {
		f.clock = f.clock.Add(time.Millisecond)
		f.here[i+1] = "10.0.0.1"
		f.expect(t, "each", f.ask(i+1, "10.0.0.1"), "yes", int(i)+1)
		if n := f.table.Len(); n > maxRead || f.total != n {
			t.Fatalf("%d namespaces, %d addresses", n, f.total)
		}
	}
}

func TestAddressesAreBounded(t *testing.T) {
	a := &Addresses{single: map[netip.Addr]bool{}}
	ip := netip.MustParseAddr("10.0.0.0")
	for range maxAddresses + 10 {
		ip = ip.Next()
		a.addSingle(ip, true)
	}
	if has, all := a.Has(ip); has || all || a.Len() != maxAddresses {
		t.Errorf("%v, %v, %d addresses", has, all, a.Len())
	}
	if has, all := a.Has(netip.MustParseAddr("10.0.0.1")); !has || !all {
		t.Errorf("the first: %v, %v", has, all)
	}
}
