// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/synwatch/synwatch/pkg/nstat"
	"github.com/synwatch/synwatch/pkg/survey"
	"github.com/synwatch/synwatch/pkg/text/texttest"
)

const conf = "net.ipv4.conf."

// rpFilterOf is the key of an interface's filter as sysctl -a prints it.
func rpFilterOf(name string) string {
	return conf + strings.ReplaceAll(name, ".", "/") + ".rp_filter"
}

// hostileFacts are of a machine where everything that has a name has this one.
func hostileFacts(name string, enter []string) Facts {
	f := healthy()
	f.Space.Sysctls = map[string]string{
		rpFilterOf(name): "1", twRecycle: "1", tcpRmem: strings.ReplaceAll("A B 99999", "A", strings.Join(strings.Fields(name+"x"), "")),
	}
	f.Space.Counters = nstat.Values{"TcpExtIPReversePathFilter": 1e6, "TcpExtTCPRcvCollapsed": 1e6, "TcpExtPAWSPassive": 9}
	f.System.Files = survey.SysctlFiles{{File: "/etc/sysctl.d/" + name, Line: 3, Key: twRecycle, Value: "1"}}
	f.Space.Enter, f.Space.Own, f.Space.Name = enter, enter == nil, name
	return f
}

// commands are those of all findings, by the words that the shell gets.
func commands(t *testing.T, f Facts) (lines []string) {
	t.Helper()
	for _, x := range Check([]Facts{f}) {
		for _, c := range x.Changes {
			if !c.Command.IsZero() {
				lines = append(lines, c.Command.String())
			}
		}
	}
	return lines
}

// The commands of the findings are run by bash, with programs that only note
// their arguments.
func TestHostileNamesStayArguments(t *testing.T) {
	dir := t.TempDir()
	for _, program := range []string{"sysctl", "sed", "ip", "id", "reboot"} {
		script := "#!/bin/bash\nprintf '%s\\0' " + program + ` "$@" >>"$NOTED"` + "\n"
		if err := os.WriteFile(filepath.Join(dir, program), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range texttest.Names {
		if strings.ContainsAny(name, "\x00") {
			continue // no name holds a NUL
		}
		noted := filepath.Join(t.TempDir(), "noted")
		lines := commands(t, hostileFacts(name, nil))
		lines = append(lines, commands(t, hostileFacts(name, []string{"ip", "netns", "exec", name}))...)
		var script strings.Builder
		for _, line := range lines {
			texttest.Check(t, line)
			if !strings.HasPrefix(line, "echo ") { // into /proc/sys
				script.WriteString(line + "\n")
			}
		}
		cmd := exec.Command("/bin/bash", "-ec", script.String())
		cmd.Dir, cmd.Env = t.TempDir(), []string{"PATH=" + dir, "NOTED=" + noted}
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%q: %s: %v %s", name, script.String(), err, out)
		}
		if left, err := os.ReadDir(cmd.Dir); err != nil || len(left) > 0 {
			t.Errorf("%q: a file was made by %s", name, script.String())
		}
		got, err := os.ReadFile(noted)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"sed\x00-i\x003s/^/#/\x00/etc/sysctl.d/" + name + "\x00", "ip\x00netns\x00exec\x00" + name + "\x00sysctl\x00-w\x00"} {
			if !strings.Contains(string(got), want) {
				t.Errorf("%q: no %q in %q", name, want, got)
			}
		}
		if strings.Contains("\x00"+string(got), "\x00reboot\x00") || strings.Contains("\x00"+string(got), "\x00id\x00") {
			t.Errorf("%q was run: %q", name, got)
		}
	}
}

func TestSetSysctl(t *testing.T) {
	for _, test := range []struct {
		key, value, want string
		inFile           bool
	}{
		{"net.core.somaxconn", "4096", "sysctl -w net.core.somaxconn=4096", true},
		{tcpRmem, "1 2 3", "sysctl -w 'net.ipv4.tcp_rmem=1 2 3'", true},
		{rpFilterOf("eth0.100"), "2", "sysctl -w net.ipv4.conf.eth0/100.rp_filter=2", true},
		{rpFilterOf("-rf"), "2", "sysctl -w net.ipv4.conf.-rf.rp_filter=2", true},
		{rpFilterOf("$(id>x)"), "2", "echo 2 > '/proc/sys/net/ipv4/conf/$(id>x)/rp_filter'", false},
		{rpFilterOf("a=b"), "2", "echo 2 > /proc/sys/net/ipv4/conf/a=b/rp_filter", false},
		{rpFilterOf("*"), "2", "echo 2 > '/proc/sys/net/ipv4/conf/*/rp_filter'", false},
		{rpFilterOf("a\x1b[2J"), "2", `echo 2 > /proc/sys/net/ipv4/conf/a$'\033''[2J/rp_filter'`, false},
		{"net.core.x", "$(id)", "echo '$(id)' > /proc/sys/net/core/x", false},
		{"net.ipv4.conf.//.//.//.//.etc.rp_filter", "2", "", false},
		{"net..x", "2", "", false},
	} {
		if got := setSysctl(test.key, test.value).String(); got != test.want || settable(test.key, test.value) != test.inFile {
			t.Errorf("%s: got %s, in a file %v", test.key, got, settable(test.key, test.value))
		}
	}
}

// A file of sysctl.d cannot name every interface; whoever could break out of a
// line there would set any sysctl.
func TestDropinHasNoHostileName(t *testing.T) {
	for _, name := range append([]string{"x\nkernel.core_pattern = |/x"}, texttest.Names...) {
		for _, s := range Settings(Check([]Facts{hostileFacts(name, nil)})) {
			if !settable(s.Sysctl, s.Value) || strings.ContainsAny(s.Sysctl+s.Value, "\n*?[=;#") {
				t.Errorf("%q gives %+v", name, s)
			}
		}
	}
}

func TestSavedTreeLeadsNowhere(t *testing.T) {
	f := healthy()
	f.Space.Counters["TcpExtIPReversePathFilter"] = 1e6
	delete(f.Space.Sysctls, "net.ipv4.conf.eth0.rp_filter")
	f.Space.Sysctls["net.ipv4.conf.//.//.//.//.etc.rp_filter"] = "1"
	if lines := commands(t, f); len(lines) > 0 {
		t.Errorf("a path out of /proc/sys gives %q", lines)
	}
}

// nft parses what its arguments are when they are joined: no quotes help there.
func TestHostileChains(t *testing.T) {
	for _, name := range append([]string{"x;flush ruleset", "x}\n", "x y", "*", "-f", "$x", "@file"}, texttest.Names...) {
		if name == "fifteen-bytes-x" || name == "eth0.100" {
			continue // nft reads these
		}
		counted := tally("netfilter-drop")
		through("10.0.3.2:80")(&counted)
		chain("ip", name, "c", "forward")(&counted)
		f := healthy()
		f.Space.Firewall = &survey.Firewall{Refusing: []survey.FirewallRule{{Family: "ip", Table: "t", Chain: name, Packets: 99}}}
		for _, x := range append(Traced([]Tally{counted}, 0), Check([]Facts{f})...) {
			for _, c := range x.Changes {
				if line := c.Command.String(); line != "" && line != "nft -a list ruleset" {
					t.Errorf("%q gives %s", name, line)
				}
			}
		}
	}
}
