#ifndef PROGRAM_REPLACE_H
#define PROGRAM_REPLACE_H
/**
 * @file
 * A file that is there whole, old or new, at every moment.
 */
#include <sys/types.h>

struct arena;
struct sbuf;

/**
 * Put a new file in the place of an old one, if there is one.
 *
 * @param path	a symbolic link is replaced, not followed
 * @param mode	permission bits, whatever the umask
 * @return 0 or -errno
 */
int replace_file(struct arena *arena, const char *path, mode_t mode,
		 const struct sbuf *bytes);

#endif
