// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"compress/gzip"
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// testModule makes an ELF object with nothing but a .modinfo section.
func testModule(t *testing.T, modinfo string) []byte {
	t.Helper()
	names := "\x00.modinfo\x00.shstrtab\x00"
	header := elf.Header64{
		Ident: [16]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_REL), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT),
		Ehsize: 64, Shentsize: 64, Shnum: 3, Shstrndx: 2,
		Shoff: 64 + uint64(len(modinfo)+len(names)),
	}
	sections := []elf.Section64{{},
		{Name: 1, Type: uint32(elf.SHT_PROGBITS), Off: 64, Size: uint64(len(modinfo))},
		{Name: 10, Type: uint32(elf.SHT_STRTAB), Off: 64 + uint64(len(modinfo)), Size: uint64(len(names))},
	}
	var b bytes.Buffer
	for _, part := range []any{header, []byte(modinfo), []byte(names), sections} {
		if err := binary.Write(&b, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
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

func TestParseModinfo(t *testing.T) {
	info, err := parseModinfo(testModule(t, "license=GPL\x00depends=nf_tables,nf-conntrack\x00alias=nft-expr-ct\x00alias=nft-expr-*-ct\x00"))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(info.depends, []string{"nf_tables", "nf-conntrack"}) ||
		!slices.Equal(info.aliases, []string{"nft-expr-ct", "nft-expr-*-ct"}) {
		t.Errorf("got %+v", info)
	}
	if _, err := parseModinfo([]byte("no module")); err == nil {
		t.Error("no error for what is no ELF file")
	}
}

func TestInstallModulesKeepsWhatAMachineWithoutDevicesNeeds(t *testing.T) {
	src, dst := t.TempDir(), t.TempDir()
	for file, modinfo := range map[string]string{
		"kernel/net/netfilter/nft_ct.ko.xz":         "depends=nf_tables\x00alias=nft-expr-ct\x00",
		"kernel/net/netfilter/nf_tables.ko.zst":     "depends=odd-helper\x00",
		"kernel/drivers/misc/odd-helper.ko.gz":      "depends=\x00",
		"kernel/drivers/gpu/big.ko":                 "depends=\x00",
		"kernel/drivers/net/veth.ko":                "depends=\x00",
		"kernel/drivers/net/ethernet/intel/nic1.ko": "depends=\x00",
	} {
		path := filepath.Join(src, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, compressed(t, filepath.Ext(path), testModule(t, modinfo)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := installModules(src, dst); err != nil {
		t.Fatal(err)
	}
	files, err := moduleFiles(dst)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"kernel/drivers/misc/odd-helper.ko", "kernel/drivers/net/veth.ko",
		"kernel/net/netfilter/nf_tables.ko", "kernel/net/netfilter/nft_ct.ko",
	}
	if !slices.Equal(files, want) {
		t.Errorf("kept %v, want %v", files, want)
	}
	tree, err := loadModules(dst)
	if err != nil {
		t.Fatal(err)
	}
	if got := tree.closure([]string{"nft-expr-ct"}); !slices.Equal(got, []string{"odd_helper", "nf_tables", "nft_ct"}) {
		t.Errorf("closure %v", got)
	}
	if data, err := tree.read("nft_ct"); err != nil || !bytes.HasPrefix(data, []byte("\x7fELF")) {
		t.Errorf("nft_ct reads as %.4q, %v", data, err)
	}
}
