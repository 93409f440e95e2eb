// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// emulator is the program that runs the machine.
const emulator = "qemu-system-x86_64"

// errNoEmulator says how to get it.
var errNoEmulator = errors.New(emulator + " is not in PATH: install the package qemu-system-x86 (Fedora: qemu-system-x86-core)")

// machine is what QEMU is told, apart from the files.
type machine struct {
	accel   string // "kvm" or "tcg"
	cpus    int
	memory  string
	image   string
	cmdline string
}

// The ports are the serial ports ttyS0 to ttyS3 and two virtio ports. A serial port
// carries 0.2 MB/s under TCG and works on every kernel; virtio is a hundred times as
// fast but a module on older kernels, and absent from some of users' own.
const (
	portConsole = iota
	portStdout
	portStderr
	portControl
	portFastStdout
	portFastStderr
	portCount
)

// serialPorts is how many of the ports are serial ones.
const serialPorts = portControl + 1

// fastNames are the virtio ports' names, which the guest finds them by.
var fastNames = map[int]string{portFastStdout: "stdout", portFastStderr: "stderr"}

// firstExtraFD is the number of the first of exec.Cmd's ExtraFiles in the child:
// the initramfs, followed by the ports.
const firstExtraFD = 3

// args is QEMU's command line.
//
// cx16 is off under TCG because cmpxchg16b, emulated on several threads, now and
// then corrupts SLUB's free lists and oopses the guest.
func (m machine) args() []string {
	cpu := []string{"-accel", "tcg,thread=multi", "-cpu", "max,cx16=off"}
	if m.accel == "kvm" {
		cpu = []string{"-accel", "kvm", "-cpu", "host"}
	}
	args := append(cpu,
		"-M", "pc", "-smp", strconv.Itoa(m.cpus), "-m", m.memory,
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-kernel", m.image, "-initrd", "/proc/self/fd/"+strconv.Itoa(firstExtraFD), "-append", m.cmdline)
	args = append(args, "-device", "virtio-serial-pci,id=fast")
	for i := range portCount {
		device := fmt.Sprintf("isa-serial,chardev=s%d,index=%d", i, i)
		if name, ok := fastNames[i]; ok {
			device = fmt.Sprintf("virtserialport,bus=fast.0,nr=%d,chardev=s%d,name=%s", i-serialPorts+1, i, name)
		}
		args = append(args, "-chardev", fmt.Sprintf("socket,id=s%d,fd=%d", i, firstExtraFD+1+i), "-device", device)
	}
	return args
}

// kernelCmdline makes an oops end the machine, which is then booted again.
func kernelCmdline(accel string, verbose bool, more string) string {
	words := []string{
		"console=ttyS0", "oops=panic", "panic=-1", "8250.nr_uarts=4", "random.trust_cpu=on", "net.ifnames=0",
	}
	if !verbose {
		words = append(words, "quiet")
	}
	if accel == "tcg" {
		// Emulated clocks drift apart when the host is busy, and mitigations cost
		// an emulator much and protect nothing.
		words = append(words, "mitigations=off", "no_timer_check", "tsc=nowatchdog")
	}
	if more != "" {
		words = append(words, more)
	}
	return strings.Join(words, " ")
}

// process is a running QEMU with the host's ends of its ports.
type process struct {
	cmd    *exec.Cmd
	ports  [portCount]*os.File
	stderr bytes.Buffer
	exited chan error
}

// startQEMU boots a machine. It leaves no files behind: the initramfs is a memory
// file and the ports are socket pairs.
func startQEMU(ctx context.Context, m machine, initramfs []byte) (*process, error) {
	path, err := exec.LookPath(emulator)
	if err != nil {
		return nil, errNoEmulator
	}
	initrd, err := memFile("initramfs", initramfs)
	if err != nil {
		return nil, err
	}
	defer initrd.Close()
	p := &process{exited: make(chan error, 1)}
	p.cmd = exec.CommandContext(ctx, path, m.args()...)
	p.cmd.Stderr = &p.stderr
	p.cmd.ExtraFiles = []*os.File{initrd}
	// A signal to the terminal's process group is for this program, which ends QEMU.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	for i := range p.ports {
		host, guest, err := socketPair()
		if err != nil {
			p.closePorts()
			return nil, err
		}
		defer guest.Close()
		p.ports[i] = host
		p.cmd.ExtraFiles = append(p.cmd.ExtraFiles, guest)
	}
	if err := p.cmd.Start(); err != nil {
		p.closePorts()
		return nil, fmt.Errorf("start %s: %w", emulator, err)
	}
	go func() { p.exited <- p.cmd.Wait() }()
	return p, nil
}

// stop ends QEMU and waits for it.
func (p *process) stop() {
	p.cmd.Process.Kill()
	<-p.exited
	p.closePorts()
}

func (p *process) closePorts() {
	for _, f := range p.ports {
		if f != nil {
			f.Close()
		}
	}
}

func memFile(name string, data []byte) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("memfd: %w", err)
	}
	f := os.NewFile(uintptr(fd), name)
	if _, err := io.Copy(f, bytes.NewReader(data)); err != nil {
		f.Close()
		return nil, fmt.Errorf("memfd: %w", err)
	}
	return f, nil
}

// socketPair returns a stream's two ends; the host's is in Go's poller.
func socketPair() (host, guest *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("socketpair: %w", err)
	}
	if err := unix.SetNonblock(fds[0], true); err != nil {
		return nil, nil, fmt.Errorf("socketpair: %w", err)
	}
	return os.NewFile(uintptr(fds[0]), "port"), os.NewFile(uintptr(fds[1]), "port"), nil
}
