// SPDX-License-Identifier: Apache-2.0

package provoke

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"sync"
)

// kernelBTF is the running kernel's type information.
var kernelBTF = sync.OnceValues(func() ([]byte, error) {
	return os.ReadFile(cmp.Or(os.Getenv("SYNWATCH_TEST_BTF"), "/sys/kernel/btf/vmlinux"))
})

// kernelHas says whether a type, member or enumerator of this name is in the
// kernel's BTF. Names stand in its string section, each ended by a zero byte;
// nothing more of BTF need be understood to know that one is there.
func kernelHas(name string) (bool, error) {
	btf, err := kernelBTF()
	if err != nil {
		return false, fmt.Errorf("look up %s in the kernel's BTF: %w", name, err)
	}
	return bytes.Contains(btf, []byte("\x00"+name+"\x00")), nil
}

// dropReason is the kernel's name of a reason (SKB_DROP_REASON_ goes without
// saying), or without drop reasons (before 5.17) the function that frees.
func dropReason(name, function string) (string, error) {
	ok, err := kernelHas("SKB_DROP_REASON_" + name)
	if err != nil || !ok {
		return function, err
	}
	return name, nil
}
