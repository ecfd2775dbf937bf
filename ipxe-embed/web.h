#ifndef PROGRAM_WEB_H
#define PROGRAM_WEB_H
/**
 * @file
 * A web server for one trial: GET and HEAD of the files below one directory, at
 * a Unix socket, until it is ended.
 */
#include <stddef.h>
#include <sys/types.h>

struct sbuf;
struct tls_server;

struct web {
	const struct tls_server *tls; /**< NULL: plain HTTP */
	int root;                     /**< descriptor of the directory */
	/** Paths begin with one of them: "/", "/boot/" */
	const char *const *prefixes;
	size_t prefix_count;
};

/**
 * Start it in a process of its own, which ends no later than this one.
 *
 * @param path	of the socket, which is made
 * @param why	gets a message
 * @return its process, for companion_end(), or -errno
 */
pid_t web_start(const struct web *web, const char *path, struct sbuf *why);

#endif
