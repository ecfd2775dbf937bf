#include "web.h"

#include "companion.h"
#include "files.h"
#include "manifest.h"
#include "sbuf.h"
#include "tls.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	REQUEST_BYTES_MAX = 8192,
	IDLE_S = 60,
	BACKLOG = 64,
};

/* --------------------------------------------------------- connections -- */

struct link {
	bool secret; /* else plain HTTP */
	int fd;
	struct tls_link tls;
};

/** @return bytes read; 0 at the end or after a fault */
static size_t link_read(const struct link *link, void *bytes, size_t room)
{
	ssize_t len;

	if (link->secret)
		return tls_read(&link->tls, bytes, room);
	len = recv(link->fd, bytes, room, 0);
	return len > 0 ? (size_t)len : 0;
}

static int link_write(const struct link *link, const char *bytes, size_t len)
{
	if (link->secret)
		return tls_write(&link->tls, bytes, len);
	while (len) {
		ssize_t now = send(link->fd, bytes, len, 0);

		if (now <= 0)
			return -EPIPE;
		bytes += now;
		len -= (size_t)now;
	}
	return 0;
}

/* ------------------------------------------------------------ requests -- */

struct request {
	bool head;  /* no content wanted */
	bool close; /* nothing follows on this connection */
	char path[REQUEST_BYTES_MAX];
};

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef0123456789ABCDEF";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)((at - digits) % 16) : -1;
}

/* Up to the question mark, with %2f and the like undone. */
static bool decode_path(const char *from, size_t len, char *to)
{
	for (size_t i = 0; i < len && from[i] != '?'; i++) {
		int value = (unsigned char)from[i];

		if (from[i] == '%') {
			int high = i + 2 < len ? hex_digit(from[i + 1]) : -1;
			int low = i + 2 < len ? hex_digit(from[i + 2]) : -1;

			value = high < 0 || low < 0 ? 0 : high * 16 + low;
			i += 2;
		}
		if (!value)
			return false;
		*to++ = (char)value;
	}
	*to = '\0';
	return true;
}

/* RFC 9112, section 3; @p text is as long as REQUEST_BYTES_MAX at most. */
static bool parse_request(const char *text, struct request *ret_request)
{
	const char *target = strchr(text, ' ');
	const char *end = target ? strchr(target + 1, ' ') : NULL;

	if (!end || strncmp(end, " HTTP/1.", 8) != 0)
		return false;
	ret_request->head = strncmp(text, "HEAD ", 5) == 0;
	if (!ret_request->head && strncmp(text, "GET ", 4) != 0)
		return false;
	ret_request->close = strcasestr(end, "\r\nConnection: close") ||
			     strncmp(end, " HTTP/1.0", 9) == 0;
	return decode_path(target + 1, (size_t)(end - target - 1),
			   ret_request->path);
}

/* To the empty line. Nobody sends a second request before the answer. */
static bool read_request(const struct link *link, char *text)
{
	size_t len = 0, more;

	do {
		more = link_read(link, text + len, REQUEST_BYTES_MAX - 1 - len);
		len += more;
		text[len] = '\0';
	} while (more && !strstr(text, "\r\n\r\n"));
	return more;
}

/* ------------------------------------------------------------- answers -- */

static int answer_error(const struct link *link, const char *status)
{
	char text[128];
	int len = snprintf(text, sizeof(text),
			   "HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n", status);

	return link_write(link, text, (size_t)len);
}

static int answer_file(const struct link *link, int fd, const struct stat *st,
		       bool head)
{
	char bytes[65536];
	long long left = head ? 0 : st->st_size;
	int len = snprintf(bytes, sizeof(bytes),
			   "HTTP/1.1 200 OK\r\nContent-Length: %lld\r\n"
			   "Content-Type: application/octet-stream\r\n\r\n",
			   (long long)st->st_size);
	int error = link_write(link, bytes, (size_t)len);

	while (!error && left > 0) {
		ssize_t now = read(fd, bytes, sizeof(bytes));

		if (now <= 0 || now > left)
			return -EIO; /* it has changed: no good end */
		error = link_write(link, bytes, (size_t)now);
		left -= now;
	}
	return error;
}

static int open_wanted(const struct web *web, const char *path,
		       struct stat *ret_stat)
{
	for (size_t i = 0; i < web->prefix_count; i++) {
		const char *prefix = web->prefixes[i];
		size_t len = strlen(prefix);
		int fd;

		if (strncmp(path, prefix, len) != 0 ||
		    manifest_path_refusal(text_of(path + len)))
			continue;
		fd = files_open(web->root, path + len, ret_stat);
		if (fd >= 0)
			return fd;
	}
	return -ENOENT;
}

static int answer(const struct web *web, const struct link *link,
		  const struct request *request)
{
	struct stat st;
	int fd = open_wanted(web, request->path, &st), error;

	if (fd < 0)
		return answer_error(link, "404 Not Found");
	error = answer_file(link, fd, &st, request->head);
	close(fd);
	return error;
}

static void serve_link(const struct web *web, const struct link *link)
{
	static char text[REQUEST_BYTES_MAX];
	static struct request request;

	while (read_request(link, text)) {
		if (!parse_request(text, &request)) {
			answer_error(link, "400 Bad Request");
			return;
		}
		if (answer(web, link, &request) || request.close)
			return;
	}
}

/* ----------------------------------------------------------- processes -- */

struct server {
	const struct web *web;
	int listener;
};

struct client {
	const struct web *web;
	int fd;
};

static void serve_client(void *ctx)
{
	const struct timeval idle = { .tv_sec = IDLE_S };
	const struct client *client = ctx;
	struct link link = { .secret = client->web->tls, .fd = client->fd };

	signal(SIGPIPE, SIG_IGN);
	setsockopt(link.fd, SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof(idle));
	setsockopt(link.fd, SOL_SOCKET, SO_SNDTIMEO, &idle, sizeof(idle));
	if (link.secret && tls_accept(client->web->tls, link.fd, &link.tls))
		return;
	serve_link(client->web, &link);
	if (link.secret)
		tls_close(&link.tls);
}

static void serve(void *ctx)
{
	const struct server *server = ctx;
	struct client client = { .web = server->web };

	signal(SIGCHLD, SIG_IGN); /* nobody waits for them */
	for (;;) {
		client.fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
		if (client.fd < 0 && errno != EINTR && errno != ECONNABORTED)
			return;
		if (client.fd < 0)
			continue;
		companion_start(serve_client, &client);
		close(client.fd);
	}
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	int fd, error;

	if (len >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, len);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 &&
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	error = -errno;
	if (fd >= 0)
		close(fd);
	return error;
}

pid_t web_start(const struct web *web, const char *path, struct sbuf *why)
{
	struct server server = { web, listen_at(path) };
	pid_t process = server.listener;

	if (server.listener >= 0) {
		process = companion_start(serve, &server);
		close(server.listener);
	}
	if (process < 0)
		sbuf_printf(why, "cannot start a web server at %s: %s", path,
			    strerror((int)-process));
	return process;
}
