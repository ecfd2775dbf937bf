/* Trees are written into a directory of the test's own, which had better be in
 * memory: thousands of runs are killed here, one at each system call. */
#include "commit.h"
#include "files.h"
#include "place.h"
#include "plan.h"
#include "sbuf.h"
#include "sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* ------------------------------------------------------------- fixture -- */

static char base[PLACE_BYTES];
static struct sbuf why;

static void command(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

static void command(const char *format, ...)
{
	struct sbuf line = { 0 };
	va_list args;

	va_start(args, format);
	sbuf_vprintf(&line, format, args);
	va_end(args);
	if (system(line.ptr) != 0)
		fail_msg("%s: failed", line.ptr);
	sbuf_release(&line);
}

static int setup(void **state)
{
	(void)state;
	/* Nothing is remembered, so everything is read. */
	unsetenv("IPXE_EMBED_CACHE");
	unsetenv("XDG_CACHE_HOME");
	unsetenv("HOME");
	if (!mkdtemp(place_template(base)) || chmod(base, 0755) != 0 ||
	    chdir(base) != 0)
		return -1;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sbuf_release(&why);
	if (chdir("/") != 0)
		return -1;
	command("rm -rf '%s'", base);
	return 0;
}

static void write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	if (!file)
		fail_msg("%s: %s", path, strerror(errno));
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static bool holds(const char *path, const char *text)
{
	struct sbuf bytes = { 0 };
	bool same = files_read(AT_FDCWD, path, SIZE_MAX, &bytes) == 0 &&
		    strcmp(sbuf_text(&bytes), text) == 0;

	sbuf_release(&bytes);
	return same;
}

#define assert_holds(path, text)                                  \
	do {                                                      \
		if (!holds((path), (text)))                       \
			fail_msg("%s is not \"%s\"", path, text); \
	} while (0)

static void assert_says(const char *word)
{
	if (!strstr(sbuf_text(&why), word))
		fail_msg("\"%s\" does not say \"%s\"", sbuf_text(&why), word);
}

static struct stat stat_of(const char *path)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		fail_msg("%s: %s", path, strerror(errno));
	return st;
}

/* A tree of these files. */
struct item {
	const char *path, *text;
};

static struct text site_wants[] = { { "site", 4 } };

static void put_items(struct tree *tree, const struct item *items)
{
	for (; items->path; items++) {
		struct tree_file file = { text_of(items->path), site_wants, 1 };

		tree_put_bytes(tree, &file, text_of(items->text));
	}
}

static enum tree_result build(const char *out, const struct item *items,
			      struct tree_summary *ret_summary)
{
	struct tree_summary summary = { 0 };
	struct tree *tree;
	enum tree_result result;

	sbuf_reset(&why);
	result = tree_open(out, &why, &tree);
	if (result == TREE_OK) {
		put_items(tree, items);
		tree_set_site(tree, TEXT("lab"), VERIFY_DIGEST, TEXT(""));
		result = tree_commit(tree, &summary);
		summary.aside = NULL;
		tree_free(tree);
	}
	if (ret_summary)
		*ret_summary = summary;
	return result;
}

static const struct item tree_a[] = {
	{ "boot.ipxe", "#!ipxe a" },
	{ "www/a/11/linux", "kernel a" },
	{ "www/a/22/initrd", "initrd of both" },
	{ "images/ipxe.efi", "image a" },
	{ "tftp/ipxe.efi", "image a" },
	{ "gone/with/a", "only in a" },
	{ 0 },
};

static const struct item tree_b[] = {
	{ "boot.ipxe", "#!ipxe b" },
	{ "www/a/22/initrd", "initrd of both" },
	{ "www/a/33/linux", "kernel b" },
	{ "images/ipxe.efi", "image b" },
	{ "tftp/ipxe.efi", "image b" },
	{ 0 },
};

/* Every path, type, mode and content below a directory, but those in which
 * @p without stands. */
struct snapshot {
	struct sbuf text;
	const char *without;
};

static int snapshot_seen(void *ctx, const struct files_seen *seen)
{
	struct snapshot *snapshot = ctx;

	if (seen->visit == FILES_LEAVE ||
	    strstr(seen->path.ptr, snapshot->without))
		return 0;
	sbuf_printf(&snapshot->text, "%s %o ", seen->path.ptr,
		    seen->stat.st_mode);
	if (S_ISREG(seen->stat.st_mode))
		assert_int_equal(files_read(seen->dir, seen->name, SIZE_MAX,
					    &snapshot->text),
				 0);
	sbuf_putc(&snapshot->text, '\n');
	return 0;
}

/* @return to be freed */
static char *snapshot_of(const char *out, const char *without)
{
	struct snapshot snapshot = { .without = without };
	int dir = open(out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir >= 0) {
		assert_int_equal(
			files_walk(dir, snapshot_seen, &snapshot, NULL), 0);
		close(dir);
	}
	sbuf_putc(&snapshot.text, '.');
	return snapshot.text.ptr;
}

static void assert_snapshot(const char *out, const char *without,
			    const char *expected)
{
	char *now = snapshot_of(out, without);

	assert_string_equal(now, expected);
	free(now);
}

static void assert_no_work_left(void)
{
	assert_int_equal(access(".out.ipxe-embed", F_OK), -1);
}

/* -------------------------------------------------------- ordinary runs -- */

static void test_new_tree(void **state)
{
	struct tree_summary sum;
	struct stat before;
	mode_t umask_before = umask(077);

	(void)state;
	assert_int_equal(build("out", tree_a, &sum), TREE_OK);
	umask(umask_before);
	assert_true(sum.changed);
	assert_int_equal(sum.written, 6);
	assert_holds("out/www/a/11/linux", "kernel a");
	assert_int_equal(stat_of("out/www/a/11/linux").st_mode & 07777, 0644);
	assert_int_equal(stat_of("out/www/a/11").st_mode & 07777, 0755);
	assert_int_equal(stat_of("out").st_mode & 07777, 0755);
	assert_no_work_left();

	before = stat_of("out");
	assert_int_equal(build("out/", tree_a, &sum), TREE_OK);
	assert_false(sum.changed);
	assert_int_equal(sum.kept, 6);
	assert_int_equal(stat_of("out").st_ino, before.st_ino);
	assert_no_work_left();
}

static void test_changed_tree(void **state)
{
	struct tree_summary sum;
	struct stat kept;

	(void)state;
	assert_int_equal(build("out", tree_a, NULL), TREE_OK);
	kept = stat_of("out/www/a/22/initrd");
	assert_int_equal(build("out", tree_b, &sum), TREE_OK);
	assert_int_equal(sum.written, 4);
	assert_int_equal(sum.kept, 1);
	assert_int_equal(sum.removed, 2);
	assert_int_equal(stat_of("out/www/a/22/initrd").st_ino, kept.st_ino);
	assert_int_equal(stat_of("out/www/a/22/initrd").st_nlink, 1);
	assert_int_equal(access("out/gone", F_OK), -1);
	assert_int_equal(access("out/www/a/11", F_OK), -1);
	assert_holds("out/boot.ipxe", "#!ipxe b");
	assert_no_work_left();
}

static void test_twins(void **state)
{
	(void)state;
	assert_int_equal(build("out", tree_a, NULL), TREE_OK);
	assert_int_equal(stat_of("out/images/ipxe.efi").st_ino,
			 stat_of("out/tftp/ipxe.efi").st_ino);
}

/* Damage in what is ours is repaired, by content and by mode. */
static void test_repair(void **state)
{
	struct tree_summary sum;

	(void)state;
	assert_int_equal(build("out", tree_a, NULL), TREE_OK);
	command("echo bad >out/www/a/22/initrd; rm out/gone/with/a;"
		"chmod 600 out/boot.ipxe");
	assert_int_equal(build("out", tree_a, &sum), TREE_OK);
	assert_int_equal(sum.written, 3);
	assert_holds("out/www/a/22/initrd", "initrd of both");
	assert_holds("out/gone/with/a", "only in a");
	assert_int_equal(stat_of("out/boot.ipxe").st_mode & 07777, 0644);
}

static void test_file_becomes_directory(void **state)
{
	static const struct item file[] = { { "x", "file" }, { 0 } };
	static const struct item dir[] = { { "x/y", "below" }, { 0 } };

	(void)state;
	assert_int_equal(build("out", file, NULL), TREE_OK);
	assert_int_equal(build("out", dir, NULL), TREE_OK);
	assert_holds("out/x/y", "below");
	assert_int_equal(build("out", file, NULL), TREE_OK);
	assert_holds("out/x", "file");
}

/* ---------------------------------------------------------------- wants -- */

static void test_keep(void **state)
{
	struct tree_file sig = { TEXT("www/a/11/linux.sig"), site_wants, 1 };
	struct tree_summary sum;
	struct tree *tree;
	struct sbuf bytes = { 0 };

	(void)state;
	assert_int_equal(build("out", tree_a, NULL), TREE_OK);
	assert_int_equal(tree_open("out", &why, &tree), TREE_OK);
	assert_int_equal(tree_manifest(tree)->count, 6);
	assert_int_equal(tree_read(tree, TEXT("boot.ipxe"), 100, &bytes), 0);
	assert_string_equal(bytes.ptr, "#!ipxe a");
	assert_int_equal(tree_read(tree, TEXT("boot.ipxe"), 3, &bytes), -EFBIG);
	assert_int_equal(tree_read(tree, TEXT("boot"), 3, &bytes), -ENOENT);
	tree_keep_all(tree);
	tree_put_bytes(tree, &sig, TEXT("first"));
	tree_put_bytes(tree, &sig, TEXT("last"));
	assert_int_equal(tree_commit(tree, &sum), TREE_OK);
	assert_int_equal(sum.written, 1);
	assert_int_equal(sum.kept, 6);
	tree_free(tree);
	assert_holds("out/www/a/11/linux.sig", "last");
	assert_holds("out/www/a/11/linux", "kernel a");

	assert_int_equal(tree_open("out", &why, &tree), TREE_OK);
	assert_int_equal(tree_manifest(tree)->verify, VERIFY_DIGEST);
	assert_int_equal(unlink("out/boot.ipxe"), 0);
	tree_keep_all(tree);
	assert_int_equal(tree_commit(tree, &sum), TREE_BAD_INPUT);
	assert_says("out/boot.ipxe: is gone or damaged");
	tree_free(tree);
	sbuf_release(&bytes);
}

/* @param text	what the asset is said to hold */
static enum tree_result build_asset(const char *asset, const char *text)
{
	struct tree_file file = { TEXT("www/linux"), site_wants, 1 };
	struct tree_summary sum;
	struct digest digest;
	struct tree *tree;
	enum tree_result result;

	sbuf_reset(&why);
	sha256_of(text, strlen(text), &digest);
	result = tree_open("out", &why, &tree);
	assert_int_equal(result, TREE_OK);
	tree_put_file(tree, &file, asset, &digest);
	result = tree_commit(tree, &sum);
	tree_free(tree);
	return result;
}

static void test_asset(void **state)
{
	char *whole;

	(void)state;
	write_text("linux", "kernel");
	assert_int_equal(symlink("linux", "link"), 0);
	assert_int_equal(build_asset("link", "kernel"), TREE_OK);
	assert_holds("out/www/linux", "kernel");
	assert_int_not_equal(stat_of("out/www/linux").st_ino,
			     stat_of("linux").st_ino);

	whole = snapshot_of("out", "~");
	write_text("linux", "KERNEL");
	assert_int_equal(build_asset("linux", "other."), TREE_BAD_INPUT);
	assert_says("linux: changed while it was read");
	assert_int_equal(build_asset("vanished", "x"), TREE_BAD_INPUT);
	assert_says("vanished: cannot be read: No such file");
	assert_int_equal(build_asset(".", "x"), TREE_BAD_INPUT);
	assert_says(".: cannot be read: Is a directory");
	command("mkfifo pipe");
	assert_int_equal(build_asset("pipe", "x"), TREE_BAD_INPUT);
	assert_says("pipe: cannot be read: ");
	assert_snapshot("out", "~", whole);
	assert_no_work_left();
	free(whole);
}

static void test_bad_paths(void **state)
{
	static const char *const paths[] = {
		"",    "/etc/x", "../x", "a//b",         "a/",
		"./a", "a/..",   "a\nb", "manifest.json"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct item items[] = { { paths[i], "x" }, { 0 } };

		assert_int_equal(build("out", items, NULL), TREE_REFUSED);
		assert_says("the path ");
		assert_int_equal(access("out", F_OK), -1);
	}
}

static void test_scratch(void **state)
{
	struct tree *tree;
	const char *scratch;

	(void)state;
	assert_int_equal(tree_open("out", &why, &tree), TREE_OK);
	scratch = tree_scratch(tree);
	assert_non_null(scratch);
	assert_ptr_equal(scratch, tree_scratch(tree));
	command("touch '%s/image'", scratch);
	tree_free(tree);
	assert_no_work_left();
}

/* ------------------------------------------------------ where out/ lies -- */

static void test_refused_places(void **state)
{
	static const struct {
		const char *prepare, *out, *word;
		enum tree_result result;
	} places[] = {
		{ "mkdir o; touch o/x", "o", "holds files but no manifest.json",
		  TREE_REFUSED },
		{ "mkdir o; echo '{\"name\": \"app\"}' >o/manifest.json", "o",
		  "not a manifest of ipxe-embed", TREE_REFUSED },
		{ "mkdir -p o/manifest.json", "o", "Is a directory",
		  TREE_REFUSED },
		{ "mkdir o; ln -s /etc/passwd o/manifest.json", "o",
		  "manifest.json: cannot be used", TREE_REFUSED },
		{ "touch o", "o", "is no directory", TREE_REFUSED },
		{ "ln -s nowhere o", "o", "symlink to nowhere", TREE_REFUSED },
		{ "ln -s o o", "o", "symbolic links", TREE_REFUSED },
		{ "true", "o/p", "does not exist", TREE_REFUSED },
		{ "true", "/", "root directory", TREE_REFUSED },
		{ "true", "", "does not exist", TREE_REFUSED },
		{ "touch .o.ipxe-embed", "o", "cannot open: Not a directory",
		  TREE_FAILED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		char *before, *after;

		command("rm -rf o .o.ipxe-embed; %s", places[i].prepare);
		before = snapshot_of(".", "~");
		assert_int_equal(build(places[i].out, tree_a, NULL),
				 places[i].result);
		assert_says(places[i].word);
		after = snapshot_of(".", "~");
		assert_string_equal(before, after);
		free(before);
		free(after);
	}
}

static void test_good_places(void **state)
{
	(void)state;
	command("mkdir empty && chmod 2750 empty");
	assert_int_equal(build("empty", tree_a, NULL), TREE_OK);
	assert_int_equal(stat_of("empty").st_mode & 07777, 02750);
	assert_int_equal(build("empty", tree_b, NULL), TREE_OK);
	assert_int_equal(stat_of("empty").st_mode & 07777, 02750);

	command("mkdir -p far/away && ln -s far/away link");
	assert_int_equal(build("link", tree_a, NULL), TREE_OK);
	assert_int_equal(build("link/", tree_b, NULL), TREE_OK);
	assert_true(S_ISLNK(stat_of("link").st_mode));
	assert_holds("far/away/boot.ipxe", "#!ipxe b");
	assert_int_equal(build("./far/../far/away/.", tree_a, NULL), TREE_OK);
	assert_holds("far/away/boot.ipxe", "#!ipxe a");
}

static void test_lock(void **state)
{
	struct tree *tree;

	(void)state;
	assert_int_equal(tree_open("out", &why, &tree), TREE_OK);
	assert_int_equal(build("out", tree_a, NULL), TREE_FAILED);
	assert_says("another ipxe-embed is at work");
	assert_int_equal(build("other", tree_a, NULL), TREE_OK);
	tree_free(tree);
	assert_int_equal(build("out", tree_a, NULL), TREE_OK);
	assert_no_work_left();
}

/* -------------------------------------------------------- other people -- */

static void test_foreign_stays(void **state)
{
	struct stat file, dir, now;

	(void)state;
	assert_int_equal(build("out", tree_a, NULL), TREE_OK);
	command("cd out && echo theirs >www/theirs && mkdir -p gone/with/theirs"
		" private/sub && echo secret >private/sub/x && chmod 600 "
		"private/sub/x && chmod 2710 private && touch -d 2001-02-03 "
		"private && ln -s /nowhere www/dangling && ln -s /etc www/etc "
		"&& mkfifo www/pipe");
	file = stat_of("out/private/sub/x");
	dir = stat_of("out/private");
	assert_int_equal(build("out", tree_b, NULL), TREE_OK);
	assert_holds("out/www/theirs", "theirs\n");
	assert_true(S_ISDIR(stat_of("out/gone/with/theirs").st_mode));
	assert_int_equal(access("out/gone/with/a", F_OK), -1);
	assert_true(S_ISLNK(stat_of("out/www/dangling").st_mode));
	assert_true(S_ISLNK(stat_of("out/www/etc").st_mode));
	assert_true(S_ISFIFO(stat_of("out/www/pipe").st_mode));
	now = stat_of("out/private/sub/x");
	assert_int_equal(now.st_ino, file.st_ino);
	assert_int_equal(now.st_mode, file.st_mode);
	assert_int_equal(now.st_nlink, 1);
	now = stat_of("out/private");
	assert_int_equal(now.st_mode, dir.st_mode);
	assert_int_equal(now.st_mtim.tv_sec, dir.st_mtim.tv_sec);
	assert_no_work_left();
}

static void test_foreign_in_the_way(void **state)
{
	static const struct {
		const char *prepare, *named;
	} cases[] = {
		{ "echo x >out/www/a/33", "out/www/a/33: stands" },
		{ "mkdir out/www/a/33; echo x >out/www/a/33/linux",
		  "out/www/a/33/linux: stands" },
		{ "mkdir -p out/www/a/33/linux", "out/www/a/33/linux: stands" },
		{ "mkdir -p out/www/a/33/linux/deep",
		  "out/www/a/33/linux: stands" },
		{ "ln -s /tmp out/www/a/33", "out/www/a/33: stands" },
		{ "rm out/boot.ipxe; ln -s /etc/passwd out/boot.ipxe",
		  "out/boot.ipxe: stands" },
		{ "mv out/www elsewhere; ln -s ../elsewhere out/www",
		  "out/www: stands" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *before, *after;

		command("rm -rf out elsewhere");
		assert_int_equal(build("out", tree_a, NULL), TREE_OK);
		command("%s", cases[i].prepare);
		before = snapshot_of(".", "~");
		assert_int_equal(build("out", tree_b, NULL), TREE_REFUSED);
		assert_says(cases[i].named);
		after = snapshot_of(".", "~");
		assert_string_equal(before, after);
		free(before);
		free(after);
	}
}

/* ------------------------------------------- at each system call --------
 * A child makes tree b out of tree a, and is stopped where it enters each
 * system call, one run for each of them.
 */

/* Calls that change something; between others, nothing can be seen to happen.
 */
static bool changes_something(const struct __ptrace_syscall_info *info)
{
	switch (info->entry.nr) {
	case SYS_openat:
		return info->entry.args[2] & O_CREAT;
	case SYS_mkdirat:
	case SYS_linkat:
	case SYS_unlinkat:
	case SYS_renameat:
	case SYS_renameat2:
	case SYS_write:
	case SYS_fchmod:
	case SYS_syncfs:
		return true;
	default:
		return false;
	}
}

/* Go on to the @p count th call that changes something.
 * @return whether it is still alive */
static bool run_calls(pid_t child, unsigned count)
{
	struct __ptrace_syscall_info info;
	int status;

	while (count) {
		if (ptrace(PTRACE_SYSCALL, child, NULL, NULL) != 0 ||
		    waitpid(child, &status, 0) != child || !WIFSTOPPED(status))
			return false;
		if (ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof(info),
			   &info) > 0 &&
		    info.op == PTRACE_SYSCALL_INFO_ENTRY &&
		    changes_something(&info))
			count--;
	}
	return true;
}

static pid_t start_traced(const struct item *items)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		_exit((int)build("out", items, NULL));
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSTOPPED(status));
	/* Without it, the kernel does not tell calls from signals. */
	assert_int_equal(
		ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACESYSGOOD),
		0);
	return child;
}

static void kill_child(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static bool finish_child(pid_t child)
{
	int status;

	if (ptrace(PTRACE_DETACH, child, NULL, NULL) != 0)
		return false;
	waitpid(child, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool can_trace(void)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
			_exit(1);
		raise(SIGSTOP);
		_exit(0);
	}
	waitpid(child, &status, 0);
	if (!WIFSTOPPED(status))
		return false;
	kill_child(child);
	return true;
}

static void start_over(void)
{
	int here = files_open_dir(AT_FDCWD, "");

	assert_true(here >= 0);
	assert_int_equal(files_remove_all(here, NULL), 0);
	close(here);
	assert_int_equal(build("out", tree_a, NULL), TREE_OK);
	write_text("out/www/theirs", "theirs\n");
	assert_int_equal(mkdir("out/theirs.d", 0755), 0);
	write_text("out/theirs.d/x", "below\n");
}

static char *whole_a, *whole_b;

static int setup_trace(void **state)
{
	if (setup(state) != 0)
		return -1;
	start_over();
	whole_a = snapshot_of("out", "theirs");
	assert_int_equal(build("out", tree_b, NULL), TREE_OK);
	whole_b = snapshot_of("out", "theirs");
	return 0;
}

static int teardown_trace(void **state)
{
	free(whole_a);
	free(whole_b);
	return teardown(state);
}

static void assert_theirs(void)
{
	assert_holds("out/www/theirs", "theirs\n");
	assert_holds("out/theirs.d/x", "below\n");
}

static void assert_recovers(void)
{
	assert_int_equal(build("out", tree_b, NULL), TREE_OK);
	assert_snapshot("out", "theirs", whole_b);
	assert_theirs();
}

static void test_kill_anywhere(void **state)
{
	bool alive = true;
	unsigned calls, saw_a = 0, saw_b = 0;

	(void)state;
	if (!can_trace())
		skip();
	for (calls = 0; alive; calls++) {
		char *now;
		pid_t child;

		start_over();
		child = start_traced(tree_b);
		alive = run_calls(child, calls);
		if (alive)
			kill_child(child);
		now = snapshot_of("out", "theirs");
		saw_a += strcmp(now, whole_a) == 0;
		saw_b += strcmp(now, whole_b) == 0;
		if (strcmp(now, whole_a) != 0)
			assert_string_equal(now, whole_b);
		free(now);
		assert_theirs();
		assert_recovers();
		assert_no_work_left();
	}
	/* Really at each of them: there are about thirty before the exchange,
	 * and about twenty after it. */
	assert_true(saw_a > 20 && saw_b > 10);
}

/* The run that tidies up may be killed as well. */
static void test_kill_the_recovery(void **state)
{
	unsigned step = 1;

	(void)state;
	if (!can_trace())
		skip();
	for (unsigned first = 0;; first += step) {
		pid_t child;
		bool alive;

		start_over();
		child = start_traced(tree_b);
		if (!run_calls(child, first))
			break;
		kill_child(child);
		for (unsigned second = first % 5;; second += 5) {
			child = start_traced(tree_b);
			alive = run_calls(child, second);
			if (!alive)
				break;
			kill_child(child);
			assert_theirs();
		}
		assert_recovers();
		assert_no_work_left();
		step = 4;
	}
}

/* What somebody does in out/ while we are at it, and whether it is still so in
 * the end. Thousands of times: no shell is asked. */
struct meddling {
	void (*act)(void);
	void (*prove)(void);
	bool may_fail; /* it is in our way */
};

static void restore_theirs(void)
{
	write_text("out/www/theirs", "theirs\n");
}

static void add_file(void)
{
	write_text("out/www/late-theirs", "late\n");
}

static void file_is_there(void)
{
	assert_holds("out/www/late-theirs", "late\n");
}

static void add_directory(void)
{
	assert_int_equal(mkdir("out/new-theirs", 0755), 0);
	assert_int_equal(mkdir("out/new-theirs/d", 0755), 0);
	write_text("out/new-theirs/d/x", "late\n");
}

static void directory_is_there(void)
{
	assert_holds("out/new-theirs/d/x", "late\n");
}

static void replace_file(void)
{
	write_text("t", "newer\n");
	assert_int_equal(rename("t", "out/www/theirs"), 0);
}

static void newer_is_there(void)
{
	assert_holds("out/www/theirs", "newer\n");
	restore_theirs();
}

static void append(void)
{
	FILE *file = fopen("out/www/theirs", "ae");

	assert_non_null(file);
	fputs("appended\n", file);
	assert_int_equal(fclose(file), 0);
}

static void appended_is_there(void)
{
	assert_holds("out/www/theirs", "theirs\nappended\n");
	restore_theirs();
}

static void remove_file(void)
{
	assert_int_equal(unlink("out/www/theirs"), 0);
}

static void file_is_gone(void)
{
	assert_int_equal(access("out/www/theirs", F_OK), -1);
	restore_theirs();
}

static void move_file(void)
{
	assert_int_equal(rename("out/www/theirs", "out/www/moved-theirs"), 0);
}

static void file_has_moved(void)
{
	assert_int_equal(access("out/www/theirs", F_OK), -1);
	assert_holds("out/www/moved-theirs", "theirs\n");
	assert_int_equal(rename("out/www/moved-theirs", "out/www/theirs"), 0);
}

/* A path that tree b wants, but tree a does not have. */
static void take_a_path(void)
{
	if (mkdir("out/www/a/33", 0755) != 0)
		assert_int_equal(errno, EEXIST);
	if (access("out/www/a/33/linux", F_OK) == 0)
		return;
	write_text("out/www/a/33/linux", "mine\n");
	write_text("made", "");
}

/* Whoever is in the way stays, or is put aside. */
static void mine_is_somewhere(void)
{
	char *out = snapshot_of("out", "~");
	char *aside = snapshot_of(".out.ipxe-embed/found", "~");

	if (access("made", F_OK) == 0)
		assert_true(strstr(out, "mine\n") || strstr(aside, "mine\n"));
	free(out);
	free(aside);
}

static const struct meddling meddlings[] = {
	{ add_file, file_is_there, false },
	{ add_directory, directory_is_there, false },
	{ replace_file, newer_is_there, false },
	{ append, appended_is_there, false },
	{ remove_file, file_is_gone, false },
	{ move_file, file_has_moved, false },
	{ take_a_path, mine_is_somewhere, true },
};

static void meddle_once(const struct meddling *m, unsigned calls, bool *alive)
{
	bool finished;
	pid_t child;

	start_over();
	child = start_traced(tree_b);
	*alive = run_calls(child, calls);
	if (!*alive)
		return;
	m->act();
	finished = finish_child(child);
	if (!m->may_fail)
		assert_true(finished);
	m->prove();
	if (finished && !m->may_fail) {
		assert_snapshot("out", "theirs", whole_b);
		assert_theirs();
		assert_no_work_left();
	}
}

static void test_meddling(void **state)
{
	(void)state;
	if (!can_trace())
		skip();
	for (size_t i = 0; i < sizeof(meddlings) / sizeof(meddlings[0]); i++) {
		bool alive = true;

		for (unsigned calls = 0; alive; calls++)
			meddle_once(&meddlings[i], calls, &alive);
	}
}

/* Somebody adds a file, and a moment later the run is killed. */
static void test_meddling_and_kill(void **state)
{
	bool alive = true;

	(void)state;
	if (!can_trace())
		skip();
	for (unsigned calls = 0; alive; calls += 6) {
		bool still = true;

		for (unsigned more = 0; alive && still; more += 7) {
			pid_t child;

			start_over();
			child = start_traced(tree_b);
			alive = run_calls(child, calls);
			if (!alive)
				break;
			write_text("out/www/late-theirs", "late");
			still = run_calls(child, more);
			if (still)
				kill_child(child);
			assert_recovers();
			assert_holds("out/www/late-theirs", "late");
			assert_no_work_left();
		}
	}
}

/* --------------------------------------------------- machines that fail -- */

/* Run in a process of its own. @return its exit status */
static int in_child(int (*run)(void))
{
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(run());
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

enum { CANNOT = 77 };

/* A file system of the test's own at ./disk. */
static int mount_disk(const char *options)
{
	if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mkdir("disk", 0755) != 0 ||
	    mount("test", "disk", "tmpfs", 0, options) != 0)
		return CANNOT;
	return chdir("disk");
}

/* With less and less room, the build fails or not, but never by half. */
static int full_disk(void)
{
	unsigned failed = 0, good = 0;
	int result = mount_disk("size=512k,mode=755");

	if (result)
		return result;
	for (unsigned kib = 512; kib > 380; kib -= 4) {
		char *before, *after;
		enum tree_result built;

		command("rm -rf out filler");
		if (build("out", tree_a, NULL) != TREE_OK)
			return 1;
		command("dd if=/dev/zero of=filler bs=1k count=%u 2>/dev/null"
			" || true",
			kib);
		before = snapshot_of("out", "~");
		built = build("out", tree_b, NULL);
		after = snapshot_of("out", "~");
		if (access(".out.ipxe-embed", F_OK) == 0)
			return 2;
		if (built == TREE_OK)
			good++;
		else if (strcmp(before, after) != 0)
			return 3;
		else if (!strstr(sbuf_text(&why), strerror(ENOSPC)))
			return 4;
		else
			failed++;
		free(before);
		free(after);
	}
	return good && failed ? 0 : 5;
}

static int full_of_inodes(void)
{
	unsigned failed = 0, good = 0;
	int result = mount_disk("size=10m,nr_inodes=60,mode=755");

	if (result)
		return result;
	for (unsigned fillers = 5; fillers < 40; fillers++) {
		char *before, *after;
		enum tree_result built;

		command("rm -rf out filler*");
		if (build("out", tree_a, NULL) != TREE_OK)
			return 1;
		command("for i in $(seq %u); do : >filler$i || break; done "
			"2>/dev/null; true",
			fillers);
		before = snapshot_of("out", "~");
		built = build("out", tree_b, NULL);
		after = snapshot_of("out", "~");
		if (access(".out.ipxe-embed", F_OK) == 0)
			return 2;
		if (built == TREE_OK)
			good++;
		else if (strcmp(before, after) != 0)
			return 3;
		else
			failed++;
		free(before);
		free(after);
	}
	return good && failed ? 0 : 5;
}

static int mount_points(void)
{
	int result = mount_disk("size=1m,mode=755");

	if (result)
		return result;
	if (build("out", tree_a, NULL) != TREE_OK ||
	    mkdir("out/theirs", 0755) != 0)
		return 1;
	if (mount("out", "out", NULL, MS_BIND, NULL) != 0)
		return CANNOT;
	if (build("out", tree_b, NULL) != TREE_REFUSED ||
	    !strstr(sbuf_text(&why), "out: is a mount point"))
		return 2;
	if (umount("out") != 0 ||
	    mount("test", "out/theirs", "tmpfs", 0, NULL) != 0)
		return CANNOT;
	if (build("out", tree_b, NULL) != TREE_REFUSED ||
	    !strstr(sbuf_text(&why), "out/theirs: is a mount point"))
		return 3;
	if (umount("out/theirs") != 0)
		return CANNOT;
	return build("out", tree_b, NULL) == TREE_OK ? 0 : 4;
}

/* A file system that lacks RENAME_EXCHANGE, played by the kernel. */
static int no_exchange(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_renameat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {
		sizeof(filter) / sizeof(filter[0]),
		filter,
	};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		return CANNOT;
	if (build("out", tree_b, NULL) != TREE_REFUSED ||
	    !strstr(sbuf_text(&why), "cannot exchange two directories"))
		return 1;
	return access(".out.ipxe-embed", F_OK) == 0 ? 2 : 0;
}

static int become_nobody(void)
{
	return geteuid() == 0 && setresuid(65534, 65534, 65534) != 0 ? CANNOT
								     : 0;
}

static int no_permission(void)
{
	if (become_nobody() != 0)
		return CANNOT;
	if (build("closed/out", tree_a, NULL) != TREE_FAILED ||
	    !strstr(sbuf_text(&why), "must be writable"))
		return 1;
	if (build("open/out", tree_b, NULL) != TREE_FAILED ||
	    !strstr(sbuf_text(&why), "open/out: cannot be written"))
		return 2;
	return build("open/mine", tree_a, NULL) == TREE_OK ? 0 : 3;
}

/* Files of another user cannot always be linked: they move. */
static int files_of_others(void)
{
	if (become_nobody() != 0)
		return CANNOT;
	return build("open/mine", tree_b, NULL) == TREE_OK ? 0 : 1;
}

static void run_or_skip(int (*run)(void))
{
	int status = in_child(run);

	if (status == CANNOT)
		skip();
	assert_int_equal(status, 0);
}

static void test_full_disk(void **state)
{
	(void)state;
	run_or_skip(full_disk);
}

static void test_full_of_inodes(void **state)
{
	(void)state;
	run_or_skip(full_of_inodes);
}

static void test_mount_points(void **state)
{
	(void)state;
	run_or_skip(mount_points);
}

static void test_no_exchange(void **state)
{
	char *before;

	(void)state;
	assert_int_equal(build("out", tree_a, NULL), TREE_OK);
	before = snapshot_of("out", "~");
	run_or_skip(no_exchange);
	assert_snapshot("out", "~", before);
	free(before);
}

static void test_permissions(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	command("mkdir closed open && chmod 777 open");
	assert_int_equal(build("open/out", tree_a, NULL), TREE_OK);
	run_or_skip(no_permission);
	command("echo theirs >open/mine/www/theirs");
	run_or_skip(files_of_others);
	assert_holds("open/mine/www/theirs", "theirs\n");
	assert_holds("open/mine/boot.ipxe", "#!ipxe b");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
#define TRACE(name)                                               \
	cmocka_unit_test_setup_teardown(test_##name, setup_trace, \
					teardown_trace)
	const struct CMUnitTest tests[] = {
		TEST(new_tree),
		TEST(changed_tree),
		TEST(twins),
		TEST(repair),
		TEST(file_becomes_directory),
		TEST(keep),
		TEST(asset),
		TEST(bad_paths),
		TEST(scratch),
		TEST(refused_places),
		TEST(good_places),
		TEST(lock),
		TEST(foreign_stays),
		TEST(foreign_in_the_way),
		TRACE(kill_anywhere),
		TRACE(kill_the_recovery),
		TRACE(meddling),
		TRACE(meddling_and_kill),
		TEST(full_disk),
		TEST(full_of_inodes),
		TEST(mount_points),
		TEST(no_exchange),
		TEST(permissions),
	};

	return cmocka_run_group_tests_name("tree", tests, NULL, NULL);
}
