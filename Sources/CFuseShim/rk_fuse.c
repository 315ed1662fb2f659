#define _GNU_SOURCE
#define FUSE_USE_VERSION 312

#include <fuse3/fuse_lowlevel.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <semaphore.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rk_fuse.h"

#define BLOCK_BYTES 131072
#define NAME_BYTES 255
#define MAX_BACKGROUND 64

struct rk_session {
	struct rk_callbacks callbacks;
	struct fuse_session *fuse;
	/* Posted when a thread has answered its first request, and when it stops to receive. */
	sem_t greeted;
};

/* libfuse tells its complaints to a function without a context. */
static _Thread_local char last_message[256];

static void
keep_message(enum fuse_log_level level, const char *format, va_list arguments)
{
	(void)level;
	vsnprintf(last_message, sizeof(last_message), format, arguments);
	last_message[strcspn(last_message, "\n")] = '\0';
}

const char *
rk_last_message(void)
{

	return (last_message);
}

static void
print_message(enum fuse_log_level level, const char *format, va_list arguments)
{
	(void)level;
	vfprintf(stderr, format, arguments);
}

/* Requests that read. */

static const struct rk_callbacks *
callbacks(fuse_req_t req)
{
	const struct rk_session *session = fuse_req_userdata(req);

	return (&session->callbacks);
}

static void
init(void *userdata, struct fuse_conn_info *conn)
{
	(void)userdata;

	/* Without the AUTO bit the kernel always asks for attributes with a listing. */
	conn->want &= ~(FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
	/* O_TRUNC must arrive as a request of its own, since opens never do. */
	conn->want &= ~FUSE_CAP_ATOMIC_O_TRUNC;
	conn->want |= conn->capable
	    & (FUSE_CAP_READDIRPLUS | FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_CACHE_SYMLINKS | FUSE_CAP_ASYNC_READ
		| FUSE_CAP_AUTO_INVAL_DATA);
	conn->max_background = MAX_BACKGROUND;
	conn->congestion_threshold = MAX_BACKGROUND * 3 / 4;
}

static void
lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	const struct rk_callbacks *c = callbacks(req);

	c->lookup(c->context, (rk_request)req, parent, name);
}

static void
forget(fuse_req_t req, fuse_ino_t node, uint64_t count)
{
	const struct rk_callbacks *c = callbacks(req);
	struct rk_forget item = { .node = node, .count = count };

	c->forget(c->context, &item, 1);
	fuse_reply_none(req);
}

static void
forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	const struct rk_callbacks *c = callbacks(req);
	struct rk_forget items[64];
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		items[used++] = (struct rk_forget) { .node = forgets[i].ino, .count = forgets[i].nlookup };
		if (used == sizeof(items) / sizeof(items[0]) || i + 1 == count) {
			c->forget(c->context, items, used);
			used = 0;
		}
	}
	fuse_reply_none(req);
}

static void
get_attributes(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	const struct rk_callbacks *c = callbacks(req);

	(void)fi;
	c->get_attributes(c->context, (rk_request)req, node);
}

static void
read_link(fuse_req_t req, fuse_ino_t node)
{
	const struct rk_callbacks *c = callbacks(req);

	c->read_link(c->context, (rk_request)req, node);
}

static void
open_file(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	const struct rk_callbacks *c = callbacks(req);

	if ((fi->flags & O_ACCMODE) != O_RDONLY || (fi->flags & O_TRUNC) != 0) {
		fuse_reply_err(req, EROFS);
		c->refused(c->context);
	} else {
		c->open(c->context, (rk_request)req, node);
	}
}

static void
read_file(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset, struct fuse_file_info *fi)
{
	const struct rk_callbacks *c = callbacks(req);

	(void)fi;
	c->read(c->context, (rk_request)req, node, (uint64_t)offset, size);
}

static void
open_folder(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	const struct rk_callbacks *c = callbacks(req);

	(void)fi;
	c->open_folder(c->context, (rk_request)req, node);
}

static void
read_folder(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset, struct fuse_file_info *fi)
{
	const struct rk_callbacks *c = callbacks(req);

	(void)fi;
	c->read_folder(c->context, (rk_request)req, node, (uint64_t)offset, size, 0);
}

static void
read_folder_plus(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset, struct fuse_file_info *fi)
{
	const struct rk_callbacks *c = callbacks(req);

	(void)fi;
	c->read_folder(c->context, (rk_request)req, node, (uint64_t)offset, size, 1);
}

static void
get_extended(fuse_req_t req, fuse_ino_t node, const char *name, size_t size)
{
	const struct rk_callbacks *c = callbacks(req);

	c->get_extended(c->context, (rk_request)req, node, name, size);
}

static void
list_extended(fuse_req_t req, fuse_ino_t node, size_t size)
{
	const struct rk_callbacks *c = callbacks(req);

	c->list_extended(c->context, (rk_request)req, node, size);
}

static void
statistics(fuse_req_t req, fuse_ino_t node)
{
	const struct rk_callbacks *c = callbacks(req);

	(void)node;
	c->statistics(c->context, (rk_request)req);
}

/* Requests that would change something. */

static void
refuse(fuse_req_t req)
{
	const struct rk_callbacks *c = callbacks(req);

	/* ${req} is freed by the reply, the session is not. */
	fuse_reply_err(req, EROFS);
	c->refused(c->context);
}

static void
refuse_setattr(fuse_req_t req, fuse_ino_t node, struct stat *attr, int to_set, struct fuse_file_info *fi)
{
	(void)node, (void)attr, (void)to_set, (void)fi;
	refuse(req);
}

static void
refuse_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t device)
{
	(void)parent, (void)name, (void)mode, (void)device;
	refuse(req);
}

static void
refuse_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	(void)parent, (void)name, (void)mode;
	refuse(req);
}

static void
refuse_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	(void)parent, (void)name;
	refuse(req);
}

static void
refuse_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	(void)target, (void)parent, (void)name;
	refuse(req);
}

static void
refuse_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent, const char *new_name,
    unsigned int flags)
{
	(void)parent, (void)name, (void)new_parent, (void)new_name, (void)flags;
	refuse(req);
}

static void
refuse_link(fuse_req_t req, fuse_ino_t node, fuse_ino_t parent, const char *name)
{
	(void)node, (void)parent, (void)name;
	refuse(req);
}

static void
refuse_write(fuse_req_t req, fuse_ino_t node, const char *bytes, size_t size, off_t offset, struct fuse_file_info *fi)
{
	const struct rk_callbacks *c = callbacks(req);

	(void)bytes, (void)size, (void)offset, (void)fi;
	refuse(req);
	/* The kernel has changed its pages already. */
	c->refused_write(c->context, node);
}

static void
refuse_setxattr(fuse_req_t req, fuse_ino_t node, const char *name, const char *value, size_t size, int flags)
{
	(void)node, (void)name, (void)value, (void)size, (void)flags;
	refuse(req);
}

static void
refuse_removexattr(fuse_req_t req, fuse_ino_t node, const char *name)
{
	(void)node, (void)name;
	refuse(req);
}

static void
refuse_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi)
{
	(void)parent, (void)name, (void)mode, (void)fi;
	refuse(req);
}

static void
refuse_fallocate(fuse_req_t req, fuse_ino_t node, int mode, off_t offset, off_t length, struct fuse_file_info *fi)
{
	(void)node, (void)mode, (void)offset, (void)length, (void)fi;
	refuse(req);
}

static void
refuse_copy(fuse_req_t req, fuse_ino_t from, off_t from_offset, struct fuse_file_info *from_fi, fuse_ino_t to,
    off_t to_offset, struct fuse_file_info *to_fi, size_t length, int flags)
{
	(void)from, (void)from_offset, (void)from_fi, (void)to, (void)to_offset, (void)to_fi, (void)length, (void)flags;
	refuse(req);
}

static void
refuse_ioctl(fuse_req_t req, fuse_ino_t node, unsigned int command, void *argument, struct fuse_file_info *fi,
    unsigned int flags, const void *in, size_t in_size, size_t out_size)
{
	(void)node, (void)argument, (void)fi, (void)flags, (void)in, (void)in_size, (void)out_size;
	if (command == (unsigned int)FS_IOC_SETFLAGS || command == (unsigned int)FS_IOC_FSSETXATTR)
		refuse(req);
	else
		fuse_reply_err(req, ENOTTY);
}

/*
 * No handler means ENOSYS, after which the kernel manages alone and sends no such request again: wanted for
 * access, flush, release, fsync, lseek and locks.
 */
static const struct fuse_lowlevel_ops operations = {
	.init = init,
	.lookup = lookup,
	.forget = forget,
	.forget_multi = forget_multi,
	.getattr = get_attributes,
	.readlink = read_link,
	.open = open_file,
	.read = read_file,
	.opendir = open_folder,
	.readdir = read_folder,
	.readdirplus = read_folder_plus,
	.getxattr = get_extended,
	.listxattr = list_extended,
	.statfs = statistics,
	.setattr = refuse_setattr,
	.mknod = refuse_mknod,
	.mkdir = refuse_mkdir,
	.unlink = refuse_unlink,
	.rmdir = refuse_unlink,
	.symlink = refuse_symlink,
	.rename = refuse_rename,
	.link = refuse_link,
	.write = refuse_write,
	.setxattr = refuse_setxattr,
	.removexattr = refuse_removexattr,
	.create = refuse_create,
	.fallocate = refuse_fallocate,
	.copy_file_range = refuse_copy,
	.ioctl = refuse_ioctl,
};

/* The life of a session. */

static int
add_option(struct fuse_args *arguments, const char *option)
{
	char *joined = NULL;
	int result = -1;

	if (fuse_opt_add_opt_escaped(&joined, option) == 0 && fuse_opt_add_arg(arguments, "-o") == 0)
		result = fuse_opt_add_arg(arguments, joined);
	free(joined);
	return (result);
}

struct rk_session *
rk_session_new(const char *const *options, size_t count, const struct rk_callbacks *table)
{
	struct fuse_args arguments = FUSE_ARGS_INIT(0, NULL);
	struct rk_session *session = NULL;

	fuse_set_log_func(keep_message);
	if (fuse_opt_add_arg(&arguments, "rekkord") != 0)
		goto end;
	for (size_t i = 0; i < count; i++) {
		if (add_option(&arguments, options[i]) != 0)
			goto end;
		if (strcmp(options[i], "debug") == 0)
			fuse_set_log_func(print_message);
	}
	session = calloc(1, sizeof(*session));
	if (session == NULL)
		goto end;
	session->callbacks = *table;
	sem_init(&session->greeted, 0, 0);
	session->fuse = fuse_session_new(&arguments, &operations, sizeof(operations), session);
	if (session->fuse == NULL) {
		free(session);
		session = NULL;
	}
end:
	fuse_opt_free_args(&arguments);
	return (session);
}

int
rk_session_mount(struct rk_session *session, const char *mountpoint)
{
	last_message[0] = '\0';
	errno = 0;
	return (fuse_session_mount(session->fuse, mountpoint));
}

int
rk_session_receive(struct rk_session *session)
{
	struct fuse_buf buffer = { .mem = NULL };
	int result = 0, is_first = 1;

	while (!fuse_session_exited(session->fuse)) {
		result = fuse_session_receive_buf(session->fuse, &buffer);
		if (result == -EINTR)
			continue;
		if (result <= 0)
			break;
		fuse_session_process_buf(session->fuse, &buffer);
		/* The first request of all is the greeting, and no other comes before it was answered. */
		if (is_first)
			sem_post(&session->greeted);
		is_first = 0;
	}
	free(buffer.mem);
	sem_post(&session->greeted);
	return (result < 0 ? -result : 0);
}

void
rk_session_wait(struct rk_session *session)
{

	while (sem_wait(&session->greeted) != 0 && errno == EINTR)
		continue;
}

int
rk_mount_device(const char *mountpoint, uint32_t *major, uint32_t *minor)
{
	struct statx s;

	if (statx(AT_FDCWD, mountpoint, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, 0, &s) != 0)
		return (-1);
	*major = s.stx_dev_major;
	*minor = s.stx_dev_minor;
	return (0);
}

void
rk_session_free(struct rk_session *session)
{

	fuse_session_destroy(session->fuse);
	free(session);
}

int
rk_detach(const char *mountpoint)
{
	char *const arguments[] = { "fusermount3", "-u", "-z", "-q", "--", (char *)(uintptr_t)mountpoint, NULL };
	char *const environment[] = { "PATH=/usr/local/bin:/usr/bin:/bin", NULL };
	pid_t pid;
	int status;

	if (umount2(mountpoint, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		return (0);
	if (errno != EPERM)
		return (-1);
	errno = posix_spawnp(&pid, arguments[0], NULL, NULL, arguments, environment);
	if (errno != 0)
		return (-1);
	while (waitpid(pid, &status, 0) == -1) {
		if (errno != EINTR)
			return (-1);
	}
	errno = EPERM;
	return (WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1);
}

/* Replies. */

static void
fill_stat(struct stat *st, const struct rk_attributes *a)
{
	memset(st, 0, sizeof(*st));
	st->st_ino = a->inode;
	st->st_mode = a->mode;
	st->st_nlink = a->links;
	st->st_uid = a->uid;
	st->st_gid = a->gid;
	st->st_size = (off_t)a->size;
	st->st_blocks = (blkcnt_t)a->blocks;
	st->st_blksize = BLOCK_BYTES;
	st->st_atim = (struct timespec) { .tv_sec = a->access_seconds, .tv_nsec = a->access_nanoseconds };
	st->st_mtim = (struct timespec) { .tv_sec = a->modification_seconds, .tv_nsec = a->modification_nanoseconds };
	st->st_ctim = (struct timespec) { .tv_sec = a->change_seconds, .tv_nsec = a->change_nanoseconds };
}

static void
fill_entry(struct fuse_entry_param *e, const struct rk_entry *entry)
{
	memset(e, 0, sizeof(*e));
	e->ino = entry->node;
	e->entry_timeout = entry->entry_seconds;
	e->attr_timeout = entry->attribute_seconds;
	fill_stat(&e->attr, &entry->attributes);
}

int
rk_reply_error(rk_request request, int error)
{

	return (fuse_reply_err((fuse_req_t)request, error));
}

int
rk_reply_entry(rk_request request, const struct rk_entry *entry)
{
	struct fuse_entry_param e;

	fill_entry(&e, entry);
	return (fuse_reply_entry((fuse_req_t)request, &e));
}

int
rk_reply_absent(rk_request request, double seconds)
{
	struct fuse_entry_param e = { .entry_timeout = seconds };

	return (fuse_reply_entry((fuse_req_t)request, &e));
}

int
rk_reply_attributes(rk_request request, const struct rk_attributes *attributes, double seconds)
{
	struct stat st;

	fill_stat(&st, attributes);
	return (fuse_reply_attr((fuse_req_t)request, &st, seconds));
}

int
rk_reply_data(rk_request request, const void *bytes, size_t length)
{

	return (fuse_reply_buf((fuse_req_t)request, bytes, length));
}

int
rk_reply_pieces(rk_request request, const struct iovec *pieces, size_t count)
{

	return (fuse_reply_iov((fuse_req_t)request, pieces, (int)count));
}

int
rk_reply_link(rk_request request, const char *target)
{

	return (fuse_reply_readlink((fuse_req_t)request, target));
}

int
rk_reply_extended_size(rk_request request, size_t size)
{

	return (fuse_reply_xattr((fuse_req_t)request, size));
}

int
rk_reply_statistics(rk_request request, const struct rk_statistics *s)
{
	struct statvfs st = {
		.f_bsize = BLOCK_BYTES,
		.f_frsize = BLOCK_BYTES,
		.f_blocks = s->blocks,
		.f_files = s->entries,
		.f_namemax = NAME_BYTES,
	};

	return (fuse_reply_statfs((fuse_req_t)request, &st));
}

int
rk_reply_open(rk_request request)
{
	struct fuse_file_info fi = { .keep_cache = 1, .cache_readdir = 1 };

	return (fuse_reply_open((fuse_req_t)request, &fi));
}

static void
terminate_name(char terminated[NAME_BYTES + 1], const void *name, size_t name_length)
{

	if (name_length > NAME_BYTES)
		abort();
	memcpy(terminated, name, name_length);
	terminated[name_length] = '\0';
}

size_t
rk_add_entry(rk_request request, void *buffer, size_t size, const void *name, size_t name_length,
    const struct rk_entry *entry, uint64_t next, int with_attributes)
{
	char terminated[NAME_BYTES + 1];
	struct fuse_entry_param e;
	fuse_req_t req = (fuse_req_t)request;

	terminate_name(terminated, name, name_length);
	fill_entry(&e, entry);
	if (with_attributes)
		return (fuse_add_direntry_plus(req, buffer, size, terminated, &e, (off_t)next));
	return (fuse_add_direntry(req, buffer, size, terminated, &e.attr, (off_t)next));
}

/* Interrupts and notifications. */

static void
interrupted(fuse_req_t req, void *data)
{
	const struct rk_callbacks *c = callbacks(req);

	c->interrupted(c->context, data);
}

void
rk_watch_interrupt(rk_request request, void *data)
{

	fuse_req_interrupt_func((fuse_req_t)request, interrupted, data);
}

void
rk_unwatch_interrupt(rk_request request)
{

	fuse_req_interrupt_func((fuse_req_t)request, NULL, NULL);
}

int
rk_notify_attributes(struct rk_session *session, uint64_t node)
{

	/* A negative offset leaves the pages alone. */
	return (fuse_lowlevel_notify_inval_inode(session->fuse, node, -1, 0));
}

int
rk_notify_content(struct rk_session *session, uint64_t node)
{

	return (fuse_lowlevel_notify_inval_inode(session->fuse, node, 0, 0));
}

int
rk_notify_pages(struct rk_session *session, uint64_t node, uint64_t offset, const void *bytes, size_t length)
{
	struct fuse_bufvec buffer = FUSE_BUFVEC_INIT(length);

	buffer.buf[0].mem = (void *)(uintptr_t)bytes;
	return (fuse_lowlevel_notify_store(session->fuse, node, (off_t)offset, &buffer, FUSE_BUF_NO_SPLICE));
}

int
rk_notify_name(struct rk_session *session, uint64_t parent, const void *name, size_t name_length)
{
	char terminated[NAME_BYTES + 1];

	/* libfuse reads one byte more than it is told. */
	terminate_name(terminated, name, name_length);
	return (fuse_lowlevel_notify_inval_entry(session->fuse, parent, terminated, name_length));
}
