// SPDX-License-Identifier: Apache-2.0

package diagnose

// What the kernel itself chooses. No change sets a limit below it.
const (
	// defaultSomaxconn is the kernel's since 5.4 (19f92a030ca6); before it was 128.
	defaultSomaxconn = 4096
	// defaultMaxBacklog and defaultNeighbours are those of every kernel
	// (net/core/dev.c, net/ipv4/arp.c).
	defaultMaxBacklog = 1000
	defaultNeighbours = 1024
	// mostSlots bounds the hash of connections (net/ipv4/tcp.c:tcp_init).
	mostSlots = 512 << 10
)

// connectionSlots is the size of the kernel's hash of connections: a slot for 128
// KiB of memory, rounded up to a power of two (mm/mm_init.c:
// alloc_large_system_hash). Other limits follow from it. The memory must be known.
func (f *Facts) connectionSlots() uint64 { return min(powerAbove(f.System.Memory>>17), mostSlots) }

// usualBacklog is the kernel's choice of tcp_max_syn_backlog
// (net/ipv4/tcp_ipv4.c:tcp_sk_init).
func (f *Facts) usualBacklog() uint64 { return max(f.connectionSlots()/128, 128) }

// usualTimeWait and usualOrphans are those of tcp_max_tw_buckets and
// tcp_max_orphans (net/ipv4/tcp_ipv4.c:tcp_sk_init, net/ipv4/tcp.c:tcp_init).
func (f *Facts) usualTimeWait() uint64 { return f.connectionSlots() / 2 }
func (f *Facts) usualOrphans() uint64  { return f.connectionSlots() / 2 }

// usualRmem is that of the largest receive buffer: a 128th of the memory, and no
// more than 6 MiB, or 32 MiB in kernels of 2025 and later (net/ipv4/tcp.c:tcp_init,
// 572be9bf9d0d), which count TcpExtBeyondWindow.
func (f *Facts) usualRmem() uint64 {
	most := uint64(6 << 20)
	if _, ok := f.Space.Counters["TcpExtBeyondWindow"]; ok {
		most = 32 << 20
	}
	return min(max(f.System.Memory/128, 87380), most)
}

// usualTable is the largest that any kernel chooses for nf_conntrack_max with this
// memory on 64 bits (net/netfilter/nf_conntrack_core.c:nf_conntrack_init_start).
func (f *Facts) usualTable() uint64 {
	switch {
	case f.System.Memory > 4<<30:
		return 262144
	case f.System.Memory > 1<<30:
		return 65536
	}
	return f.System.Memory >> 17 * 4
}
