#ifndef PROGRAM_WEB_H
#define PROGRAM_WEB_H
/**
 * @file
 * A web server for one trial: GET and HEAD by HTTPS, of the files below one
 * directory, on loopback, until it is ended.
 */
#include <stdint.h>
#include <sys/types.h>

struct sbuf;
struct tls_server;

struct web {
	const struct tls_server *tls;
	int root;           /**< descriptor of the directory */
	const char *prefix; /**< paths begin with it: "/", "/boot/" */
};

/**
 * Start it in a process of its own, which ends no later than this one.
 *
 * @param port	of 127.0.0.1
 * @param why	gets a message
 * @return its process, for web_stop(), or -errno
 */
pid_t web_start(const struct web *web, uint16_t port, struct sbuf *why);

void web_stop(pid_t process);

#endif
