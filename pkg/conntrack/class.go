// SPDX-License-Identifier: Apache-2.0

package conntrack

import (
	"math/bits"
	"time"
)

// class is all that is kept of an entry besides its address: its kind, whether
// it was replied to, and its time to within a sixteenth.
type class uint16

const (
	timeBits    = 9
	unknownTime = 1<<timeBits - 1
	repliedBit  = 1 << timeBits
	maxKinds    = 1 << (16 - timeBits - 1)
	subBits     = 4 // parts of a power of two
)

func newClass(kind uint8, replied bool, timeBucket uint16) class {
	c := class(kind)<<(timeBits+1) | class(timeBucket)
	if replied {
		c |= repliedBit
	}
	return c
}

func (c class) kind() uint8    { return uint8(c >> (timeBits + 1)) }
func (c class) replied() bool  { return c&repliedBit != 0 }
func (c class) bucket() uint16 { return uint16(c & unknownTime) }

// bucketOf puts a number of seconds into a bucket: those up to 31 into one each,
// above that each power of two has sixteen.
func bucketOf(seconds uint32) uint16 {
	if seconds < 1<<subBits {
		return uint16(seconds)
	}
	shift := bits.Len32(seconds) - 1 - subBits
	return uint16(shift)<<subBits + uint16(seconds>>shift)
}

// bucketTime is the middle of a bucket.
func bucketTime(bucket uint16) time.Duration {
	if bucket < 2<<subBits {
		return time.Duration(bucket) * time.Second
	}
	shift := bucket>>subBits - 1
	low := uint64(bucket-shift<<subBits) << shift
	return time.Duration(2*low+1<<shift) * time.Second / 2
}

// histogram is exact counts of classes.
type histogram struct {
	total, replied uint64
	kinds          [maxKinds]uint64
	times          [1 << timeBits]uint64
}

func (h *histogram) add(c class, n uint32) {
	h.total += uint64(n)
	h.kinds[c.kind()] += uint64(n)
	h.times[c.bucket()] += uint64(n)
	if c.replied() {
		h.replied += uint64(n)
	}
}

// median is that of the entries whose time is known, and their number.
func (h *histogram) median() (time.Duration, uint64) {
	known := h.total - h.times[unknownTime]
	var seen uint64
	for bucket, n := range h.times[:unknownTime] {
		if seen += n; 2*seen >= known && known > 0 {
			return bucketTime(uint16(bucket)), known
		}
	}
	return 0, 0
}
