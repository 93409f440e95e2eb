// SPDX-License-Identifier: Apache-2.0

package shell

import (
	"os/exec"
	"strings"
	"testing"
)

// hostile are names that a user may give an interface, a file or a network
// namespace.
var hostile = []string{
	"$(id>x)", ";reboot", "a b", "a\nb", "-rf", `'"`, "`id`", "\x1b[2J", "fifteen-bytes-x", "\u202eevil", "\u009b31m",
	"", "a\\", `\'`, "\n'; id; '", "!!", "~root", "*", "{a,b}", "$'x'", "\xff'", "a=b", "grün", "\t", "#", "&", "<x", ">x", "|id",
}

func TestShellGetsTheArgumentsBack(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Fatalf("bash is what the commands are pasted into: %v", err)
	}
	for _, name := range hostile {
		c := New("printf", `%s\0`, name, "x"+name, name+"x")
		out, err := exec.Command(bash, "-c", c.String()).Output()
		want := name + "\x00x" + name + "\x00" + name + "x\x00"
		if err != nil || string(out) != want {
			t.Errorf("%q: bash made %q of %s (%v)", name, out, c, err)
		}
	}
}

// In a shell without $'...' a name may be another one; it is still one word, and
// no command.
func TestPOSIXShellRunsNothing(t *testing.T) {
	for _, name := range hostile {
		c := New("echo", name)
		out, err := exec.Command("sh", "-c", "set -- "+strings.TrimPrefix(c.String(), "echo ")+`; echo "$#"`).CombinedOutput()
		if err != nil || string(out) != "1\n" {
			t.Errorf("%q: sh printed %q for %s (%v)", name, out, c, err)
		}
	}
}

func TestRunnerOpensTheFile(t *testing.T) {
	file := t.TempDir() + "/$(id>x)\n"
	c := New("echo", "2").Into(file).By([]string{"env", "A=b c"})
	if out, err := exec.Command("bash", "-c", c.String()).CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("%s: %s%v", c, out, err)
	}
	if out, err := exec.Command("cat", file).Output(); err != nil || string(out) != "2\n" {
		t.Errorf("%s wrote %q (%v)", c, out, err)
	}
}

func TestString(t *testing.T) {
	for want, c := range map[string]Command{
		"sysctl -w net.ipv4.conf.eth0/100.rp_filter=2": New("sysctl", "-w", "net.ipv4.conf.eth0/100.rp_filter=2"),
		"echo 5 > /sys/a":        New("echo", "5").Into("/sys/a"),
		"ip netns exec 'a b' id": New("id").By([]string{"ip", "netns", "exec", "a b"}),
		`cat $'\033''[2J'`:       New("cat", "\x1b[2J"),
		"id":                     New("id").By(nil),
		"":                       {},
	} {
		if got := c.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if got := File("-x"); got != "./-x" {
		t.Errorf("File: %s", got)
	}
}

func FuzzCommandIsOnePrintableLine(f *testing.F) {
	for _, name := range hostile {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, s string) {
		line := New("a", s).Into(s).By([]string{s}).String()
		if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("%q is shown as %q", s, line)
		}
	})
}
