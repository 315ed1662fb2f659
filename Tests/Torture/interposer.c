/*
 * Stands between a program and the C library (LD_PRELOAD): counts its system calls, and at the n-th of them kills the
 * process, lets the call fail, or cuts it short; or writes down what is done to files, for power.py.
 *
 * Environment:
 *   TORTURE_PROGRAM  short name of the program; in every other process nothing happens
 *   TORTURE_CALLS    names of the calls that count, with commas
 *   TORTURE_AT       the call at which something happens, from 1; 0: none
 *   TORTURE_ACTION   kill (instead of the call), tear (half of a write, then kill), short (half of the bytes), or an
 *                    errno
 *   TORTURE_LASTING  1: from that call on
 *   TORTURE_REPORT   file that gets a struct report, shared by all processes
 *   TORTURE_TRACE    file that gets one record for each change below TORTURE_ROOT
 *   TORTURE_ROOT     absolute path
 *   TORTURE_FSTYPE   what fstatfs(2) tells as the type of a file system, in hexadecimal
 *   TORTURE_LIMIT    number of a limit of setrlimit(2), a colon, its value: holds from the start of the program; the
 *                    first call that fails for it is the one that was struck
 *   TORTURE_CLOCK    seconds that the clock of the machine is ahead
 *   TORTURE_BLIND    1: statx(2) tells the time of the last modification as that of the last change, too
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

/*
 * What is counted. "print" is a write to the standard streams, "device" any transfer with a device or pipe, "close" that
 * of a file that could be written: when it fails, the second half of what was not synced is lost, except with
 * TORTURE_FSTYPE: local file systems tell of losses when they sync.
 */
#define CALLS(X) \
	X(open) X(create) X(read) X(write) X(list) X(stat) X(mkdir) X(rename) X(link) X(symlink) X(unlink) X(rmdir) \
	X(truncate) X(fsync) X(syncfs) X(close) X(chmod) X(chown) X(utimens) X(setxattr) X(getxattr) X(readlink) X(lock) \
	X(socket) X(connect) X(send) X(receive) X(thread) X(print) X(device)

enum call {
#define X(name) CALL_##name,
	CALLS(X)
#undef X
};

static const char *const call_names[] = {
#define X(name) #name,
	CALLS(X)
#undef X
};

#define CALL_COUNT (sizeof(call_names) / sizeof(call_names[0]))

struct report {
	_Atomic uint64_t count;
	_Atomic uint64_t struck;
	char call[16];
	char path[PATH_MAX];
};

enum verdict { PASS, FAIL, HALF };

static struct {
	int armed;
	uint64_t calls;
	uint64_t at;
	int kills;
	int tears;
	int halves;
	int error;
	int lasting;
	int64_t fs_type;
	int64_t ahead;
	int blind;
	int limited;
	int trace;
	char root[PATH_MAX];
	size_t root_length;
	struct report *report;
} state = { .trace = -1 };

static pthread_mutex_t trace_lock = PTHREAD_MUTEX_INITIALIZER;

/* The function that would have been called; what is written here never comes back to us. */
#define REAL(name) ({ \
	static _Atomic(void *) found; \
	void *f = atomic_load(&found); \
	if (f == NULL) { \
		f = dlsym(RTLD_NEXT, #name); \
		atomic_store(&found, f); \
	} \
	(__typeof__(&name))f; \
})

static void
limit(const char *text)
{
	const char *value = strchr(text, ':');
	struct rlimit limit;

	if (value == NULL)
		abort();
	limit.rlim_cur = limit.rlim_max = strtoull(value + 1, NULL, 10);
	/* It is inherited, so a process in the background has it already. */
	if (setrlimit(atoi(text), &limit) != 0)
		abort();
	state.limited = 1;
}

__attribute__((constructor)) static void
arm(void)
{
	const char *name = getenv("TORTURE_PROGRAM");
	const char *text;

	if (name == NULL || strcmp(name, program_invocation_short_name) != 0)
		return;
	if ((text = getenv("TORTURE_CALLS")) != NULL) {
		for (size_t i = 0; i < CALL_COUNT; i++) {
			const char *p = strstr(text, call_names[i]);
			size_t n = strlen(call_names[i]);

			for (; p != NULL; p = strstr(p + 1, call_names[i])) {
				if ((p == text || p[-1] == ',') && (p[n] == ',' || p[n] == '\0'))
					state.calls |= UINT64_C(1) << i;
			}
		}
	}
	if ((text = getenv("TORTURE_AT")) != NULL)
		state.at = strtoull(text, NULL, 10);
	if ((text = getenv("TORTURE_ACTION")) != NULL) {
		state.kills = strcmp(text, "kill") == 0;
		state.tears = strcmp(text, "tear") == 0;
		state.halves = strcmp(text, "short") == 0;
		state.error = atoi(text);
	}
	state.lasting = getenv("TORTURE_LASTING") != NULL;
	if ((text = getenv("TORTURE_FSTYPE")) != NULL)
		state.fs_type = strtoll(text, NULL, 16);
	if ((text = getenv("TORTURE_CLOCK")) != NULL)
		state.ahead = strtoll(text, NULL, 10);
	state.blind = getenv("TORTURE_BLIND") != NULL;
	if ((text = getenv("TORTURE_REPORT")) != NULL) {
		int fd = REAL(open)(text, O_RDWR | O_CLOEXEC);
		void *p = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(struct report), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

		if (p == MAP_FAILED)
			abort();
		state.report = p;
		REAL(close)(fd);
	}
	if ((text = getenv("TORTURE_TRACE")) != NULL)
		state.trace = REAL(open)(text, O_WRONLY | O_APPEND | O_CLOEXEC);
	if ((text = getenv("TORTURE_ROOT")) != NULL)
		state.root_length = (size_t)snprintf(state.root, sizeof(state.root), "%s", text);
	state.armed = state.report != NULL;
	if ((text = getenv("TORTURE_LIMIT")) != NULL && state.armed)
		limit(text);
}

/* The absolute path of ${name} below ${fd}, as far as it can be told. */
static void
resolve(char *out, int fd, const char *name)
{
	char link[64];
	ssize_t n = 0;

	if (name != NULL && name[0] == '/') {
		snprintf(out, PATH_MAX, "%s", name);
		return;
	}
	snprintf(link, sizeof(link), fd == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", fd);
	if ((n = REAL(readlink)(link, out, PATH_MAX - 1)) < 0)
		n = 0;
	if (name != NULL && name[0] != '\0' && n < PATH_MAX - 1)
		n += snprintf(out + n, (size_t)(PATH_MAX - n), "/%s", name);
	out[n < PATH_MAX ? n : PATH_MAX - 1] = '\0';
}

static void
die(void)
{

	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

/* Notes the first call to which something happened. */
static void
note(enum call call, int fd, const char *name)
{
	int saved = errno;

	if (atomic_fetch_add(&state.report->struck, 1) == 0) {
		snprintf(state.report->call, sizeof(state.report->call), "%s", call_names[call]);
		resolve(state.report->path, fd, name);
	}
	errno = saved;
}

static void
note_limit(enum call call, int fd, const char *name)
{

	if (errno == EMFILE || errno == EFBIG || errno == ENOMEM)
		note(call, fd, name);
}

/* The result of a call, which may have failed for a limit of the process. */
#define LIMITED(call, fd, name, expression) ({ \
	__typeof__(expression) result = (expression); \
	if (result < 0 && state.limited) \
		note_limit(call, fd, name); \
	result; \
})

/* Counts one call; FAIL sets errno. */
static enum verdict
judge(enum call call, int fd, const char *name)
{
	uint64_t n;

	if (!state.armed || !(state.calls >> call & 1))
		return (PASS);
	n = atomic_fetch_add(&state.report->count, 1) + 1;
	if (state.at == 0 || (state.lasting ? n < state.at : n != state.at))
		return (PASS);
	note(call, fd, name);
	if (state.kills)
		die();
	if (state.tears || state.halves)
		return (HALF);
	errno = state.error;
	return (FAIL);
}

static enum call
transfer(int fd, enum call plain, enum call network)
{
	struct stat s;
	int saved = errno;
	enum call result = plain;

	if (REAL(fstat)(fd, &s) == 0) {
		if (S_ISSOCK(s.st_mode))
			result = network;
		else if (!S_ISREG(s.st_mode))
			result = fd <= 2 ? CALL_print : CALL_device;
	}
	errno = saved;
	return (result);
}

/* Tracing: length of the fields, length of the data; the fields, each ended by NUL; the data. */
static void
record(const void *data, size_t length, const char *format, ...)
{
	char fields[3 * PATH_MAX];
	uint32_t lengths[2];
	va_list arguments;
	int saved = errno;
	int n;

	va_start(arguments, format);
	n = vsnprintf(fields, sizeof(fields), format, arguments);
	va_end(arguments);
	for (int i = 0; i < n; i++) {
		if (fields[i] == '\n')
			fields[i] = '\0';
	}
	lengths[0] = (uint32_t)n;
	lengths[1] = (uint32_t)length;
	struct iovec parts[] = { { lengths, sizeof(lengths) }, { fields, (size_t)n }, { (void *)data, length } };
	if (REAL(writev)(state.trace, parts, 3) != (ssize_t)(sizeof(lengths) + (size_t)n + length))
		abort();
	errno = saved;
}

static int
is_traced(const char *path)
{

	return (strncmp(path, state.root, state.root_length) == 0);
}

/* Holds the lock while a traced call runs, so that records have the order of the calls. */
#define TRACED(call, success, ...) ({ \
	__typeof__(call) r; \
	if (!state.armed || state.trace < 0) { \
		r = (call); \
	} else { \
		pthread_mutex_lock(&trace_lock); \
		r = (call); \
		if (success) { \
			__VA_ARGS__; \
		} \
		pthread_mutex_unlock(&trace_lock); \
	} \
	r; \
})

static unsigned long long
inode_of(int fd)
{
	struct stat s;

	return (REAL(fstat)(fd, &s) == 0 ? (unsigned long long)s.st_ino : 0);
}

static void
record_path(const char *what, int fd, const char *name)
{
	char path[PATH_MAX];

	resolve(path, fd, name);
	if (is_traced(path))
		record(NULL, 0, "%s\n%s\n", what, path);
}

static void
record_two(const char *what, int from_fd, const char *from, int to_fd, const char *to)
{
	char a[PATH_MAX], b[PATH_MAX];

	resolve(a, from_fd, from);
	resolve(b, to_fd, to);
	if (is_traced(a) || is_traced(b))
		record(NULL, 0, "%s\n%s\n%s\n", what, a, b);
}

static void
record_write(int fd, const void *data, size_t length, off_t offset)
{
	char path[PATH_MAX];

	resolve(path, fd, NULL);
	if (is_traced(path))
		record(data, length, "write\n%llu\n%lld\n", inode_of(fd), (long long)offset);
}

static void
record_sync(const char *what, int fd)
{
	char path[PATH_MAX];

	resolve(path, fd, NULL);
	if (is_traced(path))
		record(NULL, 0, "%s\n%llu\n%s\n", what, inode_of(fd), path);
}

static int
open_traced(int fd, const char *name, int flags, mode_t mode, const struct open_how *how)
{
	struct stat s;
	int existed, r;

#define OPEN() (how != NULL ? (int)REAL(syscall)(SYS_openat2, fd, name, how, sizeof(*how)) \
			    : REAL(openat)(fd, name, flags, mode))
	if (!state.armed || state.trace < 0 || !(flags & (O_CREAT | O_TRUNC)))
		return (OPEN());
	pthread_mutex_lock(&trace_lock);
	existed = REAL(fstatat)(fd, name, &s, 0) == 0;
	r = OPEN();
#undef OPEN
	if (r >= 0) {
		char path[PATH_MAX];

		resolve(path, fd, name);
		if (is_traced(path) && !existed)
			record(NULL, 0, "create\n%llu\n%s\n", inode_of(r), path);
		else if (is_traced(path) && (flags & O_TRUNC))
			record(NULL, 0, "truncate\n%llu\n0\n", inode_of(r));
	}
	pthread_mutex_unlock(&trace_lock);
	return (r);
}

static int
open_common(int fd, const char *name, int flags, mode_t mode, const struct open_how *how)
{
	enum call call = (flags & (O_CREAT | O_TRUNC)) ? CALL_create : CALL_open;

	if (judge(call, fd, name) == FAIL)
		return (-1);
	return (LIMITED(call, fd, name, open_traced(fd, name, flags, mode, how)));
}

static mode_t
mode_argument(int flags, va_list arguments)
{

	return ((flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(arguments, mode_t) : 0);
}

#define OPENING(declaration, fd) \
	declaration \
	{ \
		va_list arguments; \
		mode_t mode; \
		va_start(arguments, flags); \
		mode = mode_argument(flags, arguments); \
		va_end(arguments); \
		return (open_common(fd, name, flags, mode, NULL)); \
	}

OPENING(int open(const char *name, int flags, ...), AT_FDCWD)
OPENING(int open64(const char *name, int flags, ...), AT_FDCWD)
OPENING(int openat(int fd, const char *name, int flags, ...), fd)
OPENING(int openat64(int fd, const char *name, int flags, ...), fd)

long
syscall(long number, ...)
{
	va_list v;
	long a[6];

	va_start(v, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(v, long);
	va_end(v);
	if (number == SYS_openat2) {
		const struct open_how *how = (const struct open_how *)a[2];

		return (open_common((int)a[0], (const char *)a[1], (int)how->flags, 0, how));
	}
	return (REAL(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]));
}

/* Which descriptors were written to and not synced since. */
#define TRACKED 65536
static _Atomic char dirty[TRACKED];

static void
set_dirty(int fd, int value)
{

	if (fd >= 0 && fd < TRACKED)
		atomic_store(&dirty[fd], (char)value);
}

static ssize_t
write_common(int fd, const void *data, size_t length, off_t offset)
{
	enum call call = transfer(fd, CALL_write, CALL_send);
	enum verdict verdict = judge(call, fd, NULL);
	ssize_t r;

	if (verdict == FAIL)
		return (-1);
	if (verdict == HALF && length > 1)
		length /= 2;
	if (offset >= 0)
		r = TRACED(REAL(pwrite)(fd, data, length, offset), r > 0, record_write(fd, data, (size_t)r, offset));
	else
		r = TRACED(REAL(write)(fd, data, length), r > 0,
		    record_write(fd, data, (size_t)r, REAL(lseek)(fd, 0, SEEK_CUR) - r));
	if (call == CALL_write && r > 0)
		set_dirty(fd, 1);
	r = LIMITED(call, fd, NULL, r);
	if (verdict == HALF && state.tears)
		die();
	return (r);
}

ssize_t
write(int fd, const void *data, size_t length)
{

	return (write_common(fd, data, length, -1));
}

ssize_t
pwrite(int fd, const void *data, size_t length, off_t offset)
{

	return (write_common(fd, data, length, offset));
}

ssize_t
pwrite64(int fd, const void *data, size_t length, off_t offset)
{

	return (write_common(fd, data, length, offset));
}

/* libfuse answers with it; what goes to files is put together and written as any other. */
ssize_t
writev(int fd, const struct iovec *parts, int count)
{
	enum call call = transfer(fd, CALL_write, CALL_send);
	size_t length = 0;
	char *whole;
	ssize_t r;

	if (call != CALL_write) {
		if (judge(call, fd, NULL) == FAIL)
			return (-1);
		return (REAL(writev)(fd, parts, count));
	}
	for (int i = 0; i < count; i++)
		length += parts[i].iov_len;
	if ((whole = malloc(length + 1)) == NULL)
		abort();
	length = 0;
	for (int i = 0; i < count; i++) {
		memcpy(whole + length, parts[i].iov_base, parts[i].iov_len);
		length += parts[i].iov_len;
	}
	r = write_common(fd, whole, length, -1);
	free(whole);
	return (r);
}

static int
is_writable_file(int fd)
{
	struct stat s;
	int flags = fcntl(fd, F_GETFL);

	return (flags >= 0 && (flags & O_ACCMODE) != O_RDONLY && REAL(fstat)(fd, &s) == 0 && S_ISREG(s.st_mode));
}

int
close(int fd)
{
	struct stat s;
	int saved = errno;
	int fails = state.armed && is_writable_file(fd) && judge(CALL_close, fd, NULL) == FAIL;
	int error = errno;

	if (fails && state.fs_type == 0 && fd < TRACKED && atomic_load(&dirty[fd]) && REAL(fstat)(fd, &s) == 0 &&
	    REAL(ftruncate)(fd, s.st_size / 2) != 0)
		abort();
	set_dirty(fd, 0);
	errno = saved;
	if (!fails)
		return (REAL(close)(fd));
	REAL(close)(fd);
	errno = error;
	return (-1);
}

static size_t
less(enum verdict verdict, size_t length)
{

	return (verdict == HALF && length > 1 ? length / 2 : length);
}

ssize_t
read(int fd, void *data, size_t length)
{
	enum verdict verdict = judge(transfer(fd, CALL_read, CALL_receive), fd, NULL);

	return (verdict == FAIL ? -1 : REAL(read)(fd, data, less(verdict, length)));
}

ssize_t
pread(int fd, void *data, size_t length, off_t offset)
{
	enum verdict verdict = judge(CALL_read, fd, NULL);

	return (verdict == FAIL ? -1 : REAL(pread)(fd, data, less(verdict, length), offset));
}

ssize_t
pread64(int fd, void *data, size_t length, off_t offset)
{
	enum verdict verdict = judge(CALL_read, fd, NULL);

	return (verdict == FAIL ? -1 : REAL(pread)(fd, data, less(verdict, length), offset));
}

ssize_t
send(int fd, const void *data, size_t length, int flags)
{
	enum verdict verdict = judge(CALL_send, fd, NULL);
	ssize_t r = verdict == FAIL ? -1 : REAL(send)(fd, data, less(verdict, length), flags);

	if (verdict == HALF && state.tears)
		die();
	return (r);
}

ssize_t
recv(int fd, void *data, size_t length, int flags)
{
	enum verdict verdict = judge(CALL_receive, fd, NULL);

	return (verdict == FAIL ? -1 : REAL(recv)(fd, data, less(verdict, length), flags));
}

/* The rest is counted, perhaps traced, and passed on. */
#define PASSED(type, name, call, fd, path, parameters, arguments) \
	type name parameters \
	{ \
		if (judge(CALL_##call, fd, path) == FAIL) \
			return ((type)-1); \
		return (LIMITED(CALL_##call, fd, path, REAL(name) arguments)); \
	}
#define RECORDED(name, call, fd, path, parameters, arguments, ...) \
	int name parameters \
	{ \
		if (judge(CALL_##call, fd, path) == FAIL) \
			return (-1); \
		return (LIMITED(CALL_##call, fd, path, TRACED(REAL(name) arguments, r == 0, __VA_ARGS__))); \
	}

#define SYNCING(name) \
	int name(int fd) \
	{ \
		int r = judge(CALL_fsync, fd, NULL) == FAIL ? -1 : TRACED(REAL(name)(fd), r == 0, record_sync("fsync", fd)); \
		if (r == 0) \
			set_dirty(fd, 0); \
		return (r); \
	}

RECORDED(mkdir, mkdir, AT_FDCWD, p, (const char *p, mode_t m), (p, m), record_path("mkdir", AT_FDCWD, p))
RECORDED(mkdirat, mkdir, fd, p, (int fd, const char *p, mode_t m), (fd, p, m), record_path("mkdir", fd, p))
RECORDED(rmdir, rmdir, AT_FDCWD, p, (const char *p), (p), record_path("rmdir", AT_FDCWD, p))
RECORDED(unlink, unlink, AT_FDCWD, p, (const char *p), (p), record_path("unlink", AT_FDCWD, p))
RECORDED(unlinkat, unlink, fd, p, (int fd, const char *p, int f), (fd, p, f),
    record_path((f & AT_REMOVEDIR) ? "rmdir" : "unlink", fd, p))
RECORDED(rename, rename, AT_FDCWD, b, (const char *a, const char *b), (a, b),
    record_two("rename", AT_FDCWD, a, AT_FDCWD, b))
RECORDED(renameat, rename, tfd, b, (int ffd, const char *a, int tfd, const char *b), (ffd, a, tfd, b),
    record_two("rename", ffd, a, tfd, b))
RECORDED(renameat2, rename, tfd, b, (int ffd, const char *a, int tfd, const char *b, unsigned f), (ffd, a, tfd, b, f),
    record_two("rename", ffd, a, tfd, b))
RECORDED(linkat, link, tfd, b, (int ffd, const char *a, int tfd, const char *b, int f), (ffd, a, tfd, b, f),
    record_two("link", ffd, a, tfd, b))
RECORDED(ftruncate, truncate, fd, NULL, (int fd, off_t n), (fd, n),
    record(NULL, 0, "truncate\n%llu\n%lld\n", inode_of(fd), (long long)n))
RECORDED(ftruncate64, truncate, fd, NULL, (int fd, off_t n), (fd, n),
    record(NULL, 0, "truncate\n%llu\n%lld\n", inode_of(fd), (long long)n))
RECORDED(syncfs, syncfs, fd, NULL, (int fd), (fd), record_sync("syncfs", fd))
SYNCING(fsync)
SYNCING(fdatasync)

PASSED(int, symlinkat, symlink, fd, p, (const char *t, int fd, const char *p), (t, fd, p))
PASSED(int, fchmod, chmod, fd, NULL, (int fd, mode_t m), (fd, m))
PASSED(int, chmod, chmod, AT_FDCWD, p, (const char *p, mode_t m), (p, m))
PASSED(int, fchown, chown, fd, NULL, (int fd, uid_t u, gid_t g), (fd, u, g))
PASSED(int, fchownat, chown, fd, p, (int fd, const char *p, uid_t u, gid_t g, int f), (fd, p, u, g, f))
PASSED(int, futimens, utimens, fd, NULL, (int fd, const struct timespec t[2]), (fd, t))
PASSED(int, utimensat, utimens, fd, p, (int fd, const char *p, const struct timespec t[2], int f), (fd, p, t, f))
PASSED(int, fsetxattr, setxattr, fd, NULL, (int fd, const char *n, const void *v, size_t s, int f), (fd, n, v, s, f))
PASSED(int, lsetxattr, setxattr, AT_FDCWD, p, (const char *p, const char *n, const void *v, size_t s, int f), (p, n, v, s, f))
PASSED(ssize_t, llistxattr, getxattr, AT_FDCWD, p, (const char *p, char *b, size_t s), (p, b, s))
PASSED(ssize_t, lgetxattr, getxattr, AT_FDCWD, p, (const char *p, const char *n, void *b, size_t s), (p, n, b, s))
PASSED(ssize_t, readlink, readlink, AT_FDCWD, p, (const char *p, char *b, size_t s), (p, b, s))
PASSED(ssize_t, readlinkat, readlink, fd, p, (int fd, const char *p, char *b, size_t s), (fd, p, b, s))
PASSED(ssize_t, getdents64, list, fd, NULL, (int fd, void *b, size_t s), (fd, b, s))
PASSED(int, stat, stat, AT_FDCWD, p, (const char *p, struct stat *s), (p, s))
PASSED(int, lstat, stat, AT_FDCWD, p, (const char *p, struct stat *s), (p, s))
PASSED(int, fstat, stat, fd, NULL, (int fd, struct stat *s), (fd, s))
PASSED(int, fstatat, stat, fd, p, (int fd, const char *p, struct stat *s, int f), (fd, p, s, f))
PASSED(int, flock, lock, fd, NULL, (int fd, int o), (fd, o))
PASSED(int, socket, socket, AT_FDCWD, "", (int d, int t, int p), (d, t, p))
PASSED(int, connect, connect, AT_FDCWD, "", (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n))

int
statx(int fd, const char *p, int f, unsigned m, struct statx *o)
{
	int r = judge(CALL_stat, fd, p) == FAIL ? -1 : REAL(statx)(fd, p, f, m, o);

	if (r == 0 && state.blind)
		o->stx_ctime = o->stx_mtime;
	return (r);
}

int
clock_gettime(clockid_t clock, struct timespec *t)
{
	int r = REAL(clock_gettime)(clock, t);

	if (r == 0 && clock == CLOCK_REALTIME)
		t->tv_sec += state.ahead;
	return (r);
}

/* SQLite calls these by their names of old. */
int
stat64(const char *p, struct stat64 *s)
{

	return (judge(CALL_stat, AT_FDCWD, p) == FAIL ? -1 : REAL(stat64)(p, s));
}

int
fstat64(int fd, struct stat64 *s)
{

	return (judge(CALL_stat, fd, NULL) == FAIL ? -1 : REAL(fstat64)(fd, s));
}

DIR *
opendir(const char *name)
{
	DIR *r;

	if (judge(CALL_open, AT_FDCWD, name) == FAIL)
		return (NULL);
	r = REAL(opendir)(name);
	if (r == NULL && state.limited)
		note_limit(CALL_open, AT_FDCWD, name);
	return (r);
}

int
pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument)
{
	int r;

	if (judge(CALL_thread, AT_FDCWD, "") == FAIL)
		return (errno);
	r = REAL(pthread_create)(thread, attributes, body, argument);
	if (r != 0 && state.limited)
		note(CALL_thread, AT_FDCWD, "");
	return (r);
}

int
fstatfs(int fd, struct statfs *s)
{
	int r = REAL(fstatfs)(fd, s);

	if (r == 0 && state.fs_type != 0)
		s->f_type = (__typeof__(s->f_type))state.fs_type;
	return (r);
}
