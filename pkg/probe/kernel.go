// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

const kernelBTF = "/sys/kernel/btf/vmlinux"

// mibVariables are the programs' variables that hold an index into linux_mib or
// ipstats_mib.
var mibVariables = map[string]string{
	"mib_listen_overflows": "LINUX_MIB_LISTENOVERFLOWS",
	"mib_listen_drops":     "LINUX_MIB_LISTENDROPS",
	"mib_req_queue_drop":   "LINUX_MIB_TCPREQQFULLDROP",
	"mib_cookies_sent":     "LINUX_MIB_SYNCOOKIESSENT",
	"mib_cookies_recv":     "LINUX_MIB_SYNCOOKIESRECV",
	"mib_cookies_failed":   "LINUX_MIB_SYNCOOKIESFAILED",
	"mib_defer_accept":     "LINUX_MIB_TCPDEFERACCEPTDROP",
	"mib_paws_estab":       "LINUX_MIB_PAWSESTABREJECTED",
	"mib_paws_time_wait":   "LINUX_MIB_PAWS_TW_REJECTED",
	"mib_paws_old_ack":     "LINUX_MIB_PAWS_OLD_ACK",
	"mib_zero_window":      "LINUX_MIB_TCPZEROWINDOWDROP",
	"mib_backlog_drop":     "LINUX_MIB_TCPBACKLOGDROP",
	"mib_md5_missing":      "LINUX_MIB_TCPMD5NOTFOUND",
	"mib_md5_unexpected":   "LINUX_MIB_TCPMD5UNEXPECTED",
	"mib_md5_failed":       "LINUX_MIB_TCPMD5FAILURE",
	"mib_out_no_routes":    "IPSTATS_MIB_OUTNOROUTES",
}

// argumentVariables are those that hold how many arguments a function has.
var argumentVariables = map[string]string{
	"nargs_cookie_sock": "tcp_get_cookie_sock",
	"nargs_check_req":   "tcp_check_req",
	"nargs_timewait":    "tcp_timewait_state_process",
	"nargs_prune_ofo":   "tcp_prune_ofo_queue",
	"nargs_add_backlog": "tcp_add_backlog",
}

// kernel is what the running kernel's type information says.
type kernel struct {
	// file has the kernel's BTF, empty where the kernel itself does.
	file string
	// cache keeps the kernel's BTF, and its modules', from load to load. Both are
	// nil when no program is being loaded, as they take some megabytes; see loadBTF.
	cache *btf.Cache
	spec  *btf.Spec
	// own says that the kernel itself carries BTF; fentry needs that.
	own     bool
	symbols symbols
	// mapsTellCPU says that a map shows where a CPU's own memory is: a per-CPU array has
	// the pointers, in a union without a name, and since 6.1 in a structure within it.
	mapsTellCPU bool
	// namesSocket says that the tracepoint has receivingSocket.
	namesSocket bool
	// reasons names the drop reasons by number, nil where there are none.
	reasons map[uint32]string
	// reasonNames is the set of these names.
	reasonNames map[string]bool
}

// readKernel loads the kernel's BTF, or that in file unless it is empty.
func readKernel(file string) (*kernel, error) {
	k := &kernel{file: file}
	_, err := os.Stat(kernelBTF)
	k.own = err == nil
	if err := k.loadBTF(); err != nil {
		return nil, err
	}
	if k.symbols, err = findSymbols(); err != nil {
		return nil, fmt.Errorf("read kernel symbols: %w", err)
	}
	k.mapsTellCPU = k.hasMember("bpf_array", "pptrs")
	k.namesSocket = k.hasMember("trace_event_raw_kfree_skb", receivingSocket)
	k.reasons = k.dropReasons()
	k.reasonNames = make(map[string]bool, len(k.reasons))
	for _, name := range k.reasons {
		k.reasonNames[name] = true
	}
	return k, nil
}

// loadBTF loads the type information unless it is loaded.
func (k *kernel) loadBTF() (err error) {
	if k.spec != nil {
		return nil
	}
	cache := btf.NewCache()
	if k.file == "" {
		k.spec, err = loadKernelSpec(cache)
	} else if k.spec, err = btf.LoadSpec(k.file); err != nil {
		err = fmt.Errorf("%w: read BTF from %s: %w", ErrCannot, k.file, err)
	}
	if err != nil {
		k.spec = nil
		return err
	}
	k.cache = cache
	return nil
}

// giveTypes gives the type information to what is loaded with these options.
func (k *kernel) giveTypes(opts *ebpf.CollectionOptions) {
	opts.Cache = k.cache
	if k.file != "" {
		opts.Programs.KernelTypes = k.spec
	}
}

// releaseBTF releases the memory of the type information.
func (k *kernel) releaseBTF() { k.cache, k.spec = nil, nil }

func loadKernelSpec(cache *btf.Cache) (*btf.Spec, error) {
	spec, err := cache.Kernel()
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, ebpf.ErrNotSupported) {
		return nil, fmt.Errorf("%w: the kernel carries no BTF (built without CONFIG_DEBUG_INFO_BTF): give it from elsewhere with --btf FILE", ErrCannot)
	}
	if err != nil {
		return nil, fmt.Errorf("read kernel BTF: %w", err)
	}
	return spec, nil
}

// arguments returns how many arguments a function has, 0 if that is not known.
func (k *kernel) arguments(function string) uint32 {
	var f *btf.Func
	if err := k.spec.TypeByName(function, &f); err != nil {
		return 0
	}
	proto, ok := f.Type.(*btf.FuncProto)
	if !ok {
		return 0
	}
	return uint32(len(proto.Params))
}

func (k *kernel) dropReasons() map[uint32]string {
	var e *btf.Enum
	if err := k.spec.TypeByName("skb_drop_reason", &e); err != nil {
		return nil
	}
	reasons := make(map[uint32]string, len(e.Values))
	for _, v := range e.Values {
		reasons[uint32(v.Value)] = strings.TrimPrefix(v.Name, "SKB_DROP_REASON_")
	}
	return reasons
}

// function returns the name that the kernel has for the hook's function, empty if it
// has none. If the compiler split off a part of the function, that part is hooked, as
// other functions may call it directly. With link-time optimisation the name may have
// become longer; since 6.11 kprobes need it whole (commit fb6a421fb615).
func (k *kernel) function(h *hook) string {
	for _, name := range []string{h.alias, h.name} {
		if _, exists := k.symbols.functions[name]; exists && name != "" {
			return name
		}
	}
	return k.symbols.whole(h.name)
}

// absent says why function has no name to give.
func (k *kernel) absent(h *hook) string {
	made := k.symbols.variants[h.name]
	if len(made) == 0 {
		return "no such function in this kernel"
	}
	// .isra and .constprop take other arguments, .part is not all of it.
	return "the compiler made " + strings.Join(made, " and ") + " of it"
}

// typed says whether the kernel's BTF may describe the function under the hook's name:
// it does not describe a part that was split off.
func (h *hook) typed(symbol string) bool {
	return symbol == h.name || strings.HasPrefix(symbol, h.name+promoted)
}

// hasMember says whether the kernel proper has the structure, with the member, which may
// be in a part of it without a name.
func (k *kernel) hasMember(structure, member string) bool {
	var s *btf.Struct
	if err := k.spec.TypeByName(structure, &s); err != nil {
		return false
	}
	return holds(s.Members, member)
}

// reasonNumber finds a drop reason by its name, 0 where there is none.
func (k *kernel) reasonNumber(name string) uint32 {
	for n, reason := range k.reasons {
		if reason == name {
			return n
		}
	}
	return 0
}

// setVariables writes the kernel's properties into the programs' variables.
func (k *kernel) setVariables(spec *ebpf.CollectionSpec) error {
	indices, err := k.mibIndices()
	if err != nil {
		return err
	}
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return fmt.Errorf("count CPUs: %w", err)
	}
	spec.Maps["calls"].MaxEntries *= uint32(cpus)
	spec.Maps["hot_by_cpu"].MaxEntries *= uint32(cpus)
	var finishCore extent
	if k.handlesMartians() {
		finishCore = k.symbols.finishCore
	}
	values := map[string]any{
		"cpus":              uint32(cpus),
		"per_cpu_offset":    k.symbols.perCPUOffset,
		"has_counters":      k.hasCounters(),
		"segments_told":     k.tellsSegments(),
		"finish_core_start": finishCore.start,
		"finish_core_end":   finishCore.end,

		"reason_cpu_backlog":      k.reasonNumber("CPU_BACKLOG"),
		"reason_old_sequence":     k.reasonNumber(reasonOldSequence),
		"reason_invalid_sequence": k.reasonNumber(reasonInvalidSequence),
		"reason_not_specified":    k.reasonNumber("NOT_SPECIFIED"),
		"reason_proto_mem":        k.reasonNumber(reasonProtoMem),

		"state_process_start": k.symbols.stateProcess.start,
		"state_process_end":   k.symbols.stateProcess.end,
		"nargs_consume_skb":   k.tracepointArguments("consume_skb"),
	}
	for variable, name := range mibVariables {
		values[variable] = indices[name]
	}
	for variable, function := range argumentVariables {
		values[variable] = k.arguments(function)
	}
	return setVariables(spec, values)
}

func setVariables(spec *ebpf.CollectionSpec, values map[string]any) error {
	for name, value := range values {
		v, ok := spec.Variables[name]
		if !ok {
			return fmt.Errorf("no variable %s in the programs", name)
		}
		if err := v.Set(value); err != nil {
			return fmt.Errorf("set %s: %w", name, err)
		}
	}
	return nil
}
