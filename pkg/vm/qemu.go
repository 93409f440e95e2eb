// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// machine is QEMU's configuration without the files.
type machine struct {
	*platform
	accel   string // not accelAuto
	cpus    int
	memory  string
	image   string
	cmdline string
}

// The ports are the serial ports ttyS0 to ttyS3 and two virtio ports. A serial port
// carries 0.2 MB/s under TCG and works on every kernel; virtio is a hundred times as
// fast but a module on older kernels, and absent from some of users' own. Where the
// platform has but one serial port, it is the console's and control is virtio too.
const (
	portConsole = iota
	portStdout
	portStderr
	portControl
	portFastStdout
	portFastStderr
	portCount
)

// The virtio ports' names, by which the guest finds them.
const (
	nameStdout  = "stdout"
	nameStderr  = "stderr"
	nameControl = "control"
)

// ports are QEMU's arguments for each port that the platform has.
func (p *platform) ports() map[int][]string {
	args := map[int][]string{}
	virtio := func(port int, name string) {
		args[port] = []string{"-device", fmt.Sprintf("virtserialport,bus=fast.0,chardev=s%d,name=%s", port, name)}
	}
	virtio(portFastStdout, nameStdout)
	virtio(portFastStderr, nameStderr)
	if !p.serial {
		args[portConsole] = []string{"-serial", fmt.Sprintf("chardev:s%d", portConsole)}
		virtio(portControl, nameControl)
		return args
	}
	for port := portConsole; port <= portControl; port++ {
		args[port] = []string{"-device", fmt.Sprintf("isa-serial,chardev=s%d,index=%d", port, port)}
	}
	return args
}

// firstExtraFD is the number of the first of exec.Cmd's ExtraFiles in the child:
// the initramfs, followed by the ports.
const firstExtraFD = 3

// cpu are QEMU's arguments for what executes the machine's instructions.
func (m machine) cpu() []string {
	switch m.accel {
	case accelKVM:
		return []string{"-accel", "kvm", "-cpu", "host"}
	case accelICount:
		return []string{"-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off", "-cpu", m.tcg}
	}
	return []string{"-accel", "tcg,thread=multi", "-cpu", m.tcg}
}

// args is QEMU's command line.
func (m machine) args() []string {
	args := append(m.cpu(),
		"-M", m.machine, "-smp", strconv.Itoa(m.cpus), "-m", m.memory,
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-kernel", m.image, "-initrd", "/proc/self/fd/"+strconv.Itoa(firstExtraFD), "-append", m.cmdline)
	args = append(args, "-device", "virtio-serial-pci,id=fast")
	ports := m.ports()
	for i := range portCount {
		if device, ok := ports[i]; ok {
			args = append(args, "-chardev", fmt.Sprintf("socket,id=s%d,fd=%d", i, firstExtraFD+1+i))
			args = append(args, device...)
		}
	}
	return args
}

// kernelCmdline makes an oops end the machine, which is then booted again.
func (p *platform) kernelCmdline(accel string, verbose bool, more string) string {
	words := []string{"console=" + p.console, "oops=panic", "panic=-1", "random.trust_cpu=on", "net.ifnames=0"}
	words = append(words, p.cmdline...)
	if !verbose {
		words = append(words, "quiet")
	}
	if accel != accelKVM {
		words = append(words, p.tcgWords()...)
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
	path, err := m.find()
	if err != nil {
		return nil, err
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
		return nil, fmt.Errorf("start %s: %w", m.emulator, err)
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
