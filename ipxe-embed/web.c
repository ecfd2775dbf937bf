#include "web.h"

#include "cleanup.h"
#include "files.h"
#include "manifest.h"
#include "sbuf.h"
#include "tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	REQUEST_BYTES_MAX = 8192,
	IDLE_S = 60,
	BACKLOG = 64,
};

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
static bool read_request(const struct tls_link *link, char *text)
{
	size_t len = 0, more;

	do {
		more = tls_read(link, text + len, REQUEST_BYTES_MAX - 1 - len);
		len += more;
		text[len] = '\0';
	} while (more && !strstr(text, "\r\n\r\n"));
	return more;
}

/* ------------------------------------------------------------- answers -- */

static int answer_error(const struct tls_link *link, const char *status)
{
	char text[128];
	int len = snprintf(text, sizeof(text),
			   "HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n", status);

	return tls_write(link, text, (size_t)len);
}

static int answer_file(const struct tls_link *link, int fd,
		       const struct stat *st, bool head)
{
	char bytes[65536];
	long long left = head ? 0 : st->st_size;
	int len = snprintf(bytes, sizeof(bytes),
			   "HTTP/1.1 200 OK\r\nContent-Length: %lld\r\n"
			   "Content-Type: application/octet-stream\r\n\r\n",
			   (long long)st->st_size);
	int error = tls_write(link, bytes, (size_t)len);

	while (!error && left > 0) {
		ssize_t now = read(fd, bytes, sizeof(bytes));

		if (now <= 0 || now > left)
			return -EIO; /* it has changed: no good end */
		error = tls_write(link, bytes, (size_t)now);
		left -= now;
	}
	return error;
}

static int open_wanted(const struct web *web, const char *path,
		       struct stat *ret_stat)
{
	size_t len = strlen(web->prefix);

	if (strncmp(path, web->prefix, len) != 0 ||
	    manifest_path_refusal(text_of(path + len)))
		return -ENOENT;
	return files_open(web->root, path + len, ret_stat);
}

static int answer(const struct web *web, const struct tls_link *link,
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

static void serve_link(const struct web *web, const struct tls_link *link)
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

static void end_with_parent(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(0);
}

__attribute__((noreturn)) static void serve_client(const struct web *web,
						   int fd)
{
	const struct timeval idle = { .tv_sec = IDLE_S };
	struct tls_link link;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof(idle));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &idle, sizeof(idle));
	if (tls_accept(web->tls, fd, &link) == 0) {
		serve_link(web, &link);
		tls_close(&link);
	}
	_exit(0);
}

__attribute__((noreturn)) static void serve(const struct web *web, int listener)
{
	pid_t self = getpid();

	signal(SIGCHLD, SIG_IGN); /* nobody waits for them */
	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0 && errno != EINTR && errno != ECONNABORTED)
			_exit(1);
		if (fd < 0)
			continue;
		if (fork() == 0) {
			end_with_parent(self);
			serve_client(web, fd);
		}
		close(fd);
	}
}

static int listen_on(uint16_t port, struct sbuf *why)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr = { htonl(INADDR_LOOPBACK) },
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), error, on = 1;

	if (fd >= 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	error = -errno;
	sbuf_printf(why, "cannot listen on port %u of 127.0.0.1: %s", port,
		    strerror(-error));
	if (fd >= 0)
		close(fd);
	return error;
}

pid_t web_start(const struct web *web, uint16_t port, struct sbuf *why)
{
	int listener = listen_on(port, why);
	pid_t self = getpid(), process;

	if (listener < 0)
		return listener;
	process = fork();
	if (process == 0) {
		end_with_parent(self);
		serve(web, listener);
	}
	if (process < 0) {
		process = -errno;
		sbuf_printf(why, "cannot start the web server: %s",
			    strerror(-process));
	}
	close(listener);
	return process;
}

void web_stop(pid_t process)
{
	kill(process, SIGTERM);
	waitpid(process, NULL, 0);
}
