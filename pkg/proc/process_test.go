// SPDX-License-Identifier: Apache-2.0

package proc

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/procfs"
	"github.com/synwatch/synwatch/pkg/proc/proctest"
)

func fakeProc(t *testing.T, files map[string]string) procfs.FS {
	t.Helper()
	proc, err := procfs.NewFS(proctest.Tree(t, files))
	if err != nil {
		t.Fatal(err)
	}
	return proc
}

func TestDescribe(t *testing.T) {
	id := strings.Repeat("0123456789abcdef", 4)
	for group, want := range map[string]Process{
		"0::/system.slice/nginx.service":                                         {Unit: "nginx.service"},
		"0::/user.slice/user-1000.slice/user@1000.service/app.slice/dev.service": {Unit: "dev.service"},
		"0::/init.scope": {Unit: "init.scope"},
		"0::/":           {},
		"0::/system.slice/docker-" + id + ".scope":                                                                     {Container: id},
		"0::/docker/" + id:                                                                                             {Container: id},
		"0::/machine.slice/libpod-" + id + ".scope/container":                                                          {Container: id},
		"0::/kubepods.slice/kubepods-podab.slice/cri-containerd-" + id + ".scope":                                      {Container: id},
		"0::/kubepods.slice/kubepods-podab.slice/crio-" + id + ".scope":                                                {Container: id},
		"0::/system.slice/containerd.service/kubepods-besteffort-podab.slice:cri-containerd:" + id:                     {Container: id},
		"0::/docker/" + id + "/system.slice/nginx.service":                                                             {Container: id, Unit: "nginx.service"},
		"0::/docker/" + id[1:]:                                                                                         {},
		"0::/docker/" + id + "0":                                                                                       {},
		"12:cpu,cpuacct:/kubepods/burstable/pod1/" + id + "\n1:name=systemd:/kubepods/burstable/pod1/" + id:            {Container: id},
		"4:memory:/system.slice/a.service\n1:name=systemd:/system.slice/nginx.service\n0::/system.slice/nginx.service": {Unit: "nginx.service"},
	} {
		want.PID, want.Comm = 812, "nginx"
		got := Describe(fakeProc(t, map[string]string{"812/comm": "nginx\n", "812/cgroup": group + "\n"}), 812)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", group, diff)
		}
	}
	if got := Describe(fakeProc(t, nil), 812); got != (Process{PID: 812}) {
		t.Errorf("one that is gone: %+v", got)
	}
}

func TestLabel(t *testing.T) {
	id := strings.Repeat("0123456789abcdef", 4)
	for want, p := range map[string]Process{
		"0123456789ab (nginx)": {PID: 812, Comm: "nginx", Container: id},
		"nginx[812]":           {PID: 812, Comm: "nginx", Unit: "nginx.service"},
		"":                     {PID: 812},
	} {
		if got := p.Label(); got != want {
			t.Errorf("%+v: got %q, want %q", p, got, want)
		}
	}
}
