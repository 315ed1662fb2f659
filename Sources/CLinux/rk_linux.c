#define _GNU_SOURCE
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <syslog.h>
#include <unistd.h>

#include "rk_linux.h"

#ifndef STATX_MNT_ID
#define STATX_MNT_ID 0x00001000U
#endif

static_assert(RK_O_PATH == O_PATH && RK_O_NOATIME == O_NOATIME, "open flags differ from the system's");

static struct rk_time
time_from(const struct statx_timestamp *t)
{
	struct rk_time result = { .seconds = t->tv_sec, .nanoseconds = t->tv_nsec };

	return (result);
}

int
rk_stat_at(int fd, const char *path, int flags, struct rk_stat *out)
{
	struct statx s;

	if (statx(fd, path, flags | AT_NO_AUTOMOUNT, STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID, &s) != 0)
		return (-1);
	memset(out, 0, sizeof(*out));
	out->device = ((uint64_t)s.stx_dev_major << 32) | s.stx_dev_minor;
	out->inode = s.stx_ino;
	out->size = s.stx_size;
	out->mount_id = (s.stx_mask & STATX_MNT_ID) ? s.stx_mnt_id : 0;
	out->mode = s.stx_mode;
	out->uid = s.stx_uid;
	out->gid = s.stx_gid;
	out->links = s.stx_nlink;
	out->access = time_from(&s.stx_atime);
	out->modification = time_from(&s.stx_mtime);
	out->change = time_from(&s.stx_ctime);
	out->birth = time_from(&s.stx_btime);
	out->has_birth = (s.stx_mask & STATX_BTIME) != 0;
	return (0);
}

int
rk_stat_descriptor(int fd, struct rk_stat *out)
{

	return (rk_stat_at(fd, "", AT_EMPTY_PATH, out));
}

int
rk_open_at(int fd, const char *path, int flags, uint32_t mode)
{

	return (openat(fd, path, flags, (mode_t)mode));
}

int
rk_open_beneath(int fd, const char *path, int flags, uint32_t mode)
{
	/* The kernel refuses a mode without O_CREAT, and flags that openat(2) would ignore. */
	struct open_how how = {
		.flags = (uint32_t)flags,
		.mode = (flags & O_CREAT) ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};

	return ((int)syscall(SYS_openat2, fd, path, &how, sizeof(how)));
}

int64_t
rk_read_directory(int fd, void *buffer, size_t size)
{

	return (getdents64(fd, buffer, size));
}

int64_t
rk_list_attributes(const char *path, int follow, void *buffer, size_t size)
{

	return (follow ? listxattr(path, buffer, size) : llistxattr(path, buffer, size));
}

int64_t
rk_get_attribute(const char *path, int follow, const char *name, void *buffer, size_t size)
{

	return (follow ? getxattr(path, name, buffer, size) : lgetxattr(path, name, buffer, size));
}

int
rk_set_attribute(int fd, const char *name, const void *value, size_t size)
{

	return (fsetxattr(fd, name, value, size, 0));
}

int
rk_remove_attribute(int fd, const char *name)
{

	return (fremovexattr(fd, name));
}

int
rk_set_link_attribute(const char *path, const char *name, const void *value, size_t size)
{

	return (lsetxattr(path, name, value, size, 0));
}

int
rk_rename_noreplace(int from_fd, const char *from, int to_fd, const char *to)
{

	if (renameat2(from_fd, from, to_fd, to, RENAME_NOREPLACE) == 0)
		return (0);
	if (errno != EINVAL && errno != ENOSYS)
		return (-1);
	if (linkat(from_fd, from, to_fd, to, 0) != 0)
		return (-1);
	return (unlinkat(from_fd, from, 0));
}

int
rk_sync_filesystem(int fd)
{

	return (syncfs(fd));
}

int64_t
rk_filesystem_type(int fd)
{
	struct statfs s;

	if (fstatfs(fd, &s) != 0)
		return (-1);
	return ((int64_t)(uint32_t)s.f_type);
}

int
rk_disable_core_dumps(void)
{
	struct rlimit none = { 0, 0 };
	int result = 0;

	if (setrlimit(RLIMIT_CORE, &none) != 0)
		result = -1;
#if !__has_feature(address_sanitizer)
	/* The leak sanitizer has to attach to the process. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		result = -1;
#endif
	return (result);
}

void
rk_die_silently(void)
{
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
	static const int signals[] = { SIGQUIT, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP };
	struct sigaction action;
	size_t i;

	if (getenv("SWIFT_BACKTRACE") != NULL)
		return;
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (sigaction(signals[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
			(void)signal(signals[i], SIG_DFL);
#endif
}

void
rk_limit_heaps(int count)
{
#ifdef M_ARENA_MAX
	mallopt(M_ARENA_MAX, count);
	/* Fixed: by itself the threshold grows with what is freed, and as much then stays in each heap. */
	mallopt(M_MMAP_THRESHOLD, 512 << 10);
	mallopt(M_TRIM_THRESHOLD, 1 << 20);
#else
	(void)count;
#endif
}

void
rk_return_free_memory(void)
{

	malloc_trim(0);
}

int64_t
rk_raise_open_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return (-1);
	if (limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &limit) != 0 && getrlimit(RLIMIT_NOFILE, &limit) != 0)
			return (-1);
	}
	return ((int64_t)limit.rlim_cur);
}

void
rk_name_thread(const char *name)
{
	char copy[16];

	snprintf(copy, sizeof(copy), "%s", name);
	pthread_setname_np(pthread_self(), copy);
}

int
rk_open_process(int32_t id)
{

	return ((int)syscall(SYS_pidfd_open, id, 0));
}

static void
open_log(void)
{

	openlog("rekkord", LOG_PID, LOG_DAEMON);
}

void
rk_syslog(int priority, const char *message)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, open_log);
	syslog(priority, "%s", message);
}

int
rk_fork(void)
{

	return (fork());
}
