#include "simulate_commands.h"

#include <stdlib.h>

/* --------------------------------------------------- plain commands -- */

static unsigned long run_echo(struct sim *sim, struct sim_call *call)
{
	sim_emit(sim,
		 &(struct sim_event){ .kind = SIM_ECHO,
				      .text = sim_joined(sim, call, 0),
				      .good = !sim_argument(call, 'n')->is });
	return 0;
}

static unsigned long run_exit(struct sim *sim, struct sim_call *call)
{
	uint32_t status = 0;

	if (call->count && sim_parse_number(call->operands[0], &status))
		return sim_status_of(SIM_EINVAL);
	sim->stop = STOP_SEQUENCE;
	return status;
}

static unsigned long run_isset(struct sim *sim, struct sim_call *call)
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

static unsigned long run_iseq(struct sim *sim, struct sim_call *call)
{
	if (!text_equal(call->operands[0], call->operands[1]))
		return sim_status_of(SIM_ERANGE);
	for (size_t i = 0; i < sim->registered_count; i++) {
		struct sim_image *image = sim->registered[i];

		if (!is_digest_of(call->operands[0], image))
			continue;
		image->verified |= SIM_BY_DIGEST;
		sim_emit_image(sim, SIM_DIGEST, image, TEXT(""), true);
	}
	return 0;
}

static unsigned long run_sleep(struct sim *sim, struct sim_call *call)
{
	uint32_t seconds;

	if (sim_parse_number(call->operands[0], &seconds))
		return sim_status_of(SIM_EINVAL);
	sim_emit(sim,
		 &(struct sim_event){ .kind = SIM_SLEEP, .number = seconds });
	sim_pause(sim);
	return 0;
}

static unsigned long run_goto(struct sim *sim, struct sim_call *call)
{
	int error = sim_goto(sim, call->operands[0]);

	return error ? sim_status_of(error) : 0;
}

static unsigned long run_prompt(struct sim *sim, struct sim_call *call)
{
	struct text text = sim_joined(sim, call, 0);
	uint32_t wanted = sim_argument(call, 'k')->number;
	int key = sim->world->press ? sim->world->press(sim->world->ctx, text)
				    : 0;

	sim_emit_text(sim, SIM_ASK, text, key);
	if (!key && !sim_argument(call, 't')->number) {
		sim_finish(sim, SIM_WAITS);
		return 0;
	}
	if (!key)
		return sim_status_of(SIM_ETIMEDOUT);
	if (wanted && (uint32_t)key != wanted)
		return sim_status_of(SIM_ECANCELED);
	return 0;
}

static unsigned long run_shell(struct sim *sim, struct sim_call *call)
{
	(void)call;
	sim_emit(sim, &(struct sim_event){ .kind = SIM_SHELL });
	return 0;
}

static unsigned long run_reboot(struct sim *sim, struct sim_call *call)
{
	(void)call;
	sim_finish(sim, SIM_REBOOTED);
	return 0;
}

static unsigned long run_poweroff(struct sim *sim, struct sim_call *call)
{
	(void)call;
	sim_finish(sim, SIM_POWERED_OFF);
	return 0;
}

/* ----------------------------------------------------------- settings -- */

unsigned long sim_store_named(struct sim *sim, struct text name,
			      struct text value)
{
	struct sim_ref ref;
	int error = sim_ref_parse(sim, name, true, &ref);

	if (!error)
		error = sim_store_text(sim, &ref, value);
	return error ? sim_status_of(error) : 0;
}

static unsigned long run_set(struct sim *sim, struct sim_call *call)
{
	return sim_store_named(sim, call->operands[0],
			       sim_joined(sim, call, 1));
}

static unsigned long run_clear(struct sim *sim, struct sim_call *call)
{
	return sim_store_named(sim, call->operands[0], TEXT(""));
}

static unsigned long run_show(struct sim *sim, struct sim_call *call)
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

static unsigned long run_inc(struct sim *sim, struct sim_call *call)
{
	struct sim_ref ref;
	uint32_t step = 1;
	int error = sim_ref_parse(sim, call->operands[0], false, &ref);

	if (!error && call->count > 1)
		error = sim_parse_number(call->operands[1], &step);
	if (!error)
		error = increment(sim, &ref, step);
	return error ? sim_status_of(error) : 0;
}

/* -------------------------------------------------------------- table -- */

/* clang-format off */
#define OPTIONS(...) (const struct sim_option[]){ __VA_ARGS__ { 0 } }
#define TIMEOUT { OPT_NUMBER, "timeout", 't' },
#define NAME { OPT_TEXT, "name", 'n' },
#define AUTOFREE { OPT_FLAG, "autofree", 'a' },
#define SINGLE OPTIONS(NAME TIMEOUT AUTOFREE)
#define EXECUTE OPTIONS(NAME TIMEOUT AUTOFREE { OPT_FLAG, "replace", 'r' },)
#define NONE OPTIONS()
#define ANY 255

/* Sorted by name. */
static const struct sim_command commands[] = {
	{ "boot", EXECUTE, 0, ANY, sim_do_imgexec },
	{ "certstore", OPTIONS({ OPT_TEXT, "subject", 's' },
			       { OPT_FLAG, "keep", 'k' },),
	  0, 1, sim_do_certstore },
	{ "chain", EXECUTE, 0, ANY, sim_do_imgexec },
	{ "choose", OPTIONS({ OPT_TEXT, "menu", 'm' },
			    { OPT_TEXT, "default", 'd' }, TIMEOUT
			    { OPT_NUMBER, "retimeout", 'r' },
			    { OPT_FLAG, "keep", 'k' },),
	  1, 1, sim_do_choose },
	{ "clear", NONE, 1, 1, run_clear },
	{ "dhcp", OPTIONS({ OPT_TEXT, "configurator", 'c' }, TIMEOUT),
	  0, ANY, sim_do_ifconf },
	{ "echo", OPTIONS({ OPT_FLAG, "n", 'n' },), 0, ANY, run_echo },
	{ "exit", NONE, 0, 1, run_exit },
	{ "goto", NONE, 1, 1, run_goto },
	{ "ifclose", NONE, 0, ANY, sim_do_ifclose },
	{ "ifconf", OPTIONS({ OPT_TEXT, "configurator", 'c' }, TIMEOUT),
	  0, ANY, sim_do_ifconf },
	{ "iflinkwait", OPTIONS(TIMEOUT), 0, ANY, sim_do_iflinkwait },
	{ "ifopen", NONE, 0, ANY, sim_do_ifopen },
	{ "ifstat", NONE, 0, ANY, sim_do_ifstat },
	{ "imgargs", SINGLE, 1, ANY, sim_do_imgargs },
	{ "imgexec", EXECUTE, 0, ANY, sim_do_imgexec },
	{ "imgfetch", SINGLE, 1, ANY, sim_do_imgfetch },
	{ "imgfree", NONE, 0, ANY, sim_do_imgfree },
	{ "imgload", SINGLE, 1, ANY, sim_do_imgselect },
	{ "imgselect", SINGLE, 1, ANY, sim_do_imgselect },
	{ "imgstat", NONE, 0, ANY, sim_do_imgstat },
	{ "imgtrust", OPTIONS({ OPT_FLAG, "allow", 'a' },
			      { OPT_FLAG, "permanent", 'p' },),
	  0, 0, sim_do_imgtrust },
	{ "imgverify", OPTIONS({ OPT_TEXT, "signer", 's' },
			       { OPT_FLAG, "keep", 'k' }, TIMEOUT),
	  2, 2, sim_do_imgverify },
	{ "inc", NONE, 1, 2, run_inc },
	{ "initrd", SINGLE, 1, ANY, sim_do_imgfetch },
	{ "iseq", NONE, 2, 2, run_iseq },
	{ "isset", NONE, 1, 1, run_isset },
	{ "item", OPTIONS({ OPT_TEXT, "menu", 'm' }, { OPT_TEXT, "form", 'f' },
			  { OPT_KEY, "key", 'k' }, { OPT_FLAG, "default", 'd' },
			  { OPT_FLAG, "secret", 's' }, { OPT_FLAG, "gap", 'g' },),
	  0, ANY, sim_do_item },
	{ "kernel", SINGLE, 1, ANY, sim_do_imgselect },
	{ "menu", OPTIONS(NAME { OPT_FLAG, "delete", 'd' },),
	  0, ANY, sim_do_menu },
	{ "module", SINGLE, 1, ANY, sim_do_imgfetch },
	{ "ntp", NONE, 1, 1, sim_do_ntp },
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
	  0, ANY, sim_do_sanboot },
	{ "sanhook", OPTIONS({ OPT_NUMBER, "drive", 'd' },
			     { OPT_FLAG, "no-describe", 'n' },),
	  1, ANY, sim_do_sanhook },
	{ "sanunhook", OPTIONS({ OPT_NUMBER, "drive", 'd' },),
	  0, 0, sim_do_sanunhook },
	{ "set", NONE, 1, ANY, run_set },
	{ "sha256sum", OPTIONS({ OPT_SETTING, "set", 's' },),
	  1, ANY, sim_do_sha256sum },
	{ "shell", NONE, 0, 0, run_shell },
	{ "show", NONE, 1, 1, run_show },
	{ "sleep", NONE, 1, 1, run_sleep },
	{ "vcreate", OPTIONS({ OPT_NUMBER, "tag", 't' },
			     { OPT_NUMBER, "priority", 'p' },),
	  1, 1, sim_do_vcreate },
	{ "vdestroy", NONE, 1, 1, sim_do_vdestroy },
};
/* clang-format on */

static int compare_command(const void *key, const void *command)
{
	return sim_compare(*(const struct text *)key,
			   ((const struct sim_command *)command)->name);
}

const struct sim_command *sim_command_find(struct text name)
{
	return bsearch(&name, commands, sizeof(commands) / sizeof(*commands),
		       sizeof(*commands), compare_command);
}

unsigned long sim_command(struct sim *sim, const struct sim_command *command,
			  struct sim_words words)
{
	struct sim_call call;
	int error;

	if (!command)
		command = sim_command_find(words.at[0]);
	call.given_count = 0;
	call.at[SIM_OPTIONS_MAX] = (struct sim_argument){ 0 };
	if (!command) {
		sim_unmodelled(sim, "command %.*s", (int)words.at[0].len,
			       words.at[0].ptr);
		return sim_status_of(SIM_ENOEXEC);
	}
	error = sim_parse_options(sim, command, words, &call);
	return error ? sim_status_of(error) : command->run(sim, &call);
}
