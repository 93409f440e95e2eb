// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"fmt"
	"io"
)

// flag is a bool of the programs that is read so often that ebpf.Variable, which
// takes a look at types each time, would be a tenth of what an idle tick costs.
type flag struct {
	memory io.ReaderAt // the map that it is in
	offset int64
	value  [1]byte
}

// flag finds a variable of type bool.
func (l *loader) flag(name string) (flag, error) {
	spec := l.spec.Variables[name]
	memory, err := l.maps[spec.SectionName].Memory()
	if err != nil {
		return flag{}, fmt.Errorf("map variable %s: %w", name, err)
	}
	return flag{memory: memory, offset: int64(spec.Offset)}, nil
}

func (f *flag) read() (bool, error) {
	_, err := f.memory.ReadAt(f.value[:], f.offset)
	return f.value[0] != 0, err
}
