// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// btfHeader is that of include/uapi/linux/btf.h.
type btfHeader struct {
	Magic            uint16
	Version, Flags   uint8
	HdrLen           uint32
	TypeOff, TypeLen uint32
	StrOff, StrLen   uint32
}

const (
	btfMagic = 0xeb9f
	kindEnum = 6
	typeSize = 12 // struct btf_type: its name, the kind and the number of members, and one more
)

// btfExtra is how many bytes follow a type of each kind, for itself and for each of its
// members.
var btfExtra = []struct{ own, each int }{
	1: {4, 0}, 2: {}, 3: {12, 0}, 4: {0, 12}, 5: {0, 12}, kindEnum: {0, 8}, 7: {}, 8: {}, 9: {}, 10: {}, 11: {}, 12: {},
	13: {0, 8}, 14: {4, 0}, 15: {0, 12}, 16: {}, 17: {4, 0}, 18: {}, 19: {0, 12},
}

// errNotRaw means that a file is no BTF, which may be a section of it.
var errNotRaw = errors.New("not raw BTF")

// readEnumerators finds the values of enumerators in raw BTF by their names, whatever enums
// they are in. To have a library look at each enum makes all of the kernel's types, which
// is half of the time and most of the memory that an attachment takes.
func readEnumerators(in io.ReaderAt, wanted map[string]bool) (map[string]uint32, error) {
	var h btfHeader
	if err := binary.Read(io.NewSectionReader(in, 0, int64(binary.Size(h))), binary.NativeEndian, &h); err != nil {
		return nil, fmt.Errorf("read the header of BTF: %w", err)
	}
	if h.Magic != btfMagic {
		return nil, errNotRaw
	}
	section := func(offset, length uint32) *bufio.Reader {
		return bufio.NewReaderSize(io.NewSectionReader(in, int64(h.HdrLen)+int64(offset), int64(length)), 64<<10)
	}
	names, err := findStrings(section(h.StrOff, h.StrLen), wanted)
	if err != nil {
		return nil, err
	}
	return walkEnums(section(h.TypeOff, h.TypeLen), names)
}

// findStrings returns the offsets of the wanted strings.
func findStrings(in *bufio.Reader, wanted map[string]bool) (map[uint32]string, error) {
	found := map[uint32]string{}
	for offset := uint32(0); ; {
		text, err := in.ReadSlice(0)
		long := errors.Is(err, bufio.ErrBufferFull)
		switch {
		case errors.Is(err, io.EOF):
			return found, nil
		case err != nil && !long:
			return nil, fmt.Errorf("read names of BTF: %w", err)
		}
		if name := text[:len(text)-1]; !long && wanted[string(name)] {
			found[offset] = string(name)
		}
		offset += uint32(len(text))
	}
}

// walkEnums returns the values of enumerators, of which it has the offsets of the names.
func walkEnums(in *bufio.Reader, names map[uint32]string) (map[string]uint32, error) {
	values := map[string]uint32{}
	for {
		t, err := in.Peek(typeSize)
		if len(t) == 0 && errors.Is(err, io.EOF) {
			return values, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read types of BTF: %w", err)
		}
		if err := walkType(in, binary.NativeEndian.Uint32(t[4:]), names, values); err != nil {
			return nil, fmt.Errorf("read types of BTF: %w", err)
		}
	}
}

// walkType enters the values of a type if that is an enum, of which info says so.
func walkType(in *bufio.Reader, info uint32, names map[uint32]string, values map[string]uint32) error {
	kind, members := int(info>>24&0x1f), int(info&math.MaxUint16)
	if kind == 0 || kind >= len(btfExtra) {
		return fmt.Errorf("there is one of kind %d", kind)
	}
	extra := btfExtra[kind]
	if kind != kindEnum {
		_, err := in.Discard(typeSize + extra.own + members*extra.each)
		return err
	}
	if _, err := in.Discard(typeSize); err != nil {
		return err
	}
	return readEnum(in, members, names, values)
}

// readEnum enters the values of one enum.
func readEnum(in *bufio.Reader, members int, names map[uint32]string, values map[string]uint32) error {
	for range members {
		b, err := in.Peek(8)
		if err != nil {
			return err
		}
		if name, ok := names[binary.NativeEndian.Uint32(b)]; ok {
			values[name] = binary.NativeEndian.Uint32(b[4:])
		}
		if _, err := in.Discard(len(b)); err != nil {
			return err
		}
	}
	return nil
}
