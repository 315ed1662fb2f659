#pragma once

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/*
 * The Linux calls that Swift cannot reach: GNU extensions, variadic functions and macros.  Each one
 * translates and nothing more.  Unless stated otherwise a call returns 0 or a result >= 0, or -1 with errno set.
 */

struct rk_time {
	int64_t seconds;
	uint32_t nanoseconds; /* 0 .. 999999999 */
};

struct rk_stat {
	uint64_t device;
	uint64_t inode;
	uint64_t size;
	uint64_t mount_id; /* 0 where the kernel does not tell */
	uint32_t mode; /* type and permission bits */
	uint32_t uid;
	uint32_t gid;
	uint32_t links;
	struct rk_time access, modification, change, birth;
	uint8_t has_birth;
};

/*
 * rk_stat_at(fd, path, flags, out):
 * statx(2) of ${path} below ${fd}; flags: AT_SYMLINK_NOFOLLOW or 0.
 */
int rk_stat_at(int fd, const char *path, int flags, struct rk_stat *out);

/* statx(2) of ${fd} itself. */
int rk_stat_descriptor(int fd, struct rk_stat *out);

int rk_open_at(int fd, const char *path, int flags, uint32_t mode);

/*
 * rk_open_beneath(fd, path, flags, mode):
 * openat2(2) of ${path} below ${fd}, with neither links on the way nor a way out of ${fd}.
 */
int rk_open_beneath(int fd, const char *path, int flags, uint32_t mode);

/* open(2) flags that only _GNU_SOURCE shows; checked against the system's in rk_linux.c. */
static const int32_t RK_O_PATH = 010000000;
static const int32_t RK_O_NOATIME = 01000000;

/*
 * rk_read_directory(fd, buffer, size):
 * getdents64(2): fill ${buffer} with records of struct dirent64; 0 at the end of the directory.
 */
int64_t rk_read_directory(int fd, void *buffer, size_t size);

/*
 * listxattr(2) and getxattr(2), or their forms for a link itself unless ${follow}:
 * the size of the result, which fits in ${size} bytes.
 */
int64_t rk_list_attributes(const char *path, int follow, void *_Nullable buffer, size_t size);
int64_t rk_get_attribute(const char *path, int follow, const char *name, void *_Nullable buffer, size_t size);

/* fsetxattr(2) and fremovexattr(2) of ${fd}, lsetxattr(2) of ${path}. */
int rk_set_attribute(int fd, const char *name, const void *_Nullable value, size_t size);
int rk_remove_attribute(int fd, const char *name);
int rk_set_link_attribute(const char *path, const char *name, const void *_Nullable value, size_t size);

/*
 * rk_rename_noreplace(from_fd, from, to_fd, to):
 * renameat2(2) with RENAME_NOREPLACE; a hard link and an unlink where the file system lacks it.
 */
int rk_rename_noreplace(int from_fd, const char *from, int to_fd, const char *to);

/* syncfs(2). */
int rk_sync_filesystem(int fd);

/* The statfs(2) f_type of the file system that ${fd} is on, or -1. */
int64_t rk_filesystem_type(int fd);

/* RLIMIT_CORE 0 and PR_SET_DUMPABLE 0. */
int rk_disable_core_dumps(void);

/*
 * Has a crash end the process as in C. The report that Swift prints of one shows the registers and the memory near them, which
 * may be keys; who sets SWIFT_BACKTRACE wants it all the same.
 */
void rk_die_silently(void);

/* Raises the soft limit of open files to the hard one; returns the limit in force, or -1. */
int64_t rk_raise_open_file_limit(void);

/*
 * Lets at most ${count} heaps serve all threads, which give back what is free in large pieces; before the first thread.
 * mallopt(3): M_ARENA_MAX, M_MMAP_THRESHOLD, M_TRIM_THRESHOLD.
 */
void rk_limit_heaps(int count);

/* Gives free pages of all heaps back, those between others too.  malloc_trim(3). */
void rk_return_free_memory(void);

/* Names the calling thread for ps and debuggers; at most 15 bytes count. */
void rk_name_thread(const char *name);

/* fork(2), which Swift hides; only while there is one thread. */
int rk_fork(void);

/* pidfd_open(2), closed by exec; -1 with errno where the kernel lacks it. */
int rk_open_process(int32_t id);

/* syslog(3) with "%s", as the daemon "rekkord" with its process ID. */
void rk_syslog(int priority, const char *message);

#pragma clang assume_nonnull end
