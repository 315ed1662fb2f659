#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#pragma clang assume_nonnull begin

/*
 * The low-level API of libfuse 3, translated and nothing more: no struct of libfuse, whose layout changed
 * between releases, leaves rk_fuse.c.  The file system behind it is read-only: each request that would
 * change something is answered EROFS here.
 */

/* One mount. */
struct rk_session;

/* One request of the kernel, to be answered by exactly one rk_reply_ call, from any thread. */
typedef uintptr_t rk_request;

struct rk_attributes {
	uint64_t inode; /* st_ino */
	uint64_t size;
	uint64_t blocks; /* of 512 bytes */
	int64_t access_seconds, modification_seconds, change_seconds;
	uint32_t access_nanoseconds, modification_nanoseconds, change_nanoseconds;
	uint32_t mode; /* type and permission bits */
	uint32_t links;
	uint32_t uid;
	uint32_t gid;
};

struct rk_entry {
	uint64_t node; /* 0: do not remember attributes; counts no lookup */
	double entry_seconds; /* how long the name may be believed */
	double attribute_seconds; /* how long the attributes may be believed */
	struct rk_attributes attributes;
};

struct rk_statistics {
	uint64_t blocks; /* of 131072 bytes */
	uint64_t entries;
};

struct rk_forget {
	uint64_t node;
	uint64_t count;
};

/*
 * Called on the threads inside rk_session_receive, concurrently.  Names are valid during the call only.
 * forget needs no reply; refused and refused_write have been replied to already; interrupted may reply to the request that it
 * was asked to watch.
 */
struct rk_callbacks {
	void *context;
	void (*lookup)(void *context, rk_request request, uint64_t parent, const char *name);
	void (*forget)(void *context, const struct rk_forget *items, size_t count);
	void (*get_attributes)(void *context, rk_request request, uint64_t node);
	void (*read_link)(void *context, rk_request request, uint64_t node);
	void (*open)(void *context, rk_request request, uint64_t node);
	void (*read)(void *context, rk_request request, uint64_t node, uint64_t offset, size_t size);
	void (*open_folder)(void *context, rk_request request, uint64_t node);
	void (*read_folder)(void *context, rk_request request, uint64_t node, uint64_t offset, size_t size,
	    int with_attributes);
	void (*get_extended)(void *context, rk_request request, uint64_t node, const char *name, size_t size);
	void (*list_extended)(void *context, rk_request request, uint64_t node, size_t size);
	void (*statistics)(void *context, rk_request request);
	void (*refused)(void *context);
	void (*refused_write)(void *context, uint64_t node);
	void (*interrupted)(void *context, void *data);
};

/*
 * rk_session_new(options, count, callbacks):
 * Make a session with ${count} mount options, one word or word=value each; commas and backslashes in them
 * are taken literally.  ${callbacks} is copied.  Return NULL when libfuse refuses the options.
 */
struct rk_session *_Nullable rk_session_new(const char *_Nonnull const *_Nonnull options, size_t count,
    const struct rk_callbacks *callbacks);

/*
 * rk_session_mount(session, mountpoint):
 * Mount.  Return 0, or -1 with errno set (0 where libfuse tells none); see rk_last_message.
 */
int rk_session_mount(struct rk_session *session, const char *mountpoint);

/*
 * rk_session_receive(session):
 * Receive and hand out requests until the mount has gone.  Any number of threads may be in it.
 * Return 0, or the errno that ended it.
 */
int rk_session_receive(struct rk_session *session);

/*
 * rk_session_wait(session):
 * Return when the kernel has greeted the session, or a thread has left rk_session_receive.
 */
void rk_session_wait(struct rk_session *session);

/*
 * rk_mount_device(mountpoint, major, minor):
 * Tell the device of a mount without asking who serves it: a thread that waits for an answer of its own process
 * survives SIGKILL, and the mount with it.  Return 0, or -1 with errno set.
 */
int rk_mount_device(const char *mountpoint, uint32_t *major, uint32_t *minor);

/*
 * rk_session_free(session):
 * Free a session that could not be mounted.
 */
void rk_session_free(struct rk_session *session);

/*
 * rk_detach(mountpoint):
 * Take the mount out of the tree, even when it is in use; by fusermount3 where only root may unmount.
 * Return 0, or -1 with errno set.
 */
int rk_detach(const char *mountpoint);

/* What libfuse last complained about on this thread, without a newline; "" when nothing. */
const char *rk_last_message(void);

/*
 * Replies.  Each spends ${request}, copies what it is given before it returns, and returns 0 or a
 * negative errno: the kernel no longer wanted the answer (-ENOENT), which then counts no lookup.
 */
int rk_reply_error(rk_request request, int error);
int rk_reply_entry(rk_request request, const struct rk_entry *entry);
int rk_reply_absent(rk_request request, double seconds);
int rk_reply_attributes(rk_request request, const struct rk_attributes *attributes, double seconds);
int rk_reply_data(rk_request request, const void *_Nullable bytes, size_t length);
int rk_reply_pieces(rk_request request, const struct iovec *pieces, size_t count);
int rk_reply_link(rk_request request, const char *target);
int rk_reply_extended_size(rk_request request, size_t size);
int rk_reply_statistics(rk_request request, const struct rk_statistics *statistics);

/* The kernel keeps pages (files) or the listing (folders) from earlier opens. */
int rk_reply_open(rk_request request);

/*
 * rk_add_entry(request, buffer, size, name, name_length, entry, next, with_attributes):
 * Append an entry to the answer of read_folder.  ${next} is the offset at which reading goes on after it.
 * Return how many bytes the entry takes; when that is over ${size}, nothing was written.
 */
size_t rk_add_entry(rk_request request, void *buffer, size_t size, const void *name, size_t name_length,
    const struct rk_entry *entry, uint64_t next, int with_attributes);

/*
 * rk_watch_interrupt(request, data):
 * Call the callback ${interrupted} with ${data} once the client gives up, possibly before this returns.
 *
 * rk_unwatch_interrupt(request):
 * It does not run and will not run after this returns.  Never call this from within ${interrupted}.
 */
void rk_watch_interrupt(rk_request request, void *data);
void rk_unwatch_interrupt(rk_request request);

/*
 * Notifications to the kernel.  Never from a callback, nor with a lock held that a callback takes: the
 * kernel may wait for an answer before it takes the notification.  Return 0 or a negative errno; -ENOENT
 * means that the kernel did not know the node, which is fine.
 *
 * rk_notify_pages(session, node, offset, bytes, length):
 * Put whole pages of a file into the page cache; the last one may end where the file does.  Waits for reads of the
 * same pages, and cannot be killed meanwhile.
 */
int rk_notify_attributes(struct rk_session *session, uint64_t node);
int rk_notify_content(struct rk_session *session, uint64_t node);
int rk_notify_pages(struct rk_session *session, uint64_t node, uint64_t offset, const void *bytes, size_t length);
int rk_notify_name(struct rk_session *session, uint64_t parent, const void *name, size_t name_length);

#pragma clang assume_nonnull end
