#include "effective_parts.h"

#include "quote.h"
#include "value.h"

static bool find_drive(struct context *c, struct boot *boot)
{
	const struct level *level = NULL;
	const struct item *item = find_part(c, BOOT_SAN, &level);
	const char *wrong;

	if (!item || !render(c, &item->from, &boot->drive))
		return false;
	wrong = value_drive(boot->drive);
	if (wrong)
		bad_rendered(c, DIAG_E335, item->from.at, boot->drive, wrong);
	else
		trace_parts(c, boot, BOOT_SAN, item);
	return !wrong;
}

static bool find_initiator(struct context *c, struct boot *boot)
{
	const struct templated *said = NULL;
	const struct level *level = NULL;
	const char *wrong;

	for (size_t i = 0; i < c->levels->count; i++) {
		const struct more_settings *more =
			settings_more(c->levels->at[i].set);

		if (!more->initiator.tmpl)
			continue;
		said = &more->initiator;
		level = &c->levels->at[i];
	}
	if (!said)
		return true;
	if (!render(c, said, &boot->initiator))
		return false;
	wrong = value_iscsi_name(boot->initiator);
	if (wrong)
		bad_rendered(c, DIAG_E335, said->at, boot->initiator, wrong);
	else
		trace_add(&c->b->trace, boot, "initiator", TEXT(""), level,
			  said->at, boot->initiator);
	return !wrong;
}

static void trace_unverified(struct context *c, const struct boot *boot)
{
	for (size_t i = 0; i < c->levels->count; i++) {
		const struct level *level = &c->levels->at[i];
		const struct flag *flag =
			&settings_more(level->set)->unverified;

		if (!flag->on)
			continue;
		trace_replace(&c->b->trace, boot, "unverified", TEXT(""));
		trace_add(&c->b->trace, boot, "unverified", TEXT(""), level,
			  flag->at, TEXT("true"));
	}
}

bool boot_san(struct context *c, struct boot *boot)
{
	bool good = find_drive(c, boot);

	good = find_initiator(c, boot) && good;
	trace_unverified(c, boot);
	return good;
}
