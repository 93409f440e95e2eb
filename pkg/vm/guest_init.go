// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// guestConfig is init's configuration; it is a file in the initramfs.
type guestConfig struct {
	Args    []string
	Dir     string
	Env     []string
	Ports   []string // modules of the virtio ports, loaded first
	Preload []string // modules to load
	Stdin   bool
}

const guestConfigFile = "/etc/synwatch-vm.json"

// IsGuest says whether this process is a guest's init or modprobe, in which case
// main calls GuestMain and nothing else.
func IsGuest() bool {
	return os.Args[0] == "/init" && os.Getpid() == 1 || filepath.Base(os.Args[0]) == "modprobe"
}

// GuestMain does the work of the guest's program that this process is.
func GuestMain() {
	if filepath.Base(os.Args[0]) == "modprobe" {
		os.Exit(modprobe(os.Args[1:], os.Stderr))
	}
	guestInit()
}

// guestInit never returns: the machine ends with it.
func guestInit() {
	defer powerOff()
	mountErr := mountAll()
	cfg, cfgErr := readGuestConfig()
	control, err := openControl(cfg.Ports)
	if err != nil {
		fmt.Println("init: open control port:", err)
		return
	}
	say := func(m message) { io.WriteString(control, m.String()) }
	say(message{kind: "hello", text: release()})
	for _, err := range []error{mountErr, raiseLimits(), loopbackUp()} {
		if err != nil {
			say(message{kind: "warn", text: err.Error()})
		}
	}
	end := message{kind: "exit", status: 126}
	if err = cfgErr; err == nil {
		end, err = runConfig(cfg, control, say)
	}
	if err != nil {
		say(message{kind: "warn", text: err.Error()})
	}
	unix.Sync()
	say(end)
	drain(control)
	time.Sleep(time.Hour) // the host ends the machine once it has all output
}

func readGuestConfig() (cfg guestConfig, err error) {
	data, err := os.ReadFile(guestConfigFile)
	if err == nil {
		err = json.Unmarshal(data, &cfg)
	}
	if err != nil {
		return cfg, fmt.Errorf("read the machine's configuration: %w", err)
	}
	return cfg, nil
}

// runConfig loads the modules, runs the command and returns the exit message. A
// command that cannot be started has a shell's exit status for that.
func runConfig(cfg guestConfig, control *os.File, say func(message)) (message, error) {
	load := moduleLoader()
	loadAll := func(modules []string) {
		for _, module := range modules {
			if err := load(module, moduleParams[module]); err != nil {
				say(message{kind: "warn", text: err.Error()})
			}
		}
	}
	loadAll(cfg.Ports)
	stdout, stderr, kind, err := openOutputs()
	if err != nil {
		return message{kind: "exit", status: 126}, err
	}
	say(message{kind: "ports", text: kind})
	loadAll(cfg.Preload)
	return runCommand(cfg, control, stdout, stderr)
}

// moduleParams keep modules from making devices by themselves.
var moduleParams = map[string]string{"dummy": "numdummies=0", "ifb": "numifbs=0", "bonding": "max_bonds=0"}

// runCommand runs the command with its output on the ports. The command gets
// pipes, not the ports: its output is no terminal, and init can count.
func runCommand(cfg guestConfig, control *os.File, stdout, stderr *output) (end message, err error) {
	end = message{kind: "exit", status: 126}
	stdin, err := openInput(cfg.Stdin, stdout.port, control)
	if err != nil {
		return end, err
	}
	pid, err := start(cfg, stdin, stdout.child, stderr.child)
	stdin.Close()
	stdout.child.Close()
	stderr.child.Close()
	if err != nil {
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, exec.ErrNotFound) {
			end.status = 127
		}
		return end, fmt.Errorf("start %s: %w", cfg.Args[0], err)
	}
	end.status = reapUntil(pid)
	end.out, end.err = stdout.finish(), stderr.finish()
	return end, nil
}

func start(cfg guestConfig, stdin, stdout, stderr *os.File) (int, error) {
	os.Clearenv()
	for _, kv := range cfg.Env {
		for i := range kv {
			if kv[i] == '=' {
				os.Setenv(kv[:i], kv[i+1:])
				break
			}
		}
	}
	path, err := exec.LookPath(cfg.Args[0])
	if err != nil {
		return 0, err
	}
	p, err := os.StartProcess(path, cfg.Args, &os.ProcAttr{
		Dir: cfg.Dir, Env: cfg.Env, Files: []*os.File{stdin, stdout, stderr},
		Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return 0, err
	}
	pid := p.Pid
	return pid, p.Release()
}

// reapUntil collects every child that ends, orphans too, until the command did, and
// goes on collecting in the background. It returns the command's exit status as a
// shell would: 128 and the signal's number for a killed one.
func reapUntil(pid int) int {
	status := make(chan int, 1)
	go func() {
		for {
			var ws unix.WaitStatus
			got, err := unix.Wait4(-1, &ws, 0, nil)
			switch {
			case err == unix.EINTR:
			case err != nil:
				time.Sleep(50 * time.Millisecond)
			case got == pid && ws.Signaled():
				status <- 128 + int(ws.Signal())
			case got == pid:
				status <- ws.ExitStatus()
			}
		}
	}()
	return <-status
}

// openInput returns the command's stdin: nothing, or a pipe fed from the port until
// the host says how much there was.
func openInput(wanted bool, port, control *os.File) (*os.File, error) {
	if !wanted {
		return os.Open("/dev/null")
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	in := newInput(w)
	go in.receive(port)
	go in.feed()
	go func() {
		lines := bufio.NewScanner(control)
		for lines.Scan() {
			if m, err := parseMessage(lines.Text()); err == nil && m.kind == "eof" {
				in.setEnd(m.out)
			}
		}
	}()
	return r, nil
}
