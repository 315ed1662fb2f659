/*
 * floor: the least that a read-only file system in user space can cost.
 *
 *   floor SOURCE MOUNTPOINT         shows the names and attributes of a real tree
 *   floor FOLDERS FILES MOUNTPOINT  shows FOLDERS folders of FILES empty files
 *
 * All is in memory before the mount is there, files are read as the same megabyte over and over, and nothing is
 * decrypted, checked, looked up or kept.  What a mount takes beyond this is its own; what it takes below is the
 * kernel's.  The protocol is the one that rekkord uses: infinite timeouts, listings with attributes, opens and
 * attributes that the kernel asks for once.  Stays in the foreground until it is unmounted.
 */
#define _GNU_SOURCE
#define FUSE_USE_VERSION 312

#include <fuse3/fuse_lowlevel.h>

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOREVER 1e9
#define DATA_BYTES (1 << 20)
#define BACKGROUND 64

struct node {
	char *name;
	char *target; /* of a link */
	struct stat st;
	fuse_ino_t first; /* children are numbered in one run, ascending by name */
	size_t count;
};

/* Node N is nodes[N]; 0 is unused and 1 the root, as the kernel has it. */
static struct node *nodes;
static size_t used = 1, room;
static char data[DATA_BYTES];

static fuse_ino_t
add(const char *name, const struct stat *st)
{

	if (used >= room) {
		room = room == 0 ? 1024 : room * 2;
		nodes = realloc(nodes, room * sizeof(*nodes));
		if (nodes == NULL)
			err(1, "memory");
	}
	nodes[used] = (struct node) { .name = strdup(name), .st = *st };
	nodes[used].st.st_ino = used;
	return (used++);
}

static int
by_name(const void *a, const void *b)
{

	return (strcmp(*(char *const *)a, *(char *const *)b));
}

/* Reads the children of one folder; they are read in turn by whoever called. */
static void
load(fuse_ino_t folder, int fd)
{
	DIR *stream = fdopendir(fd);
	struct dirent *entry;
	char **names = NULL;
	size_t count = 0, capacity = 0;

	if (stream == NULL)
		err(1, "fdopendir");
	while ((entry = readdir(stream)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (count == capacity) {
			capacity = capacity == 0 ? 64 : capacity * 2;
			names = realloc(names, capacity * sizeof(*names));
			if (names == NULL)
				err(1, "memory");
		}
		names[count++] = strdup(entry->d_name);
	}
	qsort(names, count, sizeof(*names), by_name);
	nodes[folder].first = used;
	for (size_t i = 0; i < count; i++) {
		char target[PATH_MAX];
		struct stat st;
		fuse_ino_t child;
		ssize_t length;

		if (fstatat(dirfd(stream), names[i], &st, AT_SYMLINK_NOFOLLOW) == -1)
			err(1, "%s", names[i]);
		child = add(names[i], &st);
		nodes[folder].count++;
		if (S_ISLNK(st.st_mode)) {
			length = readlinkat(dirfd(stream), names[i], target, sizeof(target) - 1);
			if (length == -1)
				err(1, "%s", names[i]);
			target[length] = '\0';
			nodes[child].target = strdup(target);
		}
		free(names[i]);
	}
	free(names);
	for (size_t i = 0; i < nodes[folder].count; i++) {
		fuse_ino_t child = nodes[folder].first + i;
		int below;

		if (!S_ISDIR(nodes[child].st.st_mode))
			continue;
		below = openat(dirfd(stream), nodes[child].name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
		if (below == -1)
			err(1, "%s", nodes[child].name);
		load(child, below);
	}
	closedir(stream);
}

static void
make(size_t folders, size_t files)
{
	struct stat folder = { .st_mode = S_IFDIR | 0755, .st_nlink = 2 };
	struct stat file = { .st_mode = S_IFREG | 0644, .st_nlink = 1 };
	char name[32];

	nodes[1].first = used;
	nodes[1].count = folders;
	for (size_t i = 0; i < folders; i++) {
		snprintf(name, sizeof(name), "%06zu", i);
		add(name, &folder);
	}
	for (size_t i = 0; i < folders; i++) {
		nodes[nodes[1].first + i].first = used;
		nodes[nodes[1].first + i].count = files;
		for (size_t j = 0; j < files; j++) {
			snprintf(name, sizeof(name), "%06zu", j);
			add(name, &file);
		}
	}
}

static void
fill(struct fuse_entry_param *e, fuse_ino_t node)
{
	*e = (struct fuse_entry_param) {
		.ino = node, .attr = nodes[node].st, .attr_timeout = FOREVER, .entry_timeout = FOREVER
	};
}

static void
init(void *userdata, struct fuse_conn_info *conn)
{
	(void)userdata;
	conn->want &= ~(FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE
	    | FUSE_CAP_ATOMIC_O_TRUNC);
	conn->want |= conn->capable
	    & (FUSE_CAP_READDIRPLUS | FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_CACHE_SYMLINKS | FUSE_CAP_ASYNC_READ);
	conn->max_background = BACKGROUND;
	conn->congestion_threshold = BACKGROUND * 3 / 4;
}

static void
lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param e = { .entry_timeout = FOREVER };
	size_t low = 0, high = nodes[parent].count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(nodes[nodes[parent].first + middle].name, name);

		if (order == 0) {
			fill(&e, nodes[parent].first + middle);
			break;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	fuse_reply_entry(req, &e);
}

static void
get_attributes(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	(void)fi;
	fuse_reply_attr(req, &nodes[node].st, FOREVER);
}

static void
read_link(fuse_req_t req, fuse_ino_t node)
{

	fuse_reply_readlink(req, nodes[node].target);
}

static void
refuse_open(fuse_req_t req, fuse_ino_t node, struct fuse_file_info *fi)
{
	(void)node, (void)fi;
	fuse_reply_err(req, ENOSYS);
}

static void
read_file(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset, struct fuse_file_info *fi)
{
	off_t left = nodes[node].st.st_size - offset;

	(void)fi;
	if (left < 0)
		left = 0;
	if (size > (size_t)left)
		size = (size_t)left;
	fuse_reply_buf(req, data, size > DATA_BYTES ? DATA_BYTES : size);
}

static void
read_folder(fuse_req_t req, fuse_ino_t node, size_t size, off_t offset, struct fuse_file_info *fi)
{
	char buffer[size];
	size_t filled = 0;

	(void)fi;
	for (size_t i = (size_t)offset; i < nodes[node].count; i++) {
		struct fuse_entry_param e;
		size_t length;

		fill(&e, nodes[node].first + i);
		length = fuse_add_direntry_plus(req, buffer + filled, size - filled, nodes[e.ino].name, &e, (off_t)i + 1);
		if (length > size - filled)
			break;
		filled += length;
	}
	fuse_reply_buf(req, buffer, filled);
}

static void
get_extended(fuse_req_t req, fuse_ino_t node, const char *name, size_t size)
{
	(void)node, (void)name, (void)size;
	/* Not ENOSYS, which a mount that has attributes anywhere cannot answer. */
	fuse_reply_err(req, EOPNOTSUPP);
}

static void
list_extended(fuse_req_t req, fuse_ino_t node, size_t size)
{
	(void)node;
	if (size == 0)
		fuse_reply_xattr(req, 0);
	else
		fuse_reply_buf(req, NULL, 0);
}

static const struct fuse_lowlevel_ops operations = {
	.init = init,
	.lookup = lookup,
	.getattr = get_attributes,
	.readlink = read_link,
	.open = refuse_open,
	.read = read_file,
	.opendir = refuse_open,
	.readdirplus = read_folder,
	.getxattr = get_extended,
	.listxattr = list_extended,
};

int
main(int argc, char **argv)
{
	struct fuse_args arguments = FUSE_ARGS_INIT(0, NULL);
	struct fuse_session *session;
	struct stat root = { .st_mode = S_IFDIR | 0755, .st_nlink = 2 };
	const char *mountpoint = argv[argc - 1];
	int status = 1;

	if (argc != 3 && argc != 4)
		errx(64, "usage: floor SOURCE MOUNTPOINT | floor FOLDERS FILES MOUNTPOINT");
	for (size_t i = 0; i < DATA_BYTES; i++)
		data[i] = (char)(i * 2654435761u >> 13);
	add("", &root);
	if (argc == 3) {
		int fd = open(argv[1], O_RDONLY | O_DIRECTORY);

		if (fd == -1)
			err(1, "%s", argv[1]);
		load(1, fd);
	} else {
		make(strtoul(argv[1], NULL, 10), strtoul(argv[2], NULL, 10));
	}
	fuse_opt_add_arg(&arguments, "floor");
	fuse_opt_add_arg(&arguments, "-oro,nosuid,nodev,default_permissions,subtype=floor");
	session = fuse_session_new(&arguments, &operations, sizeof(operations), NULL);
	if (session == NULL || fuse_set_signal_handlers(session) != 0)
		return (1);
	if (fuse_session_mount(session, mountpoint) == 0) {
		struct fuse_loop_config *config = fuse_loop_cfg_create();

		status = fuse_session_loop_mt(session, config) == 0 ? 0 : 1;
		fuse_loop_cfg_destroy(config);
		fuse_session_unmount(session);
	}
	fuse_remove_signal_handlers(session);
	fuse_session_destroy(session);
	return (status);
}
