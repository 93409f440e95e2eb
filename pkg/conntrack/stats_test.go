// SPDX-License-Identifier: Apache-2.0

package conntrack

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// cpuStats is the message of a CPU.
func cpuStats(values map[uint16]uint32) []byte {
	b := make([]byte, nl.SizeofNfgenmsg)
	for kind, v := range values {
		b = binary.NativeEndian.AppendUint16(b, 8)
		b = binary.NativeEndian.AppendUint16(b, kind)
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return message(unix.NFNL_SUBSYS_CTNETLINK<<8|getStatsCPU, b)
}

func TestStatsAreSums(t *testing.T) {
	answer := slices.Concat(cpuStats(map[uint16]uint32{2: 1, 10: 7, 14: 3, 99: 5}), cpuStats(map[uint16]uint32{2: 1<<32 - 1, 15: 4}),
		message(unix.NLMSG_DONE, make([]byte, 4)))
	got := Stats{}
	ended, err := got.decode(answer)
	want := Stats{"found": 1 << 32, "drop": 7, "clashres": 3, "chainlength": 4}
	if diff := cmp.Diff(want, got); diff != "" || !ended || err != nil {
		t.Errorf("%v, %v (-want +got):\n%s", ended, err, diff)
	}
}

func TestStatsRefused(t *testing.T) {
	for errno, want := range map[unix.Errno]error{unix.EPERM: ErrCannotCount, unix.EINVAL: ErrNoNetlink, unix.EOPNOTSUPP: ErrNoNetlink, unix.ENOMEM: unix.ENOMEM} {
		_, err := Stats{}.decode(message(unix.NLMSG_ERROR, binary.NativeEndian.AppendUint32(nil, -uint32(errno))))
		if !errors.Is(err, want) {
			t.Errorf("%v: %v", errno, err)
		}
	}
}

func FuzzStats(f *testing.F) {
	f.Add(cpuStats(map[uint16]uint32{2: 1}))
	f.Fuzz(func(t *testing.T, b []byte) { _, _ = Stats{}.decode(b) })
}

func TestReadStats(t *testing.T) {
	inNetns(t, func() error {
		samples, err := fillSamples()
		if err != nil {
			return err
		}
		got, err := ReadStats()
		if got["insert"] != uint64(len(samples)) {
			t.Errorf("%d inserted, want %d: %v", got["insert"], len(samples), got)
		}
		return err
	})
}

func TestStatsWithoutPrivilege(t *testing.T) {
	inNetns(t, func() error {
		dropCapabilities(t)
		_, err := ReadStats()
		if !errors.Is(err, ErrCannotCount) || !strings.Contains(err.Error(), "CAP_NET_ADMIN") {
			t.Errorf("got %v", err)
		}
		return nil
	})
}

// To ask would load the kernel's modules.
func TestStatsOfWhatIsNotTracked(t *testing.T) {
	if _, err := readStats(t.TempDir()); !errors.Is(err, ErrNotLoaded) {
		t.Errorf("got %v", err)
	}
}
