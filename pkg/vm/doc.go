// SPDX-License-Identifier: Apache-2.0

// Package vm runs one command inside a virtual machine of a chosen Linux kernel.
//
// The machine has no disk and no network: QEMU boots the kernel with an initramfs
// built in memory, which holds the command, the modules that the tests need and
// this program itself as /init and /sbin/modprobe. Serial ports, which every kernel
// drives without a module, are the way in and out:
//
//	ttyS0  the kernel's console
//	ttyS1  the command's stdout
//	ttyS2  the command's stderr
//	ttyS3  control: the guest's start, warnings and exit status
//
// Where the kernel has a virtio console, two virtio ports take the place of ttyS1
// (and carry stdin, if asked for) and ttyS2: they are a hundred times as fast.
package vm
