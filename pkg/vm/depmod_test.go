// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"compress/gzip"
	"debug/elf"
	"encoding/binary"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/synwatch/synwatch/pkg/needs"
	"github.com/u-root/u-root/pkg/kmodule"
	"github.com/ulikunitz/xz"
)

// testModule makes an ELF object that exports a function of its own name and calls
// those of others, as depmod sees it: exports are in __ksymtab_strings, calls are
// undefined symbols.
func testModule(t *testing.T, name, alias string, calls ...string) []byte {
	t.Helper()
	symbols, strtab := []elf.Sym64{{}}, "\x00"
	for _, c := range calls {
		symbols = append(symbols, elf.Sym64{Name: uint32(len(strtab)), Info: uint8(elf.STB_GLOBAL) << 4})
		strtab += c + "\x00"
	}
	sections := []struct {
		name       string
		kind       elf.SectionType
		link, size uint32
		content    []byte
	}{
		{name: ".modinfo", kind: elf.SHT_PROGBITS, content: []byte("license=GPL\x00alias=" + alias + "\x00")},
		{name: "__ksymtab_strings", kind: elf.SHT_PROGBITS, content: []byte(name + "\x00")},
		{name: ".symtab", kind: elf.SHT_SYMTAB, link: 4, size: elf.Sym64Size, content: encode(t, symbols)},
		{name: ".strtab", kind: elf.SHT_STRTAB, content: []byte(strtab)},
		{name: ".shstrtab", kind: elf.SHT_STRTAB},
	}
	names := "\x00"
	for _, s := range sections {
		names += s.name + "\x00"
	}
	sections[4].content = []byte(names)
	var body []byte
	headers := []elf.Section64{{}}
	for _, s := range sections {
		headers = append(headers, elf.Section64{
			Name: uint32(strings.Index(names, s.name+"\x00")), Type: uint32(s.kind), Link: s.link, Entsize: uint64(s.size),
			Off: uint64(64 + len(body)), Size: uint64(len(s.content)), Addralign: 1,
		})
		body = append(body, s.content...)
	}
	header := elf.Header64{
		Ident: [16]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_REL), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT),
		Ehsize: 64, Shentsize: 64, Shnum: uint16(len(headers)), Shstrndx: uint16(len(headers) - 1), Shoff: 64 + uint64(len(body)),
	}
	return slices.Concat(encode(t, header), body, encode(t, headers))
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	b, err := binary.Append(nil, binary.LittleEndian, v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func compressed(t *testing.T, suffix string, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var w interface {
		Write([]byte) (int, error)
		Close() error
	}
	var err error
	switch suffix {
	case ".xz":
		w, err = xz.NewWriter(&b)
	case ".zst":
		w, err = zstd.NewWriter(&b)
	case ".gz":
		w = gzip.NewWriter(&b)
	default:
		return data
	}
	if err == nil {
		_, err = w.Write(data)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestInstallModules keeps what a machine without devices needs, indexed by kmod's
// depmod.
func TestInstallModules(t *testing.T) {
	needs.Program(t, depmodPaths...)
	const release = "lib/modules/6.1.0-test"
	src, dst := filepath.Join(t.TempDir(), release), filepath.Join(t.TempDir(), release)
	add := func(file string, module []byte) {
		write(t, filepath.Join(src, file), string(compressed(t, filepath.Ext(file), module)), 0o644)
	}
	add("kernel/net/netfilter/nft_ct.ko.xz", testModule(t, "nft_ct", "nft-expr-ct", "nf_tables"))
	add("kernel/net/netfilter/nf_tables.ko.zst", testModule(t, "nf_tables", "none", "odd_x86-helper"))
	add("kernel/drivers/misc/odd_x86-helper.ko", testModule(t, "odd_x86-helper", "none"))
	add("kernel/drivers/gpu/big.ko", testModule(t, "big", "none"))
	add("kernel/drivers/net/veth.ko", testModule(t, "veth", "none"))
	add("kernel/drivers/net/ethernet/intel/nic1.ko", testModule(t, "nic1", "none"))
	write(t, filepath.Join(src, "modules.builtin"), "kernel/net/ipv6/ipv6.ko\n", 0o644)
	if err := installModules(t.Context(), src, dst); err != nil {
		t.Fatal(err)
	}
	tree, err := loadModules(dst)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"odd_x86_helper": "kernel/drivers/misc/odd_x86_helper.ko", "veth": "kernel/drivers/net/veth.ko",
		"nf_tables": "kernel/net/netfilter/nf_tables.ko", "nft_ct": "kernel/net/netfilter/nft_ct.ko",
	}
	if !maps.Equal(tree.files, want) {
		t.Errorf("kept %v, want %v", tree.files, want)
	}
	if got := tree.closure([]string{"nft-expr-ct"}); !slices.Equal(got, []string{"odd_x86_helper", "nf_tables", "nft_ct"}) {
		t.Errorf("closure %v", got)
	}
	if !tree.builtin["ipv6"] {
		t.Error("ipv6 is not known to be built in")
	}
	data, err := readModule(filepath.Join(dst, tree.files["nft_ct"]))
	if err != nil || !bytes.HasPrefix(data, []byte("\x7fELF")) {
		t.Errorf("nft_ct reads as %.4q, %v", data, err)
	}
}

// TestKmoduleTakesTheIndex has the guest's library load what depmod indexed, in
// order, without loading it.
func TestKmoduleTakesTheIndex(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "lib/modules/6.1.0-test")
	write(t, filepath.Join(dir, "modules.dep"),
		"kernel/a/nft_ct.ko: kernel/a/nf_tables.ko kernel/b/crc_x86.ko.xz\nkernel/a/nf_tables.ko: kernel/b/crc_x86.ko.xz\nkernel/b/crc_x86.ko.xz:\n", 0o644)
	var loaded []string
	p, err := kmodule.NewProber(kmodule.ProbeOpts{RootDir: root, KVer: "6.1.0-test", IgnoreProcMods: true,
		DryRunCB: func(file string) { loaded = append(loaded, moduleName(file)) }})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Probe("nft_ct", ""); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(loaded, []string{"crc_x86", "nf_tables", "nft_ct"}) {
		t.Errorf("loaded %v", loaded)
	}
}
