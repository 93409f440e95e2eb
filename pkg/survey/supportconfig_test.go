// SPDX-License-Identifier: Apache-2.0

package survey

import (
	"slices"
	"testing"
	"time"
)

const supportNetwork = `=============================================================================
                     Support Utilities - Supportconfig
=============================================================================

#==[ Command ]======================================#
# /bin/netstat -as
Tcp:
    900 passive connection openings
TcpExt:
    18 times the listen queue of a socket overflowed

#==[ Command ]======================================#
# /usr/sbin/ss -nlp4 -o state all
Netid State  Recv-Q Send-Q Local Address:Port Peer Address:Port
tcp   LISTEN 129    128    *:80               *:*   users:(("httpd",pid=812,fd=4))

#==[ Command ]======================================#
# /sbin/ip netns exec web1 /usr/bin/nstat -as
#kernel
TcpPassiveOpens 5 0.0

#==[ Command ]======================================#
#==[ Log File ]=====================================#
# /var/log/messages - Last 500 Lines
Nov 28 10:11:12 web1 kernel: TCP: Possible SYN flooding on port 80. Sending cookies.

#==[ Configuration File ]===========================#
# /etc/missing.conf - File not found

#==[ Configuration File ]===========================#
# /etc/sysctl.conf
net.core.somaxconn = 128`

func TestSupportconfig(t *testing.T) {
	s := surveyOf(t, map[string]string{
		"network.txt":           supportNetwork,
		"basic-environment.txt": "#==[ Command ]===#\n# /bin/uname -a\nLinux web1 5.14.21-150500.55-default #1 SMP x86_64\n\n#==[ Command ]===#\n# /usr/bin/uptime\n 10:11am  up 2 days  1:00,  2 users,  load average: 0.1, 0.2, 0.3\n",
		"env.txt":               "#==[ Command ]===#\n# /sbin/sysctl -a\nnet.core.somaxconn = 128\n",
		"memory.txt":            "#==[ Configuration File ]===#\n# /proc/meminfo\nMemTotal:  1024 kB\n",
		"proc.txt":              "#==[ Command ]===#\n# /bin/cat /proc/net/softnet_stat\n00000010 00000002 00000001\n",
	})
	own, sys := &s.Spaces[0], &s.System
	if own.Counters["TcpExtListenOverflows"] != 18 || own.Sysctls["net.core.somaxconn"] != "128" || len(own.Listeners) != 1 || !own.Listeners[0].Full() {
		t.Errorf("%+v", own)
	}
	if sys.Name != "web1" || sys.Kernel != "5.14.21-150500.55-default" || sys.Memory != 1<<20 || sys.Uptime != 49*time.Hour || sys.Softnet == nil || sys.Softnet.Dropped != 2 {
		t.Errorf("%+v", sys)
	}
	if len(sys.Log) != 1 || sys.Log[0].Port != 80 || sys.Log[0].File != "/var/log/messages" {
		t.Errorf("%+v", sys.Log)
	}
	if want := "/etc/sysctl.conf:1 net.core.somaxconn=128 by hand"; !slices.Equal(lines(sys.Files), []string{want}) {
		t.Errorf("%q", lines(sys.Files))
	}
	if len(s.Spaces) != 2 || s.Spaces[1].Name != "web1" || s.Spaces[1].Counters["TcpPassiveOpens"] != 5 {
		t.Errorf("%+v", s.Spaces)
	}
}

func FuzzSupportconfig(f *testing.F) {
	f.Add(supportNetwork)
	f.Add("#==[ Command ]\n# \n#==[ Command ]\n#==[ X ]\n# ../../etc/passwd\n#==[")
	f.Fuzz(func(_ *testing.T, text string) {
		t := Tree{dir: "/nonexistent", files: map[string]string{}}
		t.splitSupport("/network.txt", text)
	})
}
