/*
 * slowlink: serves the folder of a local repository as an S3 bucket over a link with a delay.
 *
 *   slowlink FOLDER MILLISECONDS
 *
 * Prints the port when it listens.  Knows GET of an object and of a listing and PUT of a new object, believes every
 * signature, and answers each request so many milliseconds after it came; one thread per connection, HTTP/1.1 with
 * keep-alive.  GET of /__stats__ tells without delay how many requests and bytes there were since the last time, and
 * how many at once.
 * In C, so that it takes next to nothing of the processors that are measured.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MAX_HEADER = 16 << 10, MAX_PATH = 4096, STACK = 128 << 10 };

static const char *root;
static struct timespec delay;
static atomic_long request_count, byte_count, busy_count, busy_peak;

struct text {
	char *bytes;
	size_t count, capacity;
};

static void append(struct text *text, const char *format, ...) {
	for (;;) {
		va_list arguments;
		va_start(arguments, format);
		size_t room = text->capacity - text->count;
		int needed = vsnprintf(text->bytes ? text->bytes + text->count : NULL, room, format, arguments);
		va_end(arguments);
		if (needed < 0) abort();
		if ((size_t)needed < room) {
			text->count += (size_t)needed;
			return;
		}
		text->capacity = 2 * (text->capacity + (size_t)needed + 1);
		text->bytes = realloc(text->bytes, text->capacity);
		if (!text->bytes) abort();
	}
}

static int send_all(int connection, const char *bytes, size_t count, int flags) {
	while (count > 0) {
		ssize_t sent = send(connection, bytes, count, flags | MSG_NOSIGNAL);
		if (sent < 0) {
			if (errno == EINTR) continue;
			return -1;
		}
		bytes += sent;
		count -= (size_t)sent;
	}
	return 0;
}

static int reply(int connection, int status, const char *type, const char *body, size_t count) {
	char header[256];
	int length = snprintf(header, sizeof header, "HTTP/1.1 %d x\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
						  status, type, count);
	if (send_all(connection, header, (size_t)length, MSG_MORE)) return -1;
	return send_all(connection, body, count, 0);
}

static int refuse(int connection, int status, const char *code) {
	char body[128];
	int length = snprintf(body, sizeof body, "<Error><Code>%s</Code></Error>", code);
	return reply(connection, status, "application/xml", body, (size_t)length);
}

// Decodes %HH in place.
static void decode(char *text) {
	char *out = text;
	for (; *text; text++) {
		unsigned value;
		if (*text == '%' && isxdigit((unsigned char)text[1]) && isxdigit((unsigned char)text[2])) {
			sscanf(text + 1, "%2x", &value);
			*out++ = (char)value;
			text += 2;
		} else {
			*out++ = *text;
		}
	}
	*out = 0;
}

// Lists a folder of the repository and all below it; `key` ends with a slash or is empty.
static void list(struct text *text, const char *key) {
	char path[MAX_PATH];
	snprintf(path, sizeof path, "%s/%s", root, key);
	DIR *folder = opendir(path);
	if (!folder) return;
	for (struct dirent *entry; (entry = readdir(folder));) {
		if (entry->d_name[0] == '.' || (!*key && !strcmp(entry->d_name, "tmp"))) continue;
		char name[MAX_PATH];
		struct stat status;
		if (snprintf(name, sizeof name, "%s%s", key, entry->d_name) >= (int)sizeof name - 1) continue;
		if (fstatat(dirfd(folder), entry->d_name, &status, 0)) continue;
		if (S_ISDIR(status.st_mode)) {
			strcat(name, "/");
			list(text, name);
			continue;
		}
		append(text, "<Contents><Key>");
		for (const char *c = name; *c; c++)
			append(text, isalnum((unsigned char)*c) ? "%c" : "%%%02X", (unsigned char)*c);
		append(text, "</Key><Size>%lld</Size></Contents>", (long long)status.st_size);
	}
	closedir(folder);
}

static int answer_list(int connection, char *query) {
	const char *prefix = "";
	for (char *field = strtok(query, "&"); field; field = strtok(NULL, "&")) {
		if (strncmp(field, "prefix=", 7)) continue;
		prefix = field + 7;
		decode(field + 7);
	}
	struct text text = {0};
	append(&text, "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>");
	list(&text, prefix);
	append(&text, "</ListBucketResult>");
	int result = reply(connection, 200, "application/xml", text.bytes, text.count);
	free(text.bytes);
	return result;
}

static int answer_object(int connection, char *key) {
	decode(key);
	char path[MAX_PATH];
	struct stat status;
	if (strstr(key, "..") || snprintf(path, sizeof path, "%s/%s", root, key) >= (int)sizeof path)
		return refuse(connection, 400, "InvalidURI");
	int file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0 || fstat(file, &status) || !S_ISREG(status.st_mode)) {
		if (file >= 0) close(file);
		return refuse(connection, 404, "NoSuchKey");
	}
	char header[128];
	int length = snprintf(header, sizeof header, "HTTP/1.1 200 OK\r\nETag: \"%llx\"\r\nContent-Length: %lld\r\n\r\n",
			      (unsigned long long)status.st_ino, (long long)status.st_size);
	int result = send_all(connection, header, (size_t)length, MSG_MORE);
	off_t offset = 0;
	while (!result && offset < status.st_size)
		if (sendfile(connection, file, &offset, (size_t)(status.st_size - offset)) <= 0) result = -1;
	close(file);
	atomic_fetch_add(&byte_count, (long)status.st_size);
	return result;
}

// The rest of a request, of which the first bytes are here already.
struct body {
	const char *start;
	size_t held, length;
};

// Writes a body to a file, whole or not at all.
static int receive(int connection, const struct body *body, int file) {
	char buffer[64 << 10];
	size_t rest = body->length - body->held;
	if (write(file, body->start, body->held) != (ssize_t)body->held) return -1;
	while (rest > 0) {
		ssize_t count = recv(connection, buffer, rest < sizeof buffer ? rest : sizeof buffer, 0);
		if (count <= 0 || write(file, buffer, (size_t)count) != count) return -1;
		rest -= (size_t)count;
	}
	return 0;
}

// Takes an object that is not there yet: it gets its name last, as in a local repository.
static int answer_new_object(int connection, char *key, const struct body *body) {
	static atomic_long serial;
	decode(key);
	char path[MAX_PATH], part[MAX_PATH];
	if (strstr(key, "..") || snprintf(path, sizeof path, "%s/%s", root, key) >= (int)sizeof path) return -1;
	snprintf(part, sizeof part, "%s/tmp-%ld-%ld", root, (long)getpid(), atomic_fetch_add(&serial, 1));
	int file = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int result = file < 0 ? -1 : receive(connection, body, file);
	if (file >= 0) close(file);
	nanosleep(&delay, NULL);
	for (char *slash = path + strlen(root) + 1; !result && (slash = strchr(slash, '/')); slash++) {
		*slash = 0;
		mkdir(path, 0700);
		*slash = '/';
	}
	if (!result && link(part, path)) result = errno == EEXIST ? 412 : -1;
	unlink(part);
	atomic_fetch_add(&byte_count, (long)body->length);
	if (result < 0) return -1;
	if (result) return refuse(connection, 412, "PreconditionFailed");
	static const char stored[] = "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 0\r\n\r\n";
	return send_all(connection, stored, sizeof stored - 1, 0);
}

static int answer_statistics(int connection) {
	char body[128];
	int length = snprintf(body, sizeof body, "{\"requests\": %ld, \"bytes\": %ld, \"busy\": %ld}\n",
						  atomic_exchange(&request_count, 0), atomic_exchange(&byte_count, 0),
						  atomic_exchange(&busy_peak, 0));
	return reply(connection, 200, "application/json", body, (size_t)length);
}

static int answer_get(int connection, char *path) {
	nanosleep(&delay, NULL);
	// The first segment is the bucket.
	char *query = strchr(path, '?');
	if (query) *query++ = 0;
	char *key = strchr(path, '/');
	if (key && key[1]) return answer_object(connection, key + 1);
	return query ? answer_list(connection, query) : refuse(connection, 400, "InvalidURI");
}

// Answers a request; nonzero ends the connection.
static int answer(int connection, char *request, const struct body *body) {
	char *path = strchr(request, ' ');
	char *end = path ? strchr(path + 1, ' ') : NULL;
	bool is_put = !strncmp(request, "PUT /", 5);
	if ((!is_put && strncmp(request, "GET /", 5)) || !end) return refuse(connection, 501, "NotImplemented");
	*end = 0;
	path += 2;
	if (!strcmp(path, "__stats__")) return answer_statistics(connection);
	atomic_fetch_add(&request_count, 1);
	long busy = atomic_fetch_add(&busy_count, 1) + 1;
	long peak = atomic_load(&busy_peak);
	while (busy > peak && !atomic_compare_exchange_weak(&busy_peak, &peak, busy)) {}
	char *key = strchr(path, '/');
	int result;
	if (!is_put)
		result = answer_get(connection, path);
	else if (key && key[1] && !strchr(key, '?'))
		result = answer_new_object(connection, key + 1, body);
	else
		result = -1;
	atomic_fetch_sub(&busy_count, 1);
	return result;
}

static void *serve(void *argument) {
	int connection = (int)(long)argument;
	char buffer[MAX_HEADER + 1];
	size_t count = 0;
	for (;;) {
		ssize_t received = recv(connection, buffer + count, MAX_HEADER - count, 0);
		if (received <= 0) break;
		count += (size_t)received;
		buffer[count] = 0;
		char *end;
		int result = 0;
		while (!result && (end = strstr(buffer, "\r\n\r\n"))) {
			*end = 0;
			char *length = strcasestr(buffer, "\r\ncontent-length:");
			struct body body = {.start = end + 4, .length = length ? strtoul(length + 17, NULL, 10) : 0};
			size_t held = count - (size_t)(end + 4 - buffer);
			body.held = held < body.length ? held : body.length;
			result = answer(connection, buffer, &body);
			// Who did not take all of a body has no way on.
			if (body.held < body.length && strncmp(buffer, "PUT /", 5)) result = -1;
			count = held - body.held;
			memmove(buffer, end + 4 + body.held, count + 1);
		}
		if (result || count == MAX_HEADER) break;
	}
	close(connection);
	return NULL;
}

int main(int count, char **arguments) {
	if (count != 3) {
		fprintf(stderr, "usage: slowlink FOLDER DELAY_MS\n");
		return 64;
	}
	signal(SIGPIPE, SIG_IGN);
	root = arguments[1];
	long milliseconds = atol(arguments[2]);
	delay = (struct timespec){.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000};
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) || listen(listener, 128)
		|| getsockname(listener, (struct sockaddr *)&address, &size)) {
		perror("slowlink");
		return 1;
	}
	printf("%d\n", ntohs(address.sin_port));
	fflush(stdout);
	pthread_attr_t attributes;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	for (;;) {
		int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (connection < 0) continue;
		int yes = 1;
		setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
		pthread_t thread;
		if (pthread_create(&thread, &attributes, serve, (void *)(long)connection)) close(connection);
	}
}
