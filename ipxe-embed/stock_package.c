#include "stock_package.h"

#include "arena.h"
#include "cleanup.h"
#include "copy.h"
#include "files.h"
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TIMEOUT_S 900
#define INSTALLED "/usr/lib/ipxe"
#define KEYRING   "/usr/share/keyrings/debian-archive-keyring.gpg"
/* Of what a program said, when it failed. */
#define SAID_BYTES 2000

/* ------------------------------------------------------------ programs -- */

static void keep_line(void *ctx, const char *line)
{
	struct sbuf *said = ctx;

	if (said->len < SAID_BYTES)
		sbuf_printf(said, "\n  %s", line);
}

/* With our environment: apt may need a proxy from it. */
static enum stock_status run_program(const char *const *argv,
				     const char *directory, struct sbuf *why)
{
	CLEANUP(sbuf) said = { 0 };
	struct run program = { .argv = argv,
			       .directory = directory,
			       .timeout_s = TIMEOUT_S,
			       .line = keep_line,
			       .ctx = &said };
	struct run_end end;
	int error = run(&program, &end);

	if (!error && run_end_is_good(&end))
		return STOCK_OK;
	sbuf_printf(why, "%s did not do it: ", argv[0]);
	if (error)
		sbuf_puts(why, strerror(-error));
	else
		run_end_say(&end, &program, why);
	sbuf_puts(why, sbuf_text(&said));
	return STOCK_FAILED;
}

static void drop_line_end(struct sbuf *text)
{
	while (text->len && text->ptr[text->len - 1] == '\n')
		text->ptr[--text->len] = '\0';
}

static enum stock_status fail_file(const char *path, int error,
				   struct sbuf *why)
{
	sbuf_printf(why, "%s: %s", path, strerror(-error));
	return STOCK_FAILED;
}

/* ----------------------------------------------------------- unpacking -- */

/* @return NULL if it is no package that dpkg knows */
static const char *deb_field(struct arena *arena, const char *deb,
			     const char *field)
{
	const char *const argv[] = { "dpkg-deb", "-f", deb, field, NULL };
	CLEANUP(sbuf) value = { 0 };

	if (run_capture(argv, &value))
		return NULL;
	drop_line_end(&value);
	return arena_printf(arena, "%s", sbuf_text(&value));
}

static enum stock_status unpack(struct arena *arena, const char *deb,
				const char *scratch,
				struct stock_package *ret_package,
				struct sbuf *why)
{
	const char *to = arena_printf(arena, "%s/unpacked", scratch);
	const char *const argv[] = { "dpkg-deb", "-x", deb, to, NULL };
	const char *name = deb_field(arena, deb, "Package");

	if (!name || strcmp(name, "ipxe") != 0) {
		sbuf_printf(why, "%s is not the package ipxe of Debian", deb);
		if (!run_has("dpkg-deb"))
			sbuf_puts(why, ", as far as can be told without "
				       "dpkg-deb (package dpkg)");
		return STOCK_INPUT;
	}
	ret_package->version = deb_field(arena, deb, "Version");
	ret_package->directory = arena_printf(arena, "%s/usr/lib/ipxe", to);
	if (run_program(argv, NULL, why) || !ret_package->version) {
		sbuf_printf(why, "\nThe package %s is damaged.", deb);
		return STOCK_INPUT;
	}
	return STOCK_OK;
}

static enum stock_status unpack_given(struct arena *arena, const char *package,
				      const char *scratch,
				      struct stock_package *ret_package,
				      struct sbuf *why)
{
	/* Absolute, so that no name is taken for an option. */
	char *real = realpath(package, NULL);
	const char *deb;

	if (!real) {
		sbuf_printf(why, "cannot read %s: %s", package,
			    strerror(errno));
		return STOCK_INPUT;
	}
	deb = arena_printf(arena, "%s", real);
	free(real);
	return unpack(arena, deb, scratch, ret_package, why);
}

/* ----------------------------------------------------------- installed -- */

static bool find_installed(struct arena *arena,
			   struct stock_package *ret_package)
{
	static const char *const argv[] = {
		"dpkg-query", "-W", "-f", "${db:Status-Status} ${Version}",
		"ipxe",       NULL
	};
	CLEANUP(sbuf) said = { 0 };
	const char *version;

	if (run_capture(argv, &said))
		return false;
	drop_line_end(&said);
	if (strncmp(sbuf_text(&said), "installed ", 10) != 0)
		return false;
	version = sbuf_text(&said) + 10;
	if (!stock_is_new_enough(version))
		return false;
	ret_package->version = arena_printf(arena, "%s", version);
	ret_package->directory = INSTALLED;
	return true;
}

/* ----------------------------------------------------------------- apt -- */

static const char *find_deb(struct arena *arena, const char *directory)
{
	const char *deb = NULL;
	glob_t names;

	if (glob(arena_printf(arena, "%s/*.deb", directory), 0, NULL, &names))
		return NULL;
	deb = arena_printf(arena, "%s", names.gl_pathv[0]);
	globfree(&names);
	return deb;
}

/*
 * Have apt fetch the package, which checks it against the signed lists.
 *
 * @param configuration	a file for apt, or NULL: the machine's
 * @param suite		NULL: that which apt prefers
 */
static enum stock_status download(struct arena *arena,
				  const char *configuration, const char *suite,
				  const char *scratch, const char **ret_deb,
				  struct sbuf *why)
{
	const char *to = arena_printf(arena, "%s/download", scratch);
	const char *what =
		suite ? arena_printf(arena, "ipxe/%s", suite) : "ipxe";
	const char *const own[] = { "apt-get",  "-q", "-c", configuration,
				    "download", what, NULL };
	const char *const machine[] = { "apt-get", "-q", "download", what,
					NULL };
	int error = copy_make_path(to);
	enum stock_status status;

	if (error)
		return fail_file(to, error, why);
	status = run_program(configuration ? own : machine, to, why);
	if (status)
		return status;
	*ret_deb = find_deb(arena, to);
	if (*ret_deb)
		return STOCK_OK;
	sbuf_printf(why, "apt-get download left no package in %s", to);
	return STOCK_FAILED;
}

/* ------------------------------------------------------- another suite -- */

bool stock_suite_is_plain(const char *suite)
{
	size_t len = strspn(suite, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return *suite && *suite != '-' && !suite[len];
}

/* Where the machine gets Debian from, by apt's own account. */
static const char *find_mirror(struct arena *arena, struct sbuf *why)
{
	static const char *const argv[] = { "apt-get",
					    "indextargets",
					    "--format",
					    "$(SITE)",
					    "Created-By: Packages",
					    "Label: Debian",
					    "Component: main",
					    NULL };
	CLEANUP(sbuf) said = { 0 };
	size_t len;

	if (!run_capture(argv, &said)) {
		len = strcspn(sbuf_text(&said), "\n");
		/* It goes into a line of words. */
		if (len && len == strcspn(sbuf_text(&said), " \t[]#\n"))
			return arena_printf(arena, "%.*s", (int)len,
					    sbuf_text(&said));
	}
	sbuf_puts(why, "apt knows no mirror of Debian (apt-get indextargets): "
		       "run apt-get update, or fetch the package ipxe yourself "
		       "and name it with --package");
	return NULL;
}

/* Everything of the machine's that it would read or write is replaced. */
static const char configuration_text[] =
	"Dir::State \"%s\";\n"
	"Dir::State::status \"/dev/null\";\n"
	"Dir::Cache \"%s\";\n"
	"Dir::Etc::sourcelist \"%s/sources.list\";\n"
	"Dir::Etc::sourceparts \"/dev/null\";\n"
	"Dir::Etc::preferences \"/dev/null\";\n"
	"Dir::Etc::preferencesparts \"/dev/null\";\n"
	"Acquire::Languages \"none\";\n"
	"#clear APT::Default-Release;\n"
	/* Hooks, such as those that empty the machine's cache of packages */
	"#clear APT::Update::Pre-Invoke;\n"
	"#clear APT::Update::Post-Invoke;\n"
	"#clear APT::Update::Post-Invoke-Success;\n";

/* 0600, for the mirror's address may hold a password. */
static int write_private(int dir, const char *name, const char *text)
{
	int result = files_write(dir, name, "", 0);

	if (!result && fchmodat(dir, name, 0600, 0))
		result = -errno;
	if (!result) {
		int fd = openat(dir, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
		size_t len = strlen(text);

		if (fd < 0)
			return -errno;
		if (write(fd, text, len) != (ssize_t)len)
			result = -EIO;
		if (close(fd) && !result)
			result = -errno;
	}
	return result;
}

/* @return path of a configuration file for apt, or NULL */
static const char *configure(struct arena *arena, const char *mirror,
			     const char *suite, const char *scratch,
			     struct sbuf *why)
{
	const char *at = arena_printf(arena, "%s/apt", scratch);
	const char *sources =
		arena_printf(arena, "deb [signed-by=" KEYRING "] %s %s main\n",
			     mirror, suite);
	CLEANUP(sbuf) text = { 0 };
	int error, dir = -1;

	/* apt's quoting has no escapes. */
	if (strpbrk(at, "\"\\\n;")) {
		sbuf_printf(why,
			    "%s cannot be used: set TMPDIR to a directory "
			    "with a plain name",
			    at);
		return NULL;
	}
	sbuf_printf(&text, configuration_text, at, at, at);
	error = copy_make_path(arena_printf(arena, "%s/lists/partial", at));
	if (!error)
		error = copy_make_path(
			arena_printf(arena, "%s/archives/partial", at));
	if (!error)
		dir = open(at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!error && dir < 0)
		error = -errno;
	if (!error)
		error = write_private(dir, "sources.list", sources);
	if (!error)
		error = write_private(dir, "apt.conf", sbuf_text(&text));
	if (dir >= 0)
		close(dir);
	if (!error)
		return arena_printf(arena, "%s/apt.conf", at);
	fail_file(at, error, why);
	return NULL;
}

static enum stock_status
download_elsewhere(struct arena *arena, const char *suite, const char *scratch,
		   const char **ret_deb, struct sbuf *why)
{
	const char *mirror = find_mirror(arena, why);
	const char *configuration =
		mirror ? configure(arena, mirror, suite, scratch, why) : NULL;
	const char *const update[] = { "apt-get", "-q",
				       "-c",      configuration,
				       "-o",      "APT::Update::Error-Mode=any",
				       "update",  NULL };

	if (!configuration || run_program(update, NULL, why))
		return STOCK_FAILED;
	return download(arena, configuration, suite, scratch, ret_deb, why);
}

/* --------------------------------------------------------------- order -- */

static enum stock_status fetch(struct arena *arena,
			       const struct stock_wish *wish,
			       const char *scratch, const char **ret_deb,
			       struct sbuf *why)
{
	CLEANUP(sbuf) not_configured = { 0 };

	if (!run_has("apt-get")) {
		sbuf_puts(why, "There is no apt-get here: fetch the package "
			       "ipxe of Debian 13 or later, and name it with "
			       "--package");
		return STOCK_FAILED;
	}
	if (!wish->suite)
		return download(arena, NULL, NULL, scratch, ret_deb, why);
	if (download(arena, NULL, wish->suite, scratch, ret_deb,
		     &not_configured) == STOCK_OK)
		return STOCK_OK;
	return download_elsewhere(arena, wish->suite, scratch, ret_deb, why);
}

enum stock_status stock_package_get(struct arena *arena,
				    const struct stock_wish *wish,
				    const char *scratch,
				    struct stock_package *ret_package,
				    struct sbuf *why)
{
	enum stock_status status;
	const char *deb = NULL;

	if (wish->package)
		return unpack_given(arena, wish->package, scratch, ret_package,
				    why);
	if (!wish->suite && find_installed(arena, ret_package))
		return STOCK_OK;
	status = fetch(arena, wish, scratch, &deb, why);
	return status ? status : unpack(arena, deb, scratch, ret_package, why);
}
