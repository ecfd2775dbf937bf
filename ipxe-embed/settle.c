#include "settle.h"

#include "files.h"
#include "meter.h"
#include "sbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Somebody may go on putting files into the old tree: each pass takes them
 * over, but not for ever. */
enum { PASSES_MAX = 3 };

/* --------------------------------------------------------- attributes -- */

static void copy_xattr(int from, int to, const char *name)
{
	char value[65536];
	ssize_t len = fgetxattr(from, name, value, sizeof(value));

	if (len >= 0)
		(void)!fsetxattr(to, name, value, (size_t)len, 0);
}

int settle_attributes(int from, int to)
{
	char names[65536];
	struct stat st;
	ssize_t len;

	if (fstat(from, &st) != 0)
		return -errno;
	/* Owner and attributes (ACLs, labels) as far as we may: who cannot
	 * give a directory away is no worse off than with mkdir(). */
	(void)!fchown(to, st.st_uid, st.st_gid);
	len = flistxattr(from, names, sizeof(names));
	for (char *name = names; len > 0 && name < names + len;
	     name += strlen(name) + 1)
		copy_xattr(from, to, name);
	if (fchmod(to, st.st_mode & 07777) != 0)
		return -errno;
	return futimens(to, (struct timespec[]){ st.st_atim, st.st_mtim }) == 0
		       ? 0
		       : -errno;
}

/* Make a directory in the new tree that the old one has. */
static int carry_dir(const struct settle *settle, const char *path)
{
	struct stat st;
	int from, to, result;

	if (settle->now < 0 || files_stat(settle->now, path, &st) == 0)
		return 0;
	to = files_make_dir(settle->now, path);
	if (to < 0) /* a file is in the way: what is inside is put aside */
		return to == -ENOTDIR || to == -EEXIST ? 0 : to;
	from = files_open_dir(settle->old, path);
	result = from < 0 ? from : settle_attributes(from, to);
	if (from >= 0)
		close(from);
	close(to);
	return result;
}

/* -------------------------------------------------------------- files -- */

static int put_aside(const struct settle *settle, const struct files_seen *seen)
{
	int found = files_make_dir(settle->work, "found");
	int result = -EEXIST;
	char *name;

	if (found < 0)
		return found;
	for (unsigned n = 0; result == -EEXIST; n++) {
		if (asprintf(&name, "%u-%.200s", n, seen->name) < 0) {
			result = -ENOMEM;
			break;
		}
		result = 0;
		if (renameat2(seen->dir, seen->name, found, name,
			      RENAME_NOREPLACE) != 0)
			result = -errno;
		else
			sbuf_printf(settle->aside,
				    "%s was put there while the tree was "
				    "written; it is now %s/found/%s\n",
				    seen->path.ptr, settle->work_path, name);
		free(name);
	}
	close(found);
	return result;
}

static int compare_foreign(const void *key, const void *item)
{
	return text_compare(*(const struct text *)key,
			    ((const struct foreign *)item)->path);
}

static struct foreign *find_known(const struct settle *settle, struct text path)
{
	if (!settle->known || !settle->known->count)
		return NULL;
	return bsearch(&path, settle->known->at, settle->known->count,
		       sizeof(*settle->known->at), compare_foreign);
}

static int remove_name(const struct files_seen *seen)
{
	return unlinkat(seen->dir, seen->name, 0) == 0 ? 0 : -errno;
}

/* It is in the old tree only. */
static int carry_missing(const struct settle *settle,
			 const struct files_seen *seen)
{
	const char *path = seen->path.ptr, *slash = strrchr(path, '/');
	int result = 0;

	if (slash) {
		char *parent = strndup(path, (size_t)(slash - path));

		if (!parent)
			return -ENOMEM;
		result = carry_dir(settle, parent);
		free(parent);
	}
	if (result == 0)
		result = files_rename(settle->old, path, settle->now, path,
				      RENAME_NOREPLACE);
	if (result == -ENOTDIR || result == -EEXIST)
		return put_aside(settle, seen);
	return result;
}

/* Bring over a file of other people. Usually its second name is in the new tree
 * already; the rest is what came, went or was replaced meanwhile. */
static int carry(const struct settle *settle, const struct files_seen *seen)
{
	struct foreign *known = find_known(settle, seen->path);
	bool linked = known && known->linked;
	struct stat st;
	int result;

	if (known)
		known->seen = true;
	/* It was carried over; what became of it there is up to its owner. */
	if (linked && known->inode == seen->stat.st_ino)
		return remove_name(seen);
	if (settle->now < 0)
		return put_aside(settle, seen);
	result = files_stat(settle->now, seen->path.ptr, &st);
	if (result == -ENOENT || result == -ENOTDIR)
		return carry_missing(settle, seen);
	if (result)
		return result;
	if (st.st_ino == seen->stat.st_ino)
		return remove_name(seen);
	/* Replaced between our look and the exchange: theirs is newer. */
	if (linked && known->inode == st.st_ino)
		return files_rename(settle->old, seen->path.ptr, settle->now,
				    seen->path.ptr, 0);
	return put_aside(settle, seen);
}

static int settle_seen(void *ctx, const struct files_seen *seen)
{
	struct settle *settle = ctx;

	switch (seen->visit) {
	case FILES_ENTER:
		return manifest_has_below(settle->ours, seen->path)
			       ? 0
			       : carry_dir(settle, seen->path.ptr);
	case FILES_LEAVE:
		if (unlinkat(seen->dir, seen->name, AT_REMOVEDIR) == 0 ||
		    errno == ENOTEMPTY || errno == EEXIST)
			return 0;
		return -errno;
	case FILES_ENTRY:
		meter_set(settle->meter, ++settle->seen);
		break;
	}
	/* The manifest goes last: without it, nothing else was ours. */
	if (text_is(seen->path, MANIFEST_NAME))
		return 0;
	if (S_ISREG(seen->stat.st_mode) &&
	    manifest_find(settle->ours, seen->path))
		return remove_name(seen);
	return carry(settle, seen);
}

/* What was removed between our look and the exchange has a name in the new tree
 * that nobody wants. */
static void forget_removed(const struct settle *settle)
{
	struct stat st;

	for (size_t i = 0; settle->known && i < settle->known->count; i++) {
		const struct foreign *f = &settle->known->at[i];

		if (f->linked && !f->seen &&
		    files_stat(settle->now, f->path.ptr, &st) == 0 &&
		    st.st_ino == f->inode)
			files_remove(settle->now, f->path.ptr);
	}
}

static int empty_but_manifest(void *ctx, const struct files_seen *seen)
{
	(void)ctx;
	return text_is(seen->path, MANIFEST_NAME) ? 0 : -ENOTEMPTY;
}

int settle_run(struct settle *settle)
{
	int result = -ENOTEMPTY;

	for (unsigned pass = 0; pass < PASSES_MAX && result == -ENOTEMPTY;
	     pass++) {
		result = files_walk(settle->old, settle_seen, settle,
				    settle->path);
		if (result)
			return result;
		result =
			files_walk(settle->old, empty_but_manifest, NULL, NULL);
	}
	if (result)
		return result;
	if (settle->now >= 0)
		forget_removed(settle);
	result = files_remove(settle->old, MANIFEST_NAME);
	return result == -ENOENT ? 0 : result;
}
