#include "simulate_parts.h"

#include "arena.h"
#include "cleanup.h"

#include <stdarg.h>
#include <stdlib.h>

/* ----------------------------------------------------------- options -- */

enum option_kind {
	OPT_END,
	OPT_FLAG,
	OPT_TEXT,
	OPT_NUMBER, /* 32 bits */
	OPT_KEY,    /* a character or a number */
	OPT_SETTING,
};

struct option {
	enum option_kind kind;
	const char *name;
	char letter;
};

struct given {
	bool is;
	char letter;
	struct text text;
	uint32_t number;
	struct sim_ref ref;
};

enum { OPTIONS_MAX = 8 };

/* Options that are there, and what follows them. */
struct call {
	struct given at[OPTIONS_MAX + 1]; /* the last one stands for none */
	size_t given_count;
	struct text *operands;
	size_t count;
};

static struct given *given(struct call *call, char letter)
{
	for (size_t i = 0; i < call->given_count; i++)
		if (call->at[i].letter == letter)
			return &call->at[i];
	return &call->at[OPTIONS_MAX];
}

static int parse_number(struct text text, uint32_t *ret)
{
	size_t used;
	uint64_t value = sim_strtoul(text, 0, &used);

	if (used < text.len || !text.len)
		return SIM_EINVAL;
	*ret = (uint32_t)value;
	return 0;
}

static int store_option(struct sim *sim, struct call *call,
			const struct option *option, struct text argument)
{
	struct given *value = given(call, option->letter);

	if (!value->is)
		value = &call->at[call->given_count++];
	*value = (struct given){ .is = true,
				 .letter = option->letter,
				 .text = argument };
	if (option->kind == OPT_SETTING)
		return sim_ref_parse(sim, argument, true, &value->ref);
	if (option->kind == OPT_KEY && argument.len == 1) {
		value->number = (unsigned char)*argument.ptr;
		return 0;
	}
	if (option->kind == OPT_KEY || option->kind == OPT_NUMBER)
		return parse_number(argument, &value->number);
	return 0;
}

/* Where getopt_long() of iPXE is. */
struct getopt {
	struct sim_words words;
	size_t index, letter;
};

static bool take_argument(struct getopt *getopt, struct text *argument)
{
	if (argument->ptr)
		return true;
	if (getopt->index >= getopt->words.count ||
	    *getopt->words.at[getopt->index].ptr == '-')
		return false;
	*argument = getopt->words.at[getopt->index++];
	return true;
}

static const struct option help_option = { OPT_FLAG, "help", 'h' };

/* @param matches	of the option and what is written, up to its argument */
static const struct option *find_option(const struct option *options,
					struct text word, bool is_long,
					struct text *ret_argument)
{
	for (const struct option *o = options;; o++) {
		const struct option *option = o->kind ? o : &help_option;
		size_t len = strlen(option->name);

		*ret_argument = (struct text){ NULL, 0 };
		if (!is_long && *word.ptr == option->letter)
			return option;
		if (is_long && word.len >= len &&
		    memcmp(word.ptr, option->name, len) == 0 &&
		    (word.len == len || word.ptr[len] == '=')) {
			if (word.len > len)
				*ret_argument =
					(struct text){ word.ptr + len + 1,
						       word.len - len - 1 };
			return option;
		}
		if (!o->kind)
			return NULL;
	}
}

static int parse_long(struct getopt *getopt, const struct option *options,
		      const struct option **ret_option, struct text *argument)
{
	struct text word = getopt->words.at[getopt->index];
	const struct option *option;

	word.ptr += 2;
	word.len -= 2;
	option = find_option(options, word, true, argument);
	if (!option)
		return SIM_EINVAL;
	*ret_option = option;
	getopt->index++;
	if (option->kind == OPT_FLAG)
		return argument->ptr ? SIM_EINVAL : 0;
	return take_argument(getopt, argument) ? 0 : SIM_EINVAL;
}

static int parse_letter(struct getopt *getopt, const struct option *options,
			const struct option **ret_option, struct text *argument)
{
	struct text word = getopt->words.at[getopt->index];
	const struct option *option;

	if (!getopt->letter)
		getopt->letter = 1;
	word.ptr += getopt->letter;
	word.len -= getopt->letter;
	if (!word.len)
		return SIM_EINVAL;
	option = find_option(options, word, false, argument);
	if (!option)
		return SIM_EINVAL;
	*ret_option = option;
	getopt->letter++;
	if (word.len > 1 && option->kind == OPT_FLAG)
		return 0;
	if (word.len > 1)
		*argument = (struct text){ word.ptr + 1, word.len - 1 };
	getopt->index++;
	getopt->letter = 0;
	if (option->kind == OPT_FLAG)
		return 0;
	return take_argument(getopt, argument) ? 0 : SIM_EINVAL;
}

struct command {
	const char *name;
	const struct option *options;
	size_t min, max; /* operands */
	unsigned long (*run)(struct sim *sim, struct call *call);
};

static int parse_options(struct sim *sim, const struct command *command,
			 struct sim_words words, struct call *call)
{
	struct getopt getopt = { .words = words, .index = 1 };

	while (getopt.index < words.count &&
	       *words.at[getopt.index].ptr == '-') {
		const struct option *option = NULL;
		struct text word = words.at[getopt.index], argument;
		bool is_long = word.len > 1 && word.ptr[1] == '-';
		int error;

		if (is_long && word.len == 2) {
			getopt.index++;
			break;
		}
		error = is_long ? parse_long(&getopt, command->options, &option,
					     &argument)
				: parse_letter(&getopt, command->options,
					       &option, &argument);
		if (!error && option == &help_option)
			error = SIM_ECANCELED;
		if (!error)
			error = store_option(sim, call, option, argument);
		if (error)
			return error;
	}
	call->operands = words.at + getopt.index;
	call->count = words.count - getopt.index;
	if (call->count < command->min || call->count > command->max)
		return SIM_ERANGE;
	return 0;
}

/* Words from @p first on, with single spaces between; in sim->shown. */
static struct text joined(struct sim *sim, const struct call *call,
			  size_t first)
{
	sbuf_reset(&sim->shown);
	for (size_t i = first; i < call->count; i++) {
		if (i > first)
			sbuf_putc(&sim->shown, ' ');
		sbuf_add(&sim->shown, call->operands[i].ptr,
			 call->operands[i].len);
	}
	return (struct text){ sbuf_text(&sim->shown), sim->shown.len };
}

static void assign(struct sbuf *buffer, struct text value,
		   struct text *ret_text)
{
	sbuf_reset(buffer);
	sbuf_add(buffer, value.ptr, value.len);
	*ret_text = (struct text){ sbuf_text(buffer), buffer->len };
}

static void emit_text(struct sim *sim, enum sim_event_kind kind,
		      struct text text, bool good)
{
	sim_emit(sim, &(struct sim_event){
			      .kind = kind, .text = text, .good = good });
}

static void emit_image(struct sim *sim, enum sim_event_kind kind,
		       const struct sim_image *image, struct text text,
		       bool good)
{
	sim_emit(sim, &(struct sim_event){ .kind = kind,
					   .image = image,
					   .text = text,
					   .good = good });
}

/* --------------------------------------------------- plain commands -- */

static unsigned long run_echo(struct sim *sim, struct call *call)
{
	sim_emit(sim, &(struct sim_event){ .kind = SIM_ECHO,
					   .text = joined(sim, call, 0),
					   .good = !given(call, 'n')->is });
	return 0;
}

static unsigned long run_exit(struct sim *sim, struct call *call)
{
	uint32_t status = 0;

	if (call->count && parse_number(call->operands[0], &status))
		return sim_status_of(SIM_EINVAL);
	sim->stop = STOP_SEQUENCE;
	return status;
}

static unsigned long run_isset(struct sim *sim, struct call *call)
{
	(void)sim;
	return call->operands[0].len ? 0 : sim_status_of(SIM_ENOENT);
}

static bool is_digest_of(struct text hex, const struct sim_image *image)
{
	char expected[2 * sizeof(image->content->sha256) + 1];

	if (!image->measured || hex.len != sizeof(expected) - 1)
		return false;
	for (size_t i = 0; i < sizeof(image->content->sha256); i++) {
		static const char digits[] = "0123456789abcdef";

		expected[2 * i] = digits[image->content->sha256[i] >> 4];
		expected[2 * i + 1] = digits[image->content->sha256[i] & 15];
	}
	return memcmp(hex.ptr, expected, hex.len) == 0;
}

static unsigned long run_iseq(struct sim *sim, struct call *call)
{
	if (!text_equal(call->operands[0], call->operands[1]))
		return sim_status_of(SIM_ERANGE);
	for (size_t i = 0; i < sim->registered_count; i++) {
		struct sim_image *image = sim->registered[i];

		if (!is_digest_of(call->operands[0], image))
			continue;
		image->verified |= SIM_BY_DIGEST;
		emit_image(sim, SIM_DIGEST, image, TEXT(""), true);
	}
	return 0;
}

static unsigned long run_sleep(struct sim *sim, struct call *call)
{
	uint32_t seconds;

	if (parse_number(call->operands[0], &seconds))
		return sim_status_of(SIM_EINVAL);
	sim_emit(sim,
		 &(struct sim_event){ .kind = SIM_SLEEP, .number = seconds });
	sim_pause(sim);
	return 0;
}

static unsigned long run_goto(struct sim *sim, struct call *call)
{
	int error = sim_goto(sim, call->operands[0]);

	return error ? sim_status_of(error) : 0;
}

static unsigned long run_prompt(struct sim *sim, struct call *call)
{
	struct text text = joined(sim, call, 0);
	uint32_t wanted = given(call, 'k')->number;
	int key = sim->world->press ? sim->world->press(sim->world->ctx, text)
				    : 0;

	emit_text(sim, SIM_ASK, text, key);
	if (!key && !given(call, 't')->number) {
		sim_finish(sim, SIM_WAITS);
		return 0;
	}
	if (!key)
		return sim_status_of(SIM_ETIMEDOUT);
	if (wanted && (uint32_t)key != wanted)
		return sim_status_of(SIM_ECANCELED);
	return 0;
}

static unsigned long run_shell(struct sim *sim, struct call *call)
{
	(void)call;
	sim_emit(sim, &(struct sim_event){ .kind = SIM_SHELL });
	return 0;
}

static unsigned long run_reboot(struct sim *sim, struct call *call)
{
	(void)call;
	sim_finish(sim, SIM_REBOOTED);
	return 0;
}

static unsigned long run_poweroff(struct sim *sim, struct call *call)
{
	(void)call;
	sim_finish(sim, SIM_POWERED_OFF);
	return 0;
}

/* On a drive of this machine; a SAN would need a model of what it serves. */
static unsigned long run_sanboot(struct sim *sim, struct call *call)
{
	const char *platform = sim->world->platform;
	bool efi = platform && strcmp(platform, "efi") == 0;
	uint32_t drive = given(call, 'd')->is ? given(call, 'd')->number
			 : efi                ? 0
					      : 0x80;
	bool good = sim->world->disk && drive == (efi ? 0 : 0x80);

	if (call->count) {
		sim_unmodelled(sim, "sanboot of a URL");
		return sim_status_of(SIM_ENOTSUP);
	}
	emit_text(sim, SIM_DISK, given(call, 'f')->text, good);
	if (!good)
		return sim_status_of(SIM_ENODEV);
	sim_finish(sim, SIM_DISK_BOOTED);
	return 0;
}

/* ----------------------------------------------------------- settings -- */

static unsigned long store(struct sim *sim, struct text name, struct text value)
{
	struct sim_ref ref;
	int error = sim_ref_parse(sim, name, true, &ref);

	if (!error)
		error = sim_store_text(sim, &ref, value);
	return error ? sim_status_of(error) : 0;
}

static unsigned long run_set(struct sim *sim, struct call *call)
{
	return store(sim, call->operands[0], joined(sim, call, 1));
}

static unsigned long run_clear(struct sim *sim, struct call *call)
{
	return store(sim, call->operands[0], TEXT(""));
}

static unsigned long run_show(struct sim *sim, struct call *call)
{
	enum sim_type type;
	struct sim_ref ref;
	int error = sim_ref_parse(sim, call->operands[0], false, &ref);

	if (!error && !sim_fetch(sim, &ref, &sim->value, &type))
		error = SIM_ENOENT;
	return error ? sim_status_of(error) : 0;
}

static int increment(struct sim *sim, struct sim_ref *ref, uint32_t step)
{
	enum sim_type type;
	uint64_t value = 0;
	unsigned char raw[4];
	size_t width;

	if (sim_fetch(sim, ref, &sim->value, &type)) {
		ref->type = type;
		if (!sim_type_width(type))
			return SIM_ENOTSUP;
		if (sim_number(type, &sim->value, &value))
			value = 0;
	}
	if (!ref->type)
		ref->type = TYPE_INT32;
	width = sim_type_width(ref->type);
	if (!width)
		return SIM_ENOTSUP;
	value += step;
	for (size_t i = 0; i < width; i++)
		raw[i] = (unsigned char)(value >> (8 * (width - 1 - i)));
	return sim_store(sim, ref, raw, width);
}

static unsigned long run_inc(struct sim *sim, struct call *call)
{
	struct sim_ref ref;
	uint32_t step = 1;
	int error = sim_ref_parse(sim, call->operands[0], false, &ref);

	if (!error && call->count > 1)
		error = parse_number(call->operands[1], &step);
	if (!error)
		error = increment(sim, &ref, step);
	return error ? sim_status_of(error) : 0;
}

/* ------------------------------------------------------------ network -- */

struct sim_nic *sim_nic_add(struct sim *sim, const struct sim_card *card,
			    const unsigned char *mac, const char *format, ...)
{
	struct sim_nic *nic = sim_pool_take(&sim->nics, sizeof(*nic));
	va_list args;

	sbuf_reset(&nic->name);
	va_start(args, format);
	sbuf_vprintf(&nic->name, format, args);
	va_end(args);
	nic->card = card;
	nic->opened = 0;
	memcpy(nic->mac, mac, sizeof(nic->mac));
	memcpy(nic->hardware_mac, mac, sizeof(nic->mac));
	nic->block = sim_block_add(
		sim, sim->root, (struct text){ nic->name.ptr, nic->name.len },
		BLOCK_CARD);
	nic->block->nic = nic;
	return nic;
}

static struct sim_nic *find_nic(struct sim *sim, struct text name)
{
	struct sim_nic *latest = NULL;

	for (size_t i = 0; i < sim->nics.live; i++) {
		struct sim_nic *nic = sim->nics.at[i];

		if (text_equal(name,
			       (struct text){ nic->name.ptr, nic->name.len }))
			return nic;
		if (nic->opened && (!latest || nic->opened > latest->opened))
			latest = nic;
	}
	return text_is(name, "netX") ? latest : NULL;
}

static int nic_open(struct sim *sim, struct sim_nic *nic)
{
	if (!nic->opened)
		nic->opened = ++sim->opened;
	return 0;
}

static int nic_close(struct sim *sim, struct sim_nic *nic)
{
	(void)sim;
	nic->opened = 0;
	return 0;
}

static int nic_link(struct sim *sim, struct sim_nic *nic)
{
	nic_open(sim, nic);
	if (nic->card->link)
		return 0;
	nic_close(sim, nic);
	return SIM_ETIMEDOUT;
}

static int nic_configure(struct sim *sim, struct sim_nic *nic)
{
	int error = nic_link(sim, nic);

	if (error)
		return error;
	if (!nic->card->dhcp) {
		nic_close(sim, nic);
		return SIM_EADDRNOTAVAIL;
	}
	sim_settings_lease(sim, nic);
	return 0;
}

/* Each card that is named, or all of them; the last status counts. */
static unsigned long each_nic(struct sim *sim, const struct call *call,
			      int (*action)(struct sim *sim,
					    struct sim_nic *nic),
			      const char *what, bool until_success)
{
	int error = call->count ? 0 : SIM_ENODEV;
	size_t count = call->count ? call->count : sim->nics.live;

	for (size_t i = 0; i < count; i++) {
		struct sim_nic *nic = call->count
					      ? find_nic(sim, call->operands[i])
					      : sim->nics.at[i];

		if (!nic) {
			error = SIM_ENODEV;
			continue;
		}
		error = action(sim, nic);
		sim_emit(sim, &(struct sim_event){
				      .kind = SIM_NETWORK,
				      .text = text_of(what),
				      .more = { nic->name.ptr, nic->name.len },
				      .good = !error });
		if (!error && until_success)
			return 0;
	}
	return error ? sim_status_of(error) : 0;
}

static unsigned long run_ifopen(struct sim *sim, struct call *call)
{
	return each_nic(sim, call, nic_open, "ifopen", false);
}

static unsigned long run_ifclose(struct sim *sim, struct call *call)
{
	return each_nic(sim, call, nic_close, "ifclose", false);
}

static int nic_nothing(struct sim *sim, struct sim_nic *nic)
{
	(void)sim, (void)nic;
	return 0;
}

static unsigned long run_ifstat(struct sim *sim, struct call *call)
{
	return each_nic(sim, call, nic_nothing, "ifstat", false);
}

static unsigned long run_iflinkwait(struct sim *sim, struct call *call)
{
	return each_nic(sim, call, nic_link, "iflinkwait", true);
}

static unsigned long run_ifconf(struct sim *sim, struct call *call)
{
	if (given(call, 'c')->is && !text_is(given(call, 'c')->text, "dhcp"))
		sim_unmodelled(sim, "configurator %.*s",
			       (int)given(call, 'c')->text.len,
			       given(call, 'c')->text.ptr);
	return each_nic(sim, call, nic_configure, "dhcp", true);
}

enum { VLAN_TAGS = 0xfff, VLAN_PRIORITIES = 8 };

static unsigned long run_vcreate(struct sim *sim, struct call *call)
{
	struct sim_nic *trunk = find_nic(sim, call->operands[0]);
	uint32_t tag = given(call, 't')->number;
	CLEANUP(sbuf) name = { 0 };

	if (!trunk)
		return sim_status_of(SIM_ENODEV);
	sbuf_printf(&name, "%s-%d", trunk->name.ptr, (int)tag);
	if (find_nic(sim, (struct text){ name.ptr, name.len }))
		return 0;
	if (memchr(trunk->name.ptr, '-', trunk->name.len))
		return sim_status_of(SIM_ENOTTY);
	if (tag >= VLAN_TAGS || given(call, 'p')->number >= VLAN_PRIORITIES)
		return sim_status_of(SIM_EINVAL);
	sim_nic_add(sim, trunk->card, trunk->mac, "%s", name.ptr);
	return 0;
}

static unsigned long run_vdestroy(struct sim *sim, struct call *call)
{
	struct sim_nic *nic = find_nic(sim, call->operands[0]);
	void **at = sim->nics.at;
	size_t i = 0;

	if (!nic)
		return sim_status_of(SIM_ENODEV);
	if (!memchr(nic->name.ptr, '-', nic->name.len))
		return sim_status_of(SIM_ENOTTY);
	while (at[i] != nic)
		i++;
	memmove(at + i, at + i + 1, (sim->nics.live - i - 1) * sizeof(*at));
	at[--sim->nics.live] = nic;
	nic->block->parent = NULL;
	return 0;
}

/* A card that is open, has a link and an address. */
static bool is_online(struct sim *sim)
{
	struct sim_ref ip;
	enum sim_type type;

	if (sim_ref_parse(sim, TEXT("ip"), false, &ip))
		return false;
	for (size_t i = 0; i < sim->nics.live; i++) {
		struct sim_nic *nic = sim->nics.at[i];

		ip.block = nic->block;
		if (nic->opened && nic->card->link &&
		    sim_fetch(sim, &ip, &sim->value, &type))
			return true;
	}
	return false;
}

/* The world may fail it, as "ntp://HOST". */
static unsigned long run_ntp(struct sim *sim, struct call *call)
{
	CLEANUP(sbuf) url = { 0 };
	bool good;

	sbuf_puts(&url, "ntp://");
	sbuf_add(&url, call->operands[0].ptr, call->operands[0].len);
	good = is_online(sim) && sim->world->fetch &&
	       sim->world->fetch(sim->world->ctx,
				 (struct text){ url.ptr, url.len });
	sim_emit(sim, &(struct sim_event){ .kind = SIM_NETWORK,
					   .text = TEXT("ntp"),
					   .more = call->operands[0],
					   .good = good });
	return good ? 0 : sim_status_of(SIM_ETIMEDOUT);
}

/* ------------------------------------------------------------- images -- */

static struct sim_image_made *made(struct sim_image *image)
{
	return (struct sim_image_made *)image;
}

static void set_name(struct sim_image *image, struct text name)
{
	assign(&made(image)->name, name, &image->name);
}

/* More than any machine that is well will ever hold. */
enum { IMAGES_MAX = 1000 };

static void register_image(struct sim *sim, struct sim_image *image)
{
	if (sim->registered_count == IMAGES_MAX)
		sim_finish(sim, SIM_HANGS);
	if (sim->registered_count == sim->registered_room) {
		sim->registered_room =
			sim->registered_room ? 2 * sim->registered_room : 16;
		sim->registered =
			xrealloc(sim->registered,
				 size_product(sim->registered_room,
					      sizeof(struct sim_image *)));
	}
	sim->registered[sim->registered_count++] = image;
	image->registered = true;
}

static void unregister_image(struct sim *sim, struct sim_image *image)
{
	size_t i = 0;

	if (!image->registered)
		return;
	while (sim->registered[i] != image)
		i++;
	memmove(sim->registered + i, sim->registered + i + 1,
		(sim->registered_count - i - 1) * sizeof(struct sim_image *));
	sim->registered_count--;
	image->registered = false;
}

struct sim_image *sim_image_add(struct sim *sim, struct text name,
				struct text url,
				const struct sim_content *content)
{
	struct sim_image_made *new = sim_pool_take(&sim->images, sizeof(*new));
	struct sim_image *image = &new->image;

	*image = (struct sim_image){ .content = content };
	set_name(image, name);
	assign(&new->url, url, &image->url);
	assign(&new->arguments, TEXT(""), &image->arguments);
	register_image(sim, image);
	return image;
}

static struct sim_image *find_image(struct sim *sim, struct text name)
{
	for (size_t i = 0; i < sim->registered_count; i++)
		if (text_equal(sim->registered[i]->name, name))
			return sim->registered[i];
	return NULL;
}

static bool has_scheme(struct text url)
{
	for (size_t i = 0; i < url.len && url.ptr[i] != '/'; i++)
		if (url.ptr[i] == ':')
			return true;
	return false;
}

/* Where the path of an absolute URL begins; its end when it has none. */
static size_t path_begin(struct text url)
{
	const char *slashes = memmem(url.ptr, url.len, "://", 3);
	const char *from = slashes ? slashes + 3 : url.ptr, *slash;

	slash = memchr(from, '/', (size_t)(url.ptr + url.len - from));
	return slash ? (size_t)(slash - url.ptr) : url.len;
}

static size_t path_end(struct text url)
{
	for (size_t i = path_begin(url); i < url.len; i++)
		if (url.ptr[i] == '?' || url.ptr[i] == '#')
			return i;
	return url.len;
}

/* Against the URL of the script that runs. */
static bool resolve_url(struct sim *sim, struct text url, struct sbuf *out)
{
	struct text base = { sbuf_text(&sim->directory), sim->directory.len };
	size_t end;

	sbuf_reset(out);
	if (has_scheme(url)) {
		sbuf_add(out, url.ptr, url.len);
		return true;
	}
	if (!base.len)
		return false;
	end = path_begin(base);
	if (!url.len || *url.ptr != '/') {
		if (memmem(url.ptr, url.len, "..", 2))
			sim_unmodelled(sim, "relative URL %.*s", (int)url.len,
				       url.ptr);
		for (size_t i = end; i < path_end(base); i++)
			if (base.ptr[i] == '/')
				end = i + 1;
	}
	sbuf_add(out, base.ptr, end);
	sbuf_add(out, url.ptr, url.len);
	return true;
}

/* The last part of the path; "img0", … where there is no path. */
static void name_by_url(struct sim *sim, struct text url, struct sbuf *out)
{
	size_t begin = path_begin(url), end = path_end(url);

	sbuf_reset(out);
	if (begin == url.len) {
		sbuf_printf(out, "img%u", sim->unnamed++);
		return;
	}
	for (size_t i = begin; i < end; i++)
		if (url.ptr[i] == '/')
			begin = i + 1;
	(void)sim_parse(sim, TYPE_URISTRING,
			(struct text){ url.ptr + begin, end - begin }, out);
}

static int download(struct sim *sim, struct text given_url,
		    struct sim_image **ret_image)
{
	CLEANUP(sbuf) resolved = { 0 };
	CLEANUP(sbuf) name = { 0 };
	const struct sim_content *content = NULL;
	struct text url;

	if (!resolve_url(sim, given_url, &resolved))
		return SIM_ENOTSUP;
	url = (struct text){ sbuf_text(&resolved), resolved.len };
	if (is_online(sim) && sim->world->fetch)
		content = sim->world->fetch(sim->world->ctx, url);
	if (!content || content->kind == SIM_NOT_FOUND) {
		emit_image(sim, SIM_FETCH, NULL, url, false);
		return content ? SIM_EHTTP_NOT_FOUND : SIM_EIO;
	}
	name_by_url(sim, url, &name);
	*ret_image = sim_image_add(
		sim, (struct text){ sbuf_text(&name), name.len }, url, content);
	emit_image(sim, SIM_FETCH, *ret_image, url, true);
	return 0;
}

static int acquire(struct sim *sim, struct text name,
		   struct sim_image **ret_image)
{
	*ret_image = find_image(sim, name);
	return *ret_image ? 0 : download(sim, name, ret_image);
}

static int selected_image(struct sim *sim, struct sim_image **ret_image)
{
	*ret_image = NULL;
	for (size_t i = 0; i < sim->registered_count; i++)
		if (sim->registered[i]->selected)
			*ret_image = sim->registered[i];
	return 0;
}

static bool is_executable(const struct sim_image *image)
{
	return image->content && (image->content->kind == SIM_KERNEL ||
				  image->content->kind == SIM_SCRIPT);
}

/* What all commands on one image have in common, in the order of iPXE. */
static int take_image(struct sim *sim, struct call *call, bool download_always,
		      bool clear_arguments, struct sim_image **ret_image)
{
	int error = !call->count ? selected_image(sim, ret_image)
		    : download_always
			    ? download(sim, call->operands[0], ret_image)
			    : acquire(sim, call->operands[0], ret_image);
	struct sim_image *image = *ret_image;

	if (error || !image)
		return error;
	if (clear_arguments || call->count > 1)
		assign(&made(image)->arguments, joined(sim, call, 1),
		       &image->arguments);
	if (given(call, 'n')->is)
		set_name(image, given(call, 'n')->text);
	if (given(call, 'a')->is)
		image->autofree = true;
	return 0;
}

static unsigned long run_imgfetch(struct sim *sim, struct call *call)
{
	struct sim_image *image;
	int error = take_image(sim, call, true, false, &image);

	return error ? sim_status_of(error) : 0;
}

static unsigned long run_imgargs(struct sim *sim, struct call *call)
{
	struct sim_image *image;
	int error = take_image(sim, call, false, true, &image);

	return error ? sim_status_of(error) : 0;
}

static unsigned long run_imgselect(struct sim *sim, struct call *call)
{
	struct sim_image *image;
	int error = take_image(sim, call, false, false, &image);

	if (!error && !is_executable(image))
		error = SIM_ENOEXEC;
	if (error)
		return sim_status_of(error);
	for (size_t i = 0; i < sim->registered_count; i++)
		sim->registered[i]->selected = sim->registered[i] == image;
	return 0;
}

static int boot_kernel(struct sim *sim, struct sim_image *image)
{
	const char *platform = sim->world->platform;
	bool efi = platform && strcmp(platform, "efi") == 0;

	if (efi && sim->world->secure_boot &&
	    !image->content->signed_for_firmware) {
		emit_image(sim, SIM_REFUSE, image,
			   TEXT("not signed for the firmware"), false);
		return SIM_EACCES;
	}
	emit_image(sim, SIM_BOOT, image, image->arguments, true);
	sim->booted = image;
	sim_finish(sim, SIM_BOOTED);
	return 0;
}

/* Once; a script may name another image that is to take its place. */
static unsigned long execute_once(struct sim *sim, struct sim_image *image,
				  const struct sim_script *script)
{
	unsigned long status;

	if (!script && is_executable(image))
		script = image->content->script;
	if (!script && !is_executable(image))
		return sim_status_of(SIM_ENOEXEC);
	if (sim->trust_required && !image->trusted) {
		emit_image(sim, SIM_REFUSE, image, TEXT("not trusted"), false);
		return sim_status_of(SIM_EACCES);
	}
	unregister_image(sim, image);
	if (script) {
		emit_image(sim, SIM_SCRIPT_RUN, image, image->arguments, true);
		status = sim_run_script(sim, script, image);
	} else {
		int error = boot_kernel(sim, image);

		status = error ? sim_status_of(error) : 0;
	}
	if (!sim->end && !image->replacement)
		register_image(sim, image);
	return status;
}

unsigned long sim_execute(struct sim *sim, struct sim_image *image,
			  const struct sim_script *script)
{
	unsigned long status = 0;
	CLEANUP(sbuf) directory = { 0 };

	sbuf_add(&directory, sim->directory.ptr, sim->directory.len);
	while (image) {
		struct sim_image *next;

		if (image->url.len) {
			sbuf_reset(&sim->directory);
			sbuf_add(&sim->directory, image->url.ptr,
				 image->url.len);
		}
		status = execute_once(sim, image, script);
		if (sim->end)
			break;
		next = image->replacement;
		image->replacement = NULL;
		if (image->autofree)
			unregister_image(sim, image);
		sbuf_reset(&sim->directory);
		sbuf_add(&sim->directory, directory.ptr, directory.len);
		image = next;
		script = NULL;
	}
	return status;
}

static int replace_script(struct sim *sim, struct sim_image *image)
{
	if (!is_executable(image))
		return SIM_ENOEXEC;
	sim->frames[sim->depth - 1].image->replacement = image;
	sim->stop = STOP_SEQUENCE;
	return 0;
}

/* Without an image it says so, and that is a success. */
static unsigned long run_imgexec(struct sim *sim, struct call *call)
{
	struct sim_image *image;
	int error = take_image(sim, call, false, false, &image);

	if (error || !image)
		return error ? sim_status_of(error) : 0;
	if (!given(call, 'r')->is)
		return sim_execute(sim, image, NULL);
	error = replace_script(sim, image);
	return error ? sim_status_of(error) : 0;
}

/* @param action	NULL: only to be there */
static unsigned long each_image(struct sim *sim, const struct call *call,
				void (*action)(struct sim *sim,
					       struct sim_image *image))
{
	if (!call->count)
		while (action && sim->registered_count)
			action(sim, sim->registered[0]);
	for (size_t i = 0; i < call->count; i++) {
		struct sim_image *image = find_image(sim, call->operands[i]);

		if (!image)
			return sim_status_of(SIM_ENOENT);
		if (action)
			action(sim, image);
	}
	return 0;
}

static void free_image(struct sim *sim, struct sim_image *image)
{
	emit_image(sim, SIM_FREE, image, TEXT(""), true);
	unregister_image(sim, image);
}

static unsigned long run_imgfree(struct sim *sim, struct call *call)
{
	return each_image(sim, call, free_image);
}

static unsigned long run_imgstat(struct sim *sim, struct call *call)
{
	return each_image(sim, call, NULL);
}

static unsigned long run_imgtrust(struct sim *sim, struct call *call)
{
	bool required = !given(call, 'a')->is;

	if (!sim->trust_permanent) {
		sim->trust_required = required;
		sim->trust_permanent = given(call, 'p')->is;
	}
	return sim->trust_required == required ? 0 : sim_status_of(SIM_EACCES);
}

static bool is_signature_of(const struct sim_image *signature,
			    const struct sim_image *image,
			    const struct given *signer)
{
	const struct sim_content *by = signature->content;

	if (!by || by->kind != SIM_SIGNATURE || !by->signs || !image->content ||
	    memcmp(by->signs, image->content->sha256,
		   sizeof(image->content->sha256)) != 0)
		return false;
	return !signer->is || (signer->text.len == by->signer.len &&
			       strncasecmp(signer->text.ptr, by->signer.ptr,
					   by->signer.len) == 0);
}

static unsigned long run_imgverify(struct sim *sim, struct call *call)
{
	struct sim_image *image, *signature;
	int error = acquire(sim, call->operands[0], &image);
	bool good;

	if (!error)
		error = acquire(sim, call->operands[1], &signature);
	if (error)
		return sim_status_of(error);
	good = is_signature_of(signature, image, given(call, 's'));
	emit_image(sim, SIM_VERIFY, image, signature->url, good);
	image->trusted = good;
	if (good)
		image->verified |= SIM_BY_SIGNATURE;
	else
		image->verified &= ~(unsigned)SIM_BY_SIGNATURE;
	if (!given(call, 'k')->is)
		unregister_image(sim, signature);
	return good ? 0 : sim_status_of(SIM_EACCES);
}

static unsigned long show_digest(struct sim *sim, const struct sim_image *image)
{
	CLEANUP(sbuf) text = { 0 };

	for (size_t i = 0; i < sizeof(image->content->sha256); i++)
		sbuf_printf(&text, "%02x", image->content->sha256[i]);
	sbuf_printf(&text, "  %s", image->name.ptr);
	emit_text(sim, SIM_ECHO, (struct text){ text.ptr, text.len }, true);
	return 0;
}

static unsigned long run_sha256sum(struct sim *sim, struct call *call)
{
	struct given *set = given(call, 's');

	if (set->is && !set->ref.type)
		set->ref.type = TYPE_HEXRAW;
	for (size_t i = 0; i < call->count; i++) {
		struct sim_image *image;
		int error = acquire(sim, call->operands[i], &image);

		if (error)
			return sim_status_of(error);
		if (!image->content) {
			sim_unmodelled(sim, "digest of %s", image->name.ptr);
			return sim_status_of(SIM_ENOENT);
		}
		image->measured = true;
		if (!set->is) {
			show_digest(sim, image);
			continue;
		}
		error = sim_store(sim, &set->ref, image->content->sha256,
				  sizeof(image->content->sha256));
		if (error)
			return sim_status_of(error);
	}
	return 0;
}

/* Adds to certificates that are known, never to those that are trusted. */
static unsigned long run_certstore(struct sim *sim, struct call *call)
{
	struct sim_image *image;
	int error = call->count ? acquire(sim, call->operands[0], &image) : 0;

	if (error)
		return sim_status_of(error);
	if (call->count && !given(call, 'k')->is)
		unregister_image(sim, image);
	return 0;
}

/* -------------------------------------------------------------- menus -- */

static bool is_menu(const struct sim_menu *menu, const struct given *name)
{
	return menu->there && menu->named == name->is &&
	       (!name->is ||
		text_equal((struct text){ menu->name.ptr, menu->name.len },
			   name->text));
}

static struct sim_menu *find_menu(struct sim *sim, const struct given *name)
{
	for (size_t i = 0; i < sim->menus.live; i++)
		if (is_menu(sim->menus.at[i], name))
			return sim->menus.at[i];
	return NULL;
}

static unsigned long run_menu(struct sim *sim, struct call *call)
{
	const struct given *name = given(call, 'n');
	struct sim_menu *menu = find_menu(sim, name);
	struct text text;

	if (!menu)
		menu = sim_pool_take(&sim->menus, sizeof(*menu));
	menu->there = !given(call, 'd')->is;
	menu->named = name->is;
	menu->items.live = 0;
	assign(&menu->name, name->is ? name->text : TEXT(""), &text);
	assign(&menu->title, joined(sim, call, 0), &text);
	return 0;
}

static unsigned long run_item(struct sim *sim, struct call *call)
{
	const struct given *name =
		given(call, 'f')->is ? given(call, 'f') : given(call, 'm');
	struct sim_menu *menu = find_menu(sim, name);
	bool has_name = !given(call, 'g')->is && call->count;
	struct sim_menu_item *new;

	if (!menu)
		return sim_status_of(SIM_ENOENT);
	new = sim_pool_take(&menu->items, sizeof(*new));
	new->item = (struct sim_item){ .key = (int)given(call, 'k')->number,
				       .chosen_first = given(call, 'd')->is };
	if (has_name)
		assign(&new->name, call->operands[0], &new->item.name);
	assign(&new->label, joined(sim, call, has_name), &new->item.label);
	return 0;
}

/* On which item the cursor stands first; SIZE_MAX when none has a name. */
static size_t first_item(const struct sim_menu *menu, const struct given *want)
{
	size_t first = SIZE_MAX;

	for (size_t i = 0; i < menu->items.live; i++) {
		const struct sim_menu_item *item = menu->items.at[i];

		if (!item->item.name.ptr)
			continue;
		if (first == SIZE_MAX)
			first = i;
		if (want->is ? text_equal(item->item.name, want->text)
			     : item->item.chosen_first)
			first = i;
	}
	return first;
}

static size_t ask_world(struct sim *sim, const struct sim_menu *menu)
{
	size_t count = menu->items.live, choice;
	struct sim_item *items;

	if (!sim->world->choose)
		return SIZE_MAX;
	items = xrealloc(NULL, size_product(count + 1, sizeof(*items)));
	for (size_t i = 0; i < count; i++)
		items[i] = ((struct sim_menu_item *)menu->items.at[i])->item;
	choice = sim->world->choose(
		sim->world->ctx,
		(struct text){ sbuf_text(&menu->title), menu->title.len },
		items, count);
	free(items);
	return choice;
}

static unsigned long choose_item(struct sim *sim, struct call *call,
				 const struct sim_menu *menu)
{
	size_t choice = first_item(menu, given(call, 'd')), answer;
	const struct sim_menu_item *item;

	if (choice == SIZE_MAX)
		return sim_status_of(SIM_ENOENT);
	answer = ask_world(sim, menu);
	if (answer == menu->items.live)
		return sim_status_of(SIM_ECANCELED);
	if (answer == SIZE_MAX && !given(call, 't')->number) {
		sim_finish(sim, SIM_WAITS);
		return 0;
	}
	if (answer < menu->items.live)
		choice = answer;
	item = menu->items.at[choice];
	sim_emit(sim, &(struct sim_event){ .kind = SIM_ASK,
					   .text = { sbuf_text(&menu->title),
						     menu->title.len },
					   .more = item->item.name,
					   .good = answer != SIZE_MAX });
	return store(sim, call->operands[0], item->item.name);
}

static unsigned long run_choose(struct sim *sim, struct call *call)
{
	struct sim_menu *menu = find_menu(sim, given(call, 'm'));
	struct sim_ref ref;
	unsigned long status;
	int error = sim_ref_parse(sim, call->operands[0], true, &ref);

	if (error)
		return sim_status_of(error);
	if (!menu)
		return sim_status_of(SIM_ENOENT);
	status = choose_item(sim, call, menu);
	if (!given(call, 'k')->is)
		menu->there = false;
	return status;
}

/* -------------------------------------------------------------- table -- */

/* clang-format off */
#define OPTIONS(...) (const struct option[]){ __VA_ARGS__ { 0 } }
#define TIMEOUT { OPT_NUMBER, "timeout", 't' },
#define NAME { OPT_TEXT, "name", 'n' },
#define AUTOFREE { OPT_FLAG, "autofree", 'a' },
#define SINGLE OPTIONS(NAME TIMEOUT AUTOFREE)
#define EXECUTE OPTIONS(NAME TIMEOUT AUTOFREE { OPT_FLAG, "replace", 'r' },)
#define NONE OPTIONS()
#define ANY 255

/* Sorted by name. */
static const struct command commands[] = {
	{ "boot", EXECUTE, 0, ANY, run_imgexec },
	{ "certstore", OPTIONS({ OPT_TEXT, "subject", 's' },
			       { OPT_FLAG, "keep", 'k' },),
	  0, 1, run_certstore },
	{ "chain", EXECUTE, 0, ANY, run_imgexec },
	{ "choose", OPTIONS({ OPT_TEXT, "menu", 'm' },
			    { OPT_TEXT, "default", 'd' }, TIMEOUT
			    { OPT_NUMBER, "retimeout", 'r' },
			    { OPT_FLAG, "keep", 'k' },),
	  1, 1, run_choose },
	{ "clear", NONE, 1, 1, run_clear },
	{ "dhcp", OPTIONS({ OPT_TEXT, "configurator", 'c' }, TIMEOUT),
	  0, ANY, run_ifconf },
	{ "echo", OPTIONS({ OPT_FLAG, "n", 'n' },), 0, ANY, run_echo },
	{ "exit", NONE, 0, 1, run_exit },
	{ "goto", NONE, 1, 1, run_goto },
	{ "ifclose", NONE, 0, ANY, run_ifclose },
	{ "ifconf", OPTIONS({ OPT_TEXT, "configurator", 'c' }, TIMEOUT),
	  0, ANY, run_ifconf },
	{ "iflinkwait", OPTIONS(TIMEOUT), 0, ANY, run_iflinkwait },
	{ "ifopen", NONE, 0, ANY, run_ifopen },
	{ "ifstat", NONE, 0, ANY, run_ifstat },
	{ "imgargs", SINGLE, 1, ANY, run_imgargs },
	{ "imgexec", EXECUTE, 0, ANY, run_imgexec },
	{ "imgfetch", SINGLE, 1, ANY, run_imgfetch },
	{ "imgfree", NONE, 0, ANY, run_imgfree },
	{ "imgload", SINGLE, 1, ANY, run_imgselect },
	{ "imgselect", SINGLE, 1, ANY, run_imgselect },
	{ "imgstat", NONE, 0, ANY, run_imgstat },
	{ "imgtrust", OPTIONS({ OPT_FLAG, "allow", 'a' },
			      { OPT_FLAG, "permanent", 'p' },),
	  0, 0, run_imgtrust },
	{ "imgverify", OPTIONS({ OPT_TEXT, "signer", 's' },
			       { OPT_FLAG, "keep", 'k' }, TIMEOUT),
	  2, 2, run_imgverify },
	{ "inc", NONE, 1, 2, run_inc },
	{ "initrd", SINGLE, 1, ANY, run_imgfetch },
	{ "iseq", NONE, 2, 2, run_iseq },
	{ "isset", NONE, 1, 1, run_isset },
	{ "item", OPTIONS({ OPT_TEXT, "menu", 'm' }, { OPT_TEXT, "form", 'f' },
			  { OPT_KEY, "key", 'k' }, { OPT_FLAG, "default", 'd' },
			  { OPT_FLAG, "secret", 's' }, { OPT_FLAG, "gap", 'g' },),
	  0, ANY, run_item },
	{ "kernel", SINGLE, 1, ANY, run_imgselect },
	{ "menu", OPTIONS(NAME { OPT_FLAG, "delete", 'd' },),
	  0, ANY, run_menu },
	{ "module", SINGLE, 1, ANY, run_imgfetch },
	{ "ntp", NONE, 1, 1, run_ntp },
	{ "poweroff", NONE, 0, 0, run_poweroff },
	{ "prompt", OPTIONS({ OPT_KEY, "key", 'k' }, TIMEOUT),
	  0, ANY, run_prompt },
	{ "reboot", OPTIONS({ OPT_FLAG, "warm", 'w' },
			    { OPT_FLAG, "setup", 's' },),
	  0, 0, run_reboot },
	{ "sanboot", OPTIONS({ OPT_NUMBER, "drive", 'd' },
			     { OPT_FLAG, "no-describe", 'n' },
			     { OPT_FLAG, "keep", 'k' },
			     { OPT_TEXT, "filename", 'f' },
			     { OPT_TEXT, "extra", 'e' },
			     { OPT_TEXT, "label", 'l' },
			     { OPT_TEXT, "uuid", 'u' },),
	  0, ANY, run_sanboot },
	{ "set", NONE, 1, ANY, run_set },
	{ "sha256sum", OPTIONS({ OPT_SETTING, "set", 's' },),
	  1, ANY, run_sha256sum },
	{ "shell", NONE, 0, 0, run_shell },
	{ "show", NONE, 1, 1, run_show },
	{ "sleep", NONE, 1, 1, run_sleep },
	{ "vcreate", OPTIONS({ OPT_NUMBER, "tag", 't' },
			     { OPT_NUMBER, "priority", 'p' },),
	  1, 1, run_vcreate },
	{ "vdestroy", NONE, 1, 1, run_vdestroy },
};
/* clang-format on */

static int compare_command(const void *key, const void *command)
{
	return sim_compare(*(const struct text *)key,
			   ((const struct command *)command)->name);
}

unsigned long sim_command(struct sim *sim, struct sim_words words)
{
	const struct command *command = bsearch(
		&words.at[0], commands, sizeof(commands) / sizeof(*commands),
		sizeof(*commands), compare_command);
	struct call call;
	int error;

	call.given_count = 0;
	call.at[OPTIONS_MAX] = (struct given){ 0 };
	if (!command) {
		sim_unmodelled(sim, "command %.*s", (int)words.at[0].len,
			       words.at[0].ptr);
		return sim_status_of(SIM_ENOEXEC);
	}
	error = parse_options(sim, command, words, &call);
	return error ? sim_status_of(error) : command->run(sim, &call);
}
