#include "check_kinds.h"

#include "levels.h"
#include "plan.h"

struct kinds {
	const struct site *site;
	struct diags *ds;
	const struct profile *profile; /* that is looked at */
	enum boot_kind kind;
	struct span at; /* what says that it is of this kind */
};

/* What is wrong stands where it is said, but what a profile has from another one
 * is the fault of its own program. */
static void report(struct kinds *k, enum diag_code code,
		   const struct profile *of, struct span at, const char *key)
{
	const char *word = boot_kind_word(k->kind);
	bool own = of == k->profile;
	bool has_n = k->kind == BOOT_EFI || k->kind == BOOT_ISO;
	struct diag *d = diag_at(
		k->ds, code, own ? at : k->at,
		code == DIAG_E435 ? "profile \"%s\" boots a %s and a%s %s"
				  : "profile \"%s\" has %s, which is not for "
				    "a%s %s",
		k->profile->name.ptr, key, has_n ? "n" : "", word);

	diag_note_at(k->ds, d, own ? k->at : at, "\"%s\" is here",
		     own ? word : key);
}

static bool takes_args(const struct kinds *k)
{
	return k->kind == BOOT_ISO ||
	       (k->kind == BOOT_EFI && !(k->site->verify & VERIFY_SECURE_BOOT));
}

static void check_settings(struct kinds *k, const struct profile *of,
			   const struct settings *set)
{
	const struct more_settings *more = settings_more(set);

	for (enum boot_kind kind = BOOT_KERNEL; kind <= BOOT_LAST; kind++) {
		const struct item_list *items = boot_items(set, kind);

		if (kind != k->kind && items->count)
			report(k, DIAG_E435, of, items->at[0].from.at,
			       boot_kind_word(kind));
	}
	if (more->initrd.count)
		report(k, DIAG_E436, of, more->initrd.at[0].from.at, "initrd");
	if (more->files.count)
		report(k, DIAG_E436, of, more->files.at[0].path.at, "files");
	if (more->args.count && !takes_args(k))
		report(k, DIAG_E436, of, more->args.at[0].at, "args");
}

static void check_all_of(struct kinds *k, const struct profile *of)
{
	const struct more_settings *more = settings_more(&of->set);

	check_settings(k, of, &of->set);
	for (size_t i = 0; i < more->phase_count; i++)
		check_settings(k, of, &more->phases[i].set);
}

/* Beside what it is for, so that who reads the one reads the other. */
static void check_san(struct kinds *k, const struct profile *says)
{
	struct diag *d;

	if (k->kind != BOOT_SAN || settings_more(&says->set)->unverified.on)
		return;
	d = diag_at(k->ds, DIAG_E438, k->at,
		    "profile \"%s\" boots from a drive, which nobody verifies",
		    says->name.ptr);
	diag_help(k->ds, d,
		  "if whoever can change the drive may have these machines, "
		  "write  unverified: true  beside it");
}

/* What would seem to say something. */
static void check_stray(struct kinds *k)
{
	const struct more_settings *more = settings_more(&k->profile->set);

	if (more->unverified.on)
		diag_at(k->ds, DIAG_E436, more->unverified.at,
			"profile \"%s\" has unverified, which is for a san "
			"alone: all else is verified",
			k->profile->name.ptr);
	if (more->initiator.tmpl)
		diag_at(k->ds, DIAG_E436, more->initiator.at,
			"profile \"%s\" has an initiator, which is for a san "
			"alone",
			k->profile->name.ptr);
}

static const struct profile *find_program(struct kinds *k)
{
	for (const struct profile *p = k->profile; p; p = p->base)
		for (k->kind = BOOT_EFI; k->kind <= BOOT_LAST; k->kind++) {
			const struct item_list *items =
				boot_items(&p->set, k->kind);

			if (!items->count)
				continue;
			k->at = items->at[0].from.at;
			return p;
		}
	return NULL;
}

static void check_profile(struct kinds *k)
{
	const struct profile *says = find_program(k);

	if (!says || k->kind != BOOT_SAN)
		check_stray(k);
	if (!says)
		return;
	check_all_of(k, k->profile);
	if (says == k->profile)
		check_san(k, says);
	if (says != k->profile) /* what it has from others is told of there */
		return;
	for (const struct profile *p = k->profile->base; p; p = p->base)
		check_all_of(k, p);
	if (!(k->site->verify & VERIFY_SECURE_BOOT))
		return;
	if (k->kind == BOOT_CHAIN)
		diag_at(k->ds, DIAG_E436, k->at,
			"verify: secure-boot lets the firmware verify, which "
			"takes no script");
	if (k->kind == BOOT_ISO)
		diag_at(k->ds, DIAG_E436, k->at,
			"verify: secure-boot is for UEFI, and an iso boots by "
			"BIOS alone");
}

void check_kinds(const struct site *site, struct diags *ds)
{
	for (size_t i = 0; i < site->profile_count; i++)
		check_profile(&(struct kinds){ .site = site,
					       .ds = ds,
					       .profile = &site->profiles[i] });
}
