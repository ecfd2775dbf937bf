#include "commit_parts.h"

#include "sha256.h"
#include "statcache.h"
#include "treecache.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* --------------------------------------------------------------- wants -- */

const struct manifest *tree_manifest(const struct tree *tree)
{
	return tree->old;
}

int tree_read(const struct tree *tree, struct text path, size_t max_bytes,
	      struct sbuf *ret_bytes)
{
	if (!manifest_find(tree->old, path))
		return -ENOENT;
	return files_read(tree->live, path.ptr, max_bytes, ret_bytes);
}

void tree_set_site(struct tree *tree, struct text site, unsigned verify,
		   struct text signer)
{
	tree->next.site = site;
	tree->next.verify = verify;
	tree->next.signer = signer;
}

static struct wanted *put(struct tree *tree, const struct tree_file *file,
			  enum origin origin)
{
	struct wanted *wanted = vec_push(&tree->arena, &tree->wanted);

	wanted->file.path = file->path;
	wanted->file.wanted_by = file->wanted_by;
	wanted->file.wanted_by_count = file->wanted_by_count;
	wanted->origin = origin;
	wanted->order = tree->wanted.count;
	return wanted;
}

void tree_put_bytes(struct tree *tree, const struct tree_file *file,
		    struct text bytes)
{
	struct wanted *wanted = put(tree, file, FROM_BYTES);

	wanted->bytes = bytes;
	sha256_of(bytes.ptr, bytes.len, &wanted->file.digest);
}

void tree_put_file(struct tree *tree, const struct tree_file *file,
		   const char *from, const struct digest *digest)
{
	struct wanted *wanted = put(tree, file, FROM_FILE);

	wanted->from = from;
	wanted->file.digest = *digest;
}

void tree_keep(struct tree *tree, struct text path)
{
	const struct manifest_file *old = manifest_find(tree->old, path);
	struct tree_file file = { .path = path };
	struct wanted *wanted = put(tree, &file, FROM_OLD_TREE);

	/* If it is not there, the commit says so. */
	if (old)
		wanted->file = *old;
}

void tree_keep_all(struct tree *tree)
{
	for (size_t i = 0; i < tree->old->count; i++)
		tree_keep(tree, tree->old->files[i].path);
}

const char *tree_scratch(struct tree *tree)
{
	int dir;

	if (tree->scratch_path)
		return tree->scratch_path;
	dir = files_make_dir(tree->work, SCRATCH);
	if (dir < 0) {
		tree_fail_work(tree, "cannot be written", dir);
		return NULL;
	}
	close(dir);
	tree->scratch_path =
		arena_printf(&tree->arena, "%s/" SCRATCH, tree->work_path);
	return tree->scratch_path;
}

static int compare_wanted(const void *a, const void *b)
{
	const struct wanted *x = a, *y = b;
	int order = text_compare(x->file.path, y->file.path);

	return order ? order : (x->order < y->order) - (x->order > y->order);
}

/* Sort by path; of several for one path the last one put stays. */
static enum tree_result sort_wanted(struct tree *tree)
{
	struct wanted *at = tree->wanted.at;
	size_t count = 0;

	if (tree->wanted.count)
		qsort(at, tree->wanted.count, sizeof(*at), compare_wanted);
	for (size_t i = 0; i < tree->wanted.count; i++) {
		const char *refusal = manifest_path_refusal(at[i].file.path);

		if (refusal)
			return tree_fail(tree, TREE_REFUSED,
					 "%s/%s: the path %s", tree->shown,
					 at[i].file.path.ptr, refusal);
		if (!count ||
		    !text_equal(at[count - 1].file.path, at[i].file.path))
			at[count++] = at[i];
	}
	tree->wanted.count = count;
	return TREE_OK;
}

static void list_next(struct tree *tree)
{
	size_t count = tree->wanted.count;

	tree->next.files =
		arena_new_array(&tree->arena, count, struct manifest_file);
	tree->next.count = count;
	for (size_t i = 0; i < count; i++)
		tree->next.files[i] = tree->wanted.at[i].file;
}

/* ---------------------------------------------------- what is unchanged -- */

/* Not by its time stamps: by reading it. */
static bool measure(struct tree *tree, const struct manifest_file *file,
		    int dir, const char *name)
{
	struct digest digest;
	int fd = files_open(dir, name, NULL), result;

	if (fd < 0)
		return false;
	result = statcache_digest(tree->cache, file->path.ptr, fd, &digest);
	close(fd);
	return result == 0 && digest_equal(&digest, &file->digest);
}

/* @param read	read it if it is not known by its time stamps */
static enum look look_at(struct tree *tree, const struct manifest_file *file,
			 bool read)
{
	struct digest digest;
	struct stat st;
	const char *name;
	int dir = files_near(&tree->near, tree->live, file->path.ptr, false,
			     &name);

	if (dir < 0 || files_stat(dir, name, &st) != 0 ||
	    !S_ISREG(st.st_mode) ||
	    (uint64_t)st.st_size != file->digest.size_bytes)
		return IS_BAD;
	if (statcache_find(tree->cache, file->path.ptr, &st, &digest))
		return digest_equal(&digest, &file->digest) ? IS_GOOD : IS_BAD;
	if (!read)
		return NOT_LOOKED_AT;
	return measure(tree, file, dir, name) && (st.st_mode & 07777) == 0644
		       ? IS_GOOD
		       : IS_BAD;
}

bool tree_holds(struct tree *tree, const struct manifest_file *file)
{
	unsigned char *look = &tree->looks[file - tree->old->files];

	if (*look == NOT_LOOKED_AT)
		*look = (unsigned char)look_at(tree, file, true);
	return *look == IS_GOOD;
}

void tree_doubt(struct tree *tree)
{
	statcache_doubt(tree->cache);
}

/* Enough for a file that is taken over as it is: it is there, as large as it
 * should be, and not known to be another. */
static bool live_is_there(struct tree *tree, const struct manifest_file *file)
{
	unsigned char *look = &tree->looks[file - tree->old->files];

	if (*look == NOT_LOOKED_AT)
		*look = (unsigned char)look_at(tree, file, false);
	return *look != IS_BAD;
}

/* Damage in the old tree is no error: the file is written anew. */
static enum tree_result find_one_live(struct tree *tree, struct wanted *w)
{
	const struct manifest_file *old =
		manifest_find(tree->old, w->file.path);

	if (!old || !digest_equal(&old->digest, &w->file.digest))
		w->live = false;
	else if (w->origin == FROM_OLD_TREE)
		w->live = live_is_there(tree, old);
	else
		w->live = tree_holds(tree, old);
	if (w->origin == FROM_OLD_TREE && !w->live)
		return tree_fail(tree, TREE_BAD_INPUT,
				 "%s/%s: is gone or damaged, and cannot be "
				 "carried over; build the tree again",
				 tree->shown, w->file.path.ptr);
	return TREE_OK;
}

static enum tree_result find_live(struct tree *tree)
{
	enum tree_result result = TREE_OK;
	struct meter meter;

	tree_meter(tree, "comparing", tree->wanted.count, &meter);
	for (size_t i = 0; i < tree->wanted.count && result == TREE_OK; i++) {
		result = find_one_live(tree, &tree->wanted.at[i]);
		meter_set(&meter, i + 1);
	}
	meter_end(&meter);
	return result;
}

static void summarize(struct tree *tree, const struct sbuf *manifest,
		      struct tree_summary *sum)
{
	vec_foreach (struct wanted, w, &tree->wanted) {
		if (w->live) {
			sum->kept++;
		} else {
			sum->written++;
			sum->written_bytes += w->file.digest.size_bytes;
		}
	}
	for (size_t i = 0; i < tree->old->count; i++)
		sum->removed +=
			!manifest_find(&tree->next, tree->old->files[i].path);
	sum->changed =
		tree->live < 0 || sum->written || sum->removed ||
		manifest->len != tree->old_bytes.len ||
		memcmp(manifest->ptr, tree->old_bytes.ptr, manifest->len) != 0;
}

enum tree_result tree_commit(struct tree *tree,
			     struct tree_summary *ret_summary)
{
	struct tree_summary summary = { 0 };
	struct sbuf manifest = { 0 };
	enum tree_result result = sort_wanted(tree);

	if (result == TREE_OK)
		result = find_live(tree);
	if (result != TREE_OK)
		return result;
	list_next(tree);
	manifest_write(&tree->next, &manifest);
	summarize(tree, &manifest, &summary);
	if (summary.changed)
		result = tree_exchange(tree, &manifest);
	sbuf_release(&manifest);
	if (result != TREE_OK)
		return result;
	statcache_save(tree->cache);
	treecache_settle(&tree->arena, tree->real);
	summary.aside = sbuf_text(&tree->aside);
	*ret_summary = summary;
	return TREE_OK;
}
