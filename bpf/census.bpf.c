/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A census of the network namespaces: which tasks are in them, and which open files
 * hold them. To read the same from /proc takes a system call or more for each task. */
#include "types.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
	/* As in kernel.h. */
	__u64 net_cookie;
	__u32 hash_mix;
};

struct nsproxy {
	struct net *net_ns;
};

struct task_struct {
	int pid;
	int tgid;
	struct nsproxy *nsproxy; /* NULL: it is ending */
	struct task_struct *group_leader;
};

struct super_block {
	unsigned long s_magic;
};

struct inode {
	unsigned long i_ino;
	struct super_block *i_sb;
};

struct file {
	struct inode *f_inode;
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};

#pragma clang attribute pop

/* One task, or one open file, and its namespace. */
struct counted {
	__u64 cookie; /* as that of a key (event.h), 0 for that of a file */
	__u32 netns;  /* inode number; of a file it may be another kind of namespace's */
	__u32 pid;    /* of the process, in the machine's first PID namespace */
	__u32 number; /* of the thread, likewise, or of the file */
	__u32 reader; /* the process that takes the census, likewise */
};

/* So that its layout is told to user space. */
const struct counted *counted_layout __attribute__((unused));

/* include/uapi/linux/magic.h */
enum { NSFS_MAGIC = 0x6e736673 };

static __always_inline __u32 reader(void)
{
	return bpf_get_current_pid_tgid() >> 32;
}

/* Threads are mostly where their process is, and left out then. */
SEC("iter/task") int count_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct counted c = {};
	struct net *net;

	if (!task)
		return 0;
	net = task->nsproxy->net_ns;
	if (!net || (task->pid != task->tgid && net == task->group_leader->nsproxy->net_ns))
		return 0;
	c.cookie = bpf_core_field_exists(net->net_cookie) ? net->net_cookie : net->hash_mix;
	c.netns = net->ns.inum;
	c.pid = task->tgid;
	c.number = task->pid;
	c.reader = reader();
	bpf_seq_write(ctx->meta->seq, &c, sizeof(c));
	return 0;
}

SEC("iter/task_file") int count_files(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct counted c = {};

	if (!task || !file || file->f_inode->i_sb->s_magic != NSFS_MAGIC)
		return 0;
	c.netns = file->f_inode->i_ino;
	c.pid = task->tgid;
	c.number = ctx->fd;
	c.reader = reader();
	bpf_seq_write(ctx->meta->seq, &c, sizeof(c));
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
