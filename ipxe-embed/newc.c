#include "newc.h"

#include "sbuf.h"

enum { MODE_DIRECTORY = 0040000, MODE_FILE = 0100000 };

/* Inode 0 with one link: nothing is taken for a hard link. Time 0, root. */
static void put_entry(struct text name, unsigned mode, uint32_t bytes,
		      struct sbuf *out)
{
	sbuf_puts(out, "070701");
	sbuf_printf(out, "%08X%08X%08X%08X%08X%08X%08X", 0U, mode, 0U, 0U, 1U,
		    0U, bytes);
	sbuf_printf(out, "%08X%08X%08X%08X%08X%08X", 0U, 0U, 0U, 0U,
		    (unsigned)name.len + 1, 0U);
	sbuf_add(out, name.ptr, name.len);
	sbuf_putc(out, '\0');
	while (out->len % NEWC_ALIGNMENT)
		sbuf_putc(out, '\0');
}

static struct text relative(struct text path)
{
	while (path.len && *path.ptr == '/') {
		path.ptr++;
		path.len--;
	}
	return path;
}

void newc_parents(struct text path, struct text before, struct sbuf *out)
{
	struct text name = relative(path);
	struct text old = relative(before);

	for (size_t len = 1; len < name.len; len++) {
		if (name.ptr[len] != '/')
			continue;
		/* With the slash, so that "ab/c" is not below "a". */
		if (old.len > len && memcmp(old.ptr, name.ptr, len + 1) == 0)
			continue;
		put_entry((struct text){ name.ptr, len }, MODE_DIRECTORY | 0755,
			  0, out);
	}
}

void newc_file(struct text path, unsigned mode, uint32_t bytes,
	       struct sbuf *out)
{
	put_entry(relative(path), MODE_FILE | (mode & 07777), bytes, out);
}

void newc_end(struct sbuf *out)
{
	put_entry(TEXT("TRAILER!!!"), 0, 0, out);
}
