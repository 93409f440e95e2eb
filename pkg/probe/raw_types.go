// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
)

// rawTypes are BTF's types as they are encoded (include/uapi/linux/btf.h).
type rawTypes struct{ types, strings []byte }

// btfHeader is struct btf_header.
type btfHeader struct {
	Magic          uint16
	Version, Flags uint8
	Len            uint32
	// Where types and strings are, from the end of the header on.
	Types, TypesLen, Strings, StringsLen uint32
}

const btfMagic = 0xeb9f

var errDamagedBTF = errors.New("damaged BTF")

// parseTypes finds the types in BTF, or in an ELF file that has some.
func parseTypes(data []byte) (rawTypes, error) {
	if file, err := elf.NewFile(bytes.NewReader(data)); err == nil {
		section := file.Section(".BTF")
		if section == nil {
			return rawTypes{}, errors.New("no section .BTF")
		}
		if data, err = section.Data(); err != nil {
			return rawTypes{}, err
		}
	}
	var h btfHeader
	if _, err := binary.Decode(data, binary.LittleEndian, &h); err != nil || h.Magic != btfMagic {
		return rawTypes{}, errDamagedBTF
	}
	types, ok := part(data, uint64(h.Len)+uint64(h.Types), h.TypesLen)
	strings, okStrings := part(data, uint64(h.Len)+uint64(h.Strings), h.StringsLen)
	if !ok || !okStrings {
		return rawTypes{}, errDamagedBTF
	}
	return rawTypes{types, strings}, nil
}

func part(data []byte, at uint64, n uint32) ([]byte, bool) {
	if end := at + uint64(n); end <= uint64(len(data)) {
		return data[at:end], true
	}
	return nil, false
}

// The kinds of types that something follows, and how many bytes, once or for each member.
const kindEnum = 6

var (
	followedBy = map[byte]int{1 /* int */ : 4, 3 /* array */ : 12, 14 /* variable */ : 4, 17 /* tag */ : 4}
	perMember  = map[byte]int{4 /* struct */ : 12, 5 /* union */ : 12, kindEnum: 8, 13 /* prototype */ : 8, 15 /* section */ : 12, 19 /* enum64 */ : 12}
)

const (
	lastKind = 19
	typeSize = 12 // of struct btf_type
	enumSize = 8  // of struct btf_enum
)

// rawEnum is the enumerators of an enum, each its name's place and its value.
type rawEnum []byte

// namelessEnums goes through the enums that have no name.
func (r rawTypes) namelessEnums() iter.Seq2[rawEnum, error] {
	return func(yield func(rawEnum, error) bool) {
		for rest := r.types; len(rest) > 0; {
			if len(rest) < typeSize {
				yield(nil, errDamagedBTF)
				return
			}
			name, info := binary.LittleEndian.Uint32(rest), binary.LittleEndian.Uint32(rest[4:])
			kind, members := byte(info>>24&0x1f), int(info&0xffff)
			size := typeSize + followedBy[kind] + members*perMember[kind]
			if kind == 0 || kind > lastKind || len(rest) < size {
				yield(nil, fmt.Errorf("%w: kind %d, %d members", errDamagedBTF, kind, members))
				return
			}
			if kind == kindEnum && name == 0 && members > 0 && !yield(rawEnum(rest[typeSize:size]), nil) {
				return
			}
			rest = rest[size:]
		}
	}
}

// name is an enumerator's.
func (r rawTypes) name(e rawEnum, i int) string {
	at := uint64(binary.LittleEndian.Uint32(e[i*enumSize:]))
	if at >= uint64(len(r.strings)) {
		return ""
	}
	name, _, _ := bytes.Cut(r.strings[at:], []byte{0})
	return string(name)
}

func (r rawTypes) enumerators(e rawEnum) map[string]uint32 {
	values := map[string]uint32{}
	for i := range len(e) / enumSize {
		values[r.name(e, i)] = binary.LittleEndian.Uint32(e[i*enumSize+4:])
	}
	return values
}
