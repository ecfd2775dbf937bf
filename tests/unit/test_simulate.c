/* What a machine does with a script, by the rules of iPXE. What real iPXE does
 * with scripts like these is compared in tests/simulate. */
#include "arena.h"
#include "sbuf.h"
#include "simulate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

/* ------------------------------------------------------- laboratory -- */

/* http://s/kernel, initrd, other and their signatures (.sig); below http://bad/
 * they have been changed; a script at http://s/script; nothing elsewhere. */
struct laboratory {
	struct arena arena;
	struct sim *sim;
	struct sim_world world;
	struct sbuf trace;
	struct sim_content made[16];
	size_t made_count, fetches, fail_fetch;
	const struct sim_script *nested;
	int key;
	size_t choice;
};

static bool ends(struct text text, const char *with)
{
	size_t len = strlen(with);

	return text.len >= len &&
	       memcmp(text.ptr + text.len - len, with, len) == 0;
}

static const struct sim_content *lab_fetch(void *ctx, struct text url)
{
	struct laboratory *lab = ctx;
	struct sim_content *content = &lab->made[lab->made_count++ % 16];
	bool bad = strncmp(url.ptr, "http://bad/", 11) == 0;
	bool signature = ends(url, ".sig");
	const char *name = strrchr(url.ptr, '/') + 1;

	if (++lab->fetches == lab->fail_fetch ||
	    (!bad && strncmp(url.ptr, "http://s/", 9) != 0 &&
	     strncmp(url.ptr, "ntp://", 6) != 0))
		return NULL;
	*content = (struct sim_content){ .kind = SIM_DATA };
	content->sha256[0] = (unsigned char)*name;
	content->sha256[1] = bad;
	if (signature) {
		static unsigned char signs[256][32];

		signs[(unsigned char)*name][0] = (unsigned char)*name;
		content->kind = SIM_SIGNATURE;
		content->signs = signs[(unsigned char)*name];
		content->signer = TEXT("Signer");
	} else if (*name == 'k') {
		content->kind = SIM_KERNEL;
		content->signed_for_firmware = !bad;
	} else if (strcmp(name, "script") == 0) {
		content->kind = SIM_SCRIPT;
		content->script = lab->nested;
	}
	return content;
}

static int lab_press(void *ctx, struct text text)
{
	(void)text;
	return ((struct laboratory *)ctx)->key;
}

static size_t lab_choose(void *ctx, struct text title,
			 const struct sim_item *items, size_t count)
{
	(void)title, (void)items, (void)count;
	return ((struct laboratory *)ctx)->choice;
}

static void lab_event(void *ctx, const struct sim_event *event)
{
	struct laboratory *lab = ctx;
	struct sbuf *out = &lab->trace;

	switch ((int)event->kind) {
	case SIM_ECHO:
		sbuf_printf(out, "%s\n", event->text.ptr);
		break;
	case SIM_UNMODELLED:
		sbuf_printf(out, "?%s\n", event->text.ptr);
		break;
	case SIM_REFUSE:
		sbuf_printf(out, "!%s: %s\n", event->image->name.ptr,
			    event->text.ptr);
		break;
	case SIM_BOOT: {
		size_t count;
		struct sim_image *const *images = sim_images(lab->sim, &count);

		sbuf_printf(out, "boot %s(%u)[%s]", event->image->name.ptr,
			    event->image->verified, event->text.ptr);
		for (size_t i = 0; i < count; i++)
			sbuf_printf(out, " %s(%u)[%s]", images[i]->name.ptr,
				    images[i]->verified,
				    images[i]->arguments.ptr);
		sbuf_puts(out, "\n");
		break;
	}
	default:
		break;
	}
}

static const struct sim_card cards[] = {
	{ { 0x52, 0x54, 0, 0, 0, 0xaa }, .link = true, .lease = true },
	{ { 0x52, 0x54, 0, 0, 0, 0xbb }, .link = true, .dhcp = true },
	{ { 0x52, 0x54, 0, 0, 0, 0xcc }, .link = false },
};

static void lab_open(struct laboratory *lab)
{
	static const struct sim_given given[] = {
		{ "hostname", "from-dhcp" },
		{ "mine", "no" }, /* has no tag: cannot come by DHCP */
		{ "224", "site" },
	};

	*lab = (struct laboratory){ .sim = sim_new(), .choice = SIZE_MAX };
	lab->world = (struct sim_world){
		.ctx = lab,
		.cards = cards,
		.card_count = COUNT(cards),
		.uuid = TEXT("6a4c5c5e-0d0f-4b4e-9d53-8f2f6b1d0c11"),
		.serial = TEXT("SN 42/7"),
		.given = given,
		.given_count = COUNT(given),
		.fetch = lab_fetch,
		.press = lab_press,
		.choose = lab_choose,
		.event = lab_event,
	};
	lab->nested = sim_script_new(
		&lab->arena,
		TEXT("#!ipxe\necho in\nset inner yes\ngoto x ||\nexit 3\n:x\n"));
}

static void lab_close(struct laboratory *lab)
{
	sbuf_release(&lab->trace);
	sim_free(lab->sim);
	arena_release(&lab->arena);
}

static enum sim_end lab_run_text(struct laboratory *lab, struct text script)
{
	const struct sim_script *parsed = sim_script_new(&lab->arena, script);

	sbuf_reset(&lab->trace);
	lab->fetches = 0;
	return sim_run(lab->sim, parsed, &lab->world);
}

static enum sim_end lab_run(struct laboratory *lab, const char *script)
{
	return lab_run_text(lab, text_of(script));
}

struct row {
	const char *script;
	enum sim_end end;
	const char *trace;
};

/* Lines that come again are kept, and must do the same as before. */
enum { RUNS_OF_EACH = 3 };

static void check_rows(struct laboratory *lab, const struct row *rows,
		       size_t count)
{
	for (size_t run = 0; run < count * RUNS_OF_EACH; run++) {
		size_t i = run / RUNS_OF_EACH;
		enum sim_end end = lab_run(lab, rows[i].script);

		if (end != rows[i].end ||
		    strcmp(sbuf_text(&lab->trace), rows[i].trace) != 0)
			fail_msg("%s\nit %s, expected: it %s\n%s",
				 rows[i].script, sim_end_text(end),
				 sim_end_text(rows[i].end),
				 sbuf_text(&lab->trace));
	}
}

static void check_table(const struct row *rows, size_t count)
{
	struct laboratory lab;

	lab_open(&lab);
	check_rows(&lab, rows, count);
	lab_close(&lab);
}

#define ONLINE "ifopen net0\n"

/* ------------------------------------------------------------- cases -- */

static void lines_and_words(void **state)
{
	static const struct row rows[] = {
		{ "#!ipxe\necho  a\t b  ", SIM_EXITED, "a b\n" },
		{ "echo a\r\necho b", SIM_EXITED, "a\nb\n" },
		{ "echo a \\\n  b\\\nc", SIM_EXITED, "a bc\n" },
		{ "echo a\\\\\n\necho b", SIM_EXITED, "aecho b\n" },
		{ "echo a\necho b\\", SIM_EXITED, "a\n" },
		{ "echo a # b", SIM_EXITED, "a\n" },
		{ "echo a#b a;b || echo c", SIM_EXITED, "a#b a;b\n" },
		{ "isset || echo c", SIM_EXITED, "c\n" },
		{ "echo a | echo b", SIM_EXITED, "a | echo b\n" },
		{ "echo -n a", SIM_EXITED, "a\n" },
		{ "echo -a ||\necho -- -a", SIM_EXITED, "-a\n" },
		{ "echo - || echo c", SIM_EXITED, "c\n" },
	};

	(void)state;
	check_table(rows, COUNT(rows));
}

static void operators(void **state)
{
	static const struct row rows[] = {
		{ "iseq a b && echo 1 || echo 2 && echo 3", SIM_EXITED,
		  "2\n3\n" },
		{ "iseq a a || echo 1 && echo 2", SIM_EXITED, "2\n" },
		{ "iseq a b ; echo 1", SIM_EXITED, "1\n" },
		{ "iseq a b\necho 1", SIM_EXITED, "" },
		{ "iseq a b ||\necho 1", SIM_EXITED, "1\n" },
		{ "&& echo 1", SIM_EXITED, "1\n" },
		{ "|| echo 1\necho 2", SIM_EXITED, "2\n" },
		{ "set op ||\niseq a b ${op} echo 1", SIM_EXITED, "" },
	};

	(void)state;
	check_table(rows, COUNT(rows));
}

static void labels(void **state)
{
	static const struct row rows[] = {
		{ "goto b\necho a\n:b\necho b", SIM_EXITED, "b\n" },
		{ "goto b\n  :b echo c\necho d", SIM_EXITED, "c\nd\n" },
		{ "set i:int32 0\n:a\ninc i\niseq ${i} 3 || goto a\n"
		  "echo ${i}\nexit\n:a\necho never",
		  SIM_EXITED, "3\n" },
		{ "goto none || echo still here", SIM_EXITED, "still here\n" },
		{ "goto none\necho never", SIM_EXITED, "" },
		{ "goto b && echo never\n:b\necho b", SIM_EXITED, "b\n" },
		{ "set l b\ngoto ${l}\n:${l}\necho a\n:b\necho b", SIM_EXITED,
		  "b\n" },
		{ "goto B || echo case\n:b", SIM_EXITED, "case\n" },
		{ "goto x\n:\\\nx echo joined", SIM_EXITED, "joined\n" },
	};

	(void)state;
	check_table(rows, COUNT(rows));
}

static void expansion(void **state)
{
	static const struct row rows[] = {
		{ "set a b\nset b c\necho ${${a}} ${nothing}.", SIM_EXITED,
		  "c .\n" },
		{ "set d $\necho ${d}{x} ${", SIM_EXITED, " ${\n" },
		{ "set a x y\niseq ${a} ${a} && echo ${a}", SIM_EXITED,
		  "x y\n" },
		{ "set c echo\n${c} hello", SIM_EXITED, "hello\n" },
		{ "set a $\nset b ${a}{b}\necho ${b}", SIM_EXITED, "\n" },
		{ "set b: x || echo type\nset b:what x || echo type",
		  SIM_EXITED, "type\ntype\n" },
		{ "set q {\nset p $${q}p}\necho ${p}", SIM_EXITED, "\n" },
		{ "set e }\nset p $\nset s ${p}{s${e}\necho ${s}", SIM_EXITED,
		  "\n" },
	};

	(void)state;
	check_table(rows, COUNT(rows));
}

static void expansion_without_end(void **state)
{
	static const struct row rows[] = {
		{ "set r:hexraw 247b723a737472696e677d\necho ${r:string}",
		  SIM_HANGS, "" },
		{ "set a xx\n:l\nset a ${a} ${a}\ngoto l", SIM_HANGS, "" },
	};

	(void)state;
	check_table(rows, COUNT(rows));
}

static void settings(void **state)
{
	static const struct row rows[] = {
		{ "echo ${net0/mac} ${net1/mac:hexraw} ${net2/mac:hexhyp} "
		  "${net3/mac}.",
		  SIM_EXITED,
		  "52:54:00:00:00:aa 525400"
		  "0000bb 52-54-00-00-00-cc .\n" },
		{ "echo ${uuid} ${serial} ${serial:uristring} ${asset}.",
		  SIM_EXITED,
		  "6a4c5c5e-0d0f-4b4e-9d53-8f2f6b1d0c11 SN 42/7 SN%2042%2F7 "
		  ".\n" },
		{ "echo ${platform} ${builtin/platform} ${efi/SecureBoot}.",
		  SIM_EXITED, "pcbios pcbios .\n" },
		{ "set i:int8 6\ninc i 300\necho ${i} ${i:uint32}", SIM_EXITED,
		  "50 0x32\n" },
		{ "inc n\ninc n 0x10\necho ${n}\nset s 1\ninc s || echo string",
		  SIM_EXITED, "17\nstring\n" },
		{ "set n:int32 08 || echo octal\nset n:int32 010\necho ${n}",
		  SIM_EXITED, "octal\n8\n" },
		{ "set a/b c\necho ${a/b} ${b} ${a.b/c}.\nclear a/b\n"
		  "echo ${b}.",
		  SIM_EXITED, "c c .\n.\n" },
		{ "set a x\nset a/a y\necho ${a}\nclear a\necho ${a}",
		  SIM_EXITED, "x\ny\n" },
		{ "set v:uristring a%20b%zz\necho ${v} ${v:string}", SIM_EXITED,
		  "a%20b%25zz a b%zz\n" },
		{ "set v:hex aa:bb\necho ${v:hexhyp} ${v:base64} ${v}\n"
		  "set v:hex aab || echo bad",
		  SIM_EXITED, "aa-bb qrs= aa:bb\nbad\n" },
		{ "set ip 10.0.0.1\necho ${ip}\nset ip 10.0.1 || echo bad",
		  SIM_EXITED, "10.0.0.1\nbad\n" },
		{ "set 12 name\necho ${hostname} ${0xc}", SIM_EXITED,
		  "name name\n" },
		{ "echo ${hostname} ${mine} ${224}.\nset hostname x\n"
		  "echo ${hostname} ${net0/hostname}",
		  SIM_EXITED, "from-dhcp  site.\nx from-dhcp\n" },
		{ "set smbios/serial x || echo fixed", SIM_EXITED, "fixed\n" },
		{ "set net0/mac 52:54:00:00:00:01\necho ${net0/mac} "
		  "${net0/hwaddr}\nclear net0/mac\necho ${net0/mac}",
		  SIM_EXITED,
		  "52:54:00:00:00:01 52:54:00:00:00:aa\n52:54:00:00:00:aa\n" },
		{ "iseq a b ||\necho ${errno:hexraw}", SIM_EXITED,
		  "46000000\n" },
		{ "echo ${netX/mac}.\nifopen net1\necho ${netX/mac}\n"
		  "ifopen net0\necho ${netX/mac}",
		  SIM_EXITED, ".\n52:54:00:00:00:bb\n52:54:00:00:00:aa\n" },
		{ "echo ${pci/0.2}", SIM_EXITED, "?settings pci/…\n\n" },
	};

	(void)state;
	check_table(rows, COUNT(rows));
}

static void network(void **state)
{
	static const struct row rows[] = {
		{ "imgfetch http://s/kernel || echo closed", SIM_EXITED,
		  "closed\n" },
		{ "ifopen net0\nimgfetch http://s/kernel && echo got",
		  SIM_EXITED, "got\n" },
		{ "ifopen net1\nimgfetch http://s/kernel || echo no address\n"
		  "dhcp net1\nimgfetch http://s/kernel && echo got",
		  SIM_EXITED, "no address\ngot\n" },
		{ "dhcp net0 || echo nobody\ndhcp net2 || echo no link\n"
		  "dhcp net9 || echo no card\ndhcp && echo ${net1/ip}",
		  SIM_EXITED, "nobody\nno link\nno card\n10.0.2.15\n" },
		{ "iflinkwait net2 || echo no link\nifclose net0\n"
		  "vcreate --tag 5 net1\ndhcp net1-5 && echo ${net1-5/mac} "
		  "${net1-5/ip}\nvdestroy net1-5\nvdestroy net1 || echo trunk",
		  SIM_EXITED, "no link\n52:54:00:00:00:bb 10.0.2.15\ntrunk\n" },
		{ "ntp a || echo closed\n" ONLINE "ntp a && echo ok",
		  SIM_EXITED, "closed\nok\n" },
	};

	(void)state;
	check_table(rows, COUNT(rows));
}

static void images(void **state)
{
	static const struct row rows[] = {
		{ ONLINE "kernel http://s/kernel quiet\n"
			 "initrd --name i http://s/initrd /a mode=600\nboot",
		  SIM_BOOTED, "boot kernel(0)[quiet] i(0)[/a mode=600]\n" },
		{ "boot || echo never\necho nothing selected", SIM_EXITED,
		  "nothing selected\n" },
		{ ONLINE "imgselect http://s/initrd || echo no program\n"
			 "boot http://s/initrd || echo no program",
		  SIM_EXITED, "no program\nno program\n" },
		{ ONLINE "imgfetch --name k http://s/kernel\n"
			 "imgargs k a b\nimgargs k c\nimgfree x || echo none\n"
			 "boot k",
		  SIM_BOOTED, "none\nboot k(0)[c]\n" },
		{ ONLINE "imgfetch http://s/kernel\nimgfetch http://s/kernel\n"
			 "imgfree\nboot kernel || echo gone",
		  SIM_EXITED, "gone\n" },
		{ ONLINE "imgfetch http://none/x || echo lost", SIM_EXITED,
		  "lost\n" },
	};

	(void)state;
	check_table(rows, COUNT(rows));
}

static void verification(void **state)
{
	static const struct row rows[] = {
		{ ONLINE
		  "imgtrust --permanent\nimgtrust --allow || echo no\n"
		  "imgfetch http://s/kernel\nboot kernel || echo not\n"
		  "imgverify --signer signer kernel http://s/kernel.sig\n"
		  "boot kernel",
		  SIM_BOOTED,
		  "no\n!kernel: not trusted\nnot\nboot kernel(1)[]\n" },
		{ ONLINE "imgfetch http://bad/kernel\n"
			 "imgverify kernel http://bad/kernel.sig || echo bad\n"
			 "imgverify --signer x kernel http://s/kernel.sig || "
			 "echo bad",
		  SIM_EXITED, "bad\nbad\n" },
		{ ONLINE "imgfetch http://s/kernel\n"
			 "imgverify kernel http://s/initrd.sig || echo other\n"
			 "imgverify --signer x kernel http://s/kernel.sig || "
			 "echo signer\nimgverify kernel http://s/initrd || "
			 "echo none",
		  SIM_EXITED, "other\nsigner\nnone\n" },
		{ ONLINE "imgfetch http://s/kernel\nsha256sum --set d kernel\n"
			 "iseq ${d} 6b00 ||\nimgstat kernel\nboot kernel",
		  SIM_BOOTED, "boot kernel(0)[]\n" },
		{ ONLINE "imgfetch http://s/kernel\nsha256sum --set d kernel\n"
			 "iseq ${d} 6b000000000000000000000000000000"
			 "00000000000000000000000000000000\nboot kernel",
		  SIM_BOOTED, "boot kernel(2)[]\n" },
	};

	(void)state;
	check_table(rows, COUNT(rows));
}

static void scripts_within_scripts(void **state)
{
	static const struct row rows[] = {
		{ ONLINE "chain http://s/script\necho out ${inner}", SIM_EXITED,
		  "in\nout yes\n" },
		{ ONLINE "chain --replace http://s/script\necho never",
		  SIM_EXITED, "in\n" },
		{ ONLINE "imgtrust\nchain http://s/script || echo refused",
		  SIM_EXITED, "!script: not trusted\nrefused\n" },
		{ ONLINE "chain --autofree http://s/script\nimgstat script || "
			 "echo gone",
		  SIM_EXITED, "in\ngone\n" },
	};

	(void)state;
	check_table(rows, COUNT(rows));
}

static void relative_urls(void **state)
{
	struct laboratory lab;

	(void)state;
	lab_open(&lab);
	lab.nested = sim_script_new(
		&lab.arena, TEXT("#!ipxe\nimgfetch initrd\nimgfetch /kernel\n"
				 "imgstat initrd kernel && echo ${cwuri}"));
	assert_int_equal(lab_run(&lab, ONLINE "imgfetch initrd || echo where\n"
					      "chain http://s/script"),
			 SIM_EXITED);
	assert_string_equal(sbuf_text(&lab.trace), "where\nhttp://s/script\n");
	lab_close(&lab);
}

static void ends_of_runs(void **state)
{
	static const struct row rows[] = {
		{ "reboot", SIM_REBOOTED, "" },
		{ "poweroff", SIM_POWERED_OFF, "" },
		{ "sanboot --drive 0x80 || echo none", SIM_EXITED, "none\n" },
		{ ":a\nsleep 5\ngoto a", SIM_RETRIES, "" },
		{ ":a\ngoto a", SIM_SPINS, "" },
		{ "set d:int32 5\n:a\nsleep ${d}\niseq ${d} 160 || inc d ${d}\n"
		  "goto a",
		  SIM_RETRIES, "" },
		{ ":a\ninc n\ngoto a", SIM_SPINS, "" },
		{ "prompt x", SIM_WAITS, "" },
		{ "prompt --timeout 100 x || echo late", SIM_EXITED, "late\n" },
		{ "nonsense || echo unknown", SIM_EXITED,
		  "?command nonsense\nunknown\n" },
	};

	(void)state;
	check_table(rows, COUNT(rows));
}

static void statuses(void **state)
{
	static const struct {
		const char *script;
		unsigned long status;
	} rows[] = {
		{ "exit 1", 1 },
		{ "exit", 0 },
		{ "exit 0x10", 16 },
		{ "echo", 0 },
		{ "exit x", 0x1c000000 },
		{ "isset", 0x46000000 },
		{ "isset ${x}", 0x2d000000 },
	};
	struct laboratory lab;

	(void)state;
	lab_open(&lab);
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(lab_run(&lab, rows[i].script), SIM_EXITED);
		assert_int_equal(sim_status(lab.sim), rows[i].status);
	}
	lab_close(&lab);
}

static void keys_and_menus(void **state)
{
	static const char menu[] = "menu Title\nitem a A\nitem --gap -- x\n"
				   "item --default b B\nitem c C\n"
				   "choose --timeout 1000 c || echo escaped\n"
				   "echo ${c}";
	struct laboratory lab;

	(void)state;
	lab_open(&lab);
	assert_int_equal(lab_run(&lab, menu), SIM_EXITED);
	assert_string_equal(sbuf_text(&lab.trace), "b\n");
	lab.choice = 3;
	assert_int_equal(lab_run(&lab, menu), SIM_EXITED);
	assert_string_equal(sbuf_text(&lab.trace), "c\n");
	lab.choice = 4;
	assert_int_equal(lab_run(&lab, menu), SIM_EXITED);
	assert_string_equal(sbuf_text(&lab.trace), "escaped\n\n");
	lab.choice = SIZE_MAX;
	assert_int_equal(lab_run(&lab, "menu\nitem a\nchoose x"), SIM_WAITS);
	assert_int_equal(lab_run(&lab,
				 "menu\nitem\nchoose x || echo empty\n"
				 "choose x || echo gone\nitem a || echo gone"),
			 SIM_EXITED);
	assert_string_equal(sbuf_text(&lab.trace), "empty\ngone\ngone\n");
	lab.key = 2;
	assert_int_equal(
		lab_run(&lab, "prompt && echo any\nprompt --key 0x02 && echo "
			      "it\nprompt -k b || echo other"),
		SIM_EXITED);
	assert_string_equal(sbuf_text(&lab.trace), "any\nit\nother\n");
	lab_close(&lab);
}

static void firmware_that_verifies(void **state)
{
	static const struct row rows[] = {
		{ "echo ${efi/SecureBoot} ${platform}", SIM_EXITED,
		  "01 efi\n" },
		{ ONLINE "boot http://s/kernel", SIM_BOOTED,
		  "boot kernel(0)[]\n" },
		{ ONLINE "boot http://bad/kernel || echo refused", SIM_EXITED,
		  "!kernel: not signed for the firmware\nrefused\n" },
		{ "sanboot --drive 0x80 || sanboot --no-describe --drive 0",
		  SIM_DISK_BOOTED, "" },
	};
	struct laboratory lab;

	(void)state;
	lab_open(&lab);
	lab.world.platform = "efi";
	lab.world.secure_boot = lab.world.disk = true;
	check_rows(&lab, rows, COUNT(rows));
	lab_close(&lab);
}

/* What a run says that it did not ask for, it does not depend on. */
static void kinds_that_matter(void **state)
{
	static const struct {
		const char *script;
		bool asks;
	} rows[] = {
		{ "echo ${net0/mac} ${uuid} ${version} ${efix/SecureBoot}",
		  false },
		{ "set platform x\necho ${platform}", false },
		{ ONLINE "imgfetch http://s/kernel\nimgselect kernel", false },
		{ ONLINE "chain http://s/script || echo no", false },
		{ "clear platform\necho ${platform}", true },
		{ "echo ${builtin/buildarch}", true },
		{ "iseq ${efi/SecureBoot} 01 && echo secure ||", true },
		{ "isset ${SecureBoot} && echo secure ||", true },
		{ "set efi/x 1 || echo not here", true },
		{ "set name plat\necho ${${name}form}", true },
		{ ONLINE "boot http://bad/kernel || echo refused", true },
		{ "sanboot || echo no disk", true },
	};
	struct laboratory lab;

	(void)state;
	lab_open(&lab);
	for (size_t i = 0; i < COUNT(rows); i++) {
		bool other;
		enum sim_end end;
		char *trace;

		lab.world.platform = "pcbios";
		lab.world.secure_boot = lab.world.disk = false;
		end = lab_run(&lab, rows[i].script);
		trace = arena_copy(&lab.arena, lab.trace.ptr, lab.trace.len);
		assert_int_equal(sim_asked_for_kind(lab.sim), rows[i].asks);
		lab.world.platform = "efi";
		lab.world.secure_boot = lab.world.disk = true;
		other = lab_run(&lab, rows[i].script) != end ||
			strcmp(sbuf_text(&lab.trace), trace) != 0;
		assert_int_equal(sim_asked_for_kind(lab.sim), rows[i].asks);
		assert_int_equal(other, rows[i].asks);
	}
	lab_close(&lab);
}

static void strays_are_seen(void **state)
{
	struct laboratory lab;

	(void)state;
	lab_open(&lab);
	lab.world.stray = true;
	assert_int_equal(lab_run(&lab, ONLINE "boot http://s/kernel"),
			 SIM_BOOTED);
	assert_string_equal(sbuf_text(&lab.trace),
			    "boot kernel(0)[] autoexec.ipxe(0)[]\n");
	assert_int_equal(
		lab_run(&lab, "imgfree\n" ONLINE "boot http://s/kernel"),
		SIM_BOOTED);
	assert_string_equal(sbuf_text(&lab.trace), "boot kernel(0)[]\n");
	lab_close(&lab);
}

static void bytes_of_any_kind(void **state)
{
	struct laboratory lab;

	(void)state;
	lab_open(&lab);
	lab_run_text(&lab, TEXT("echo a\0b\necho c\0\\\n:d\0e\ngoto d\n"));
	assert_string_equal(sbuf_text(&lab.trace), "a\nc\n");
	lab_run_text(&lab, TEXT("echo a\fb\vc\n"));
	assert_string_equal(sbuf_text(&lab.trace), "a b c\n");
	lab_close(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_and_words),
		cmocka_unit_test(operators),
		cmocka_unit_test(labels),
		cmocka_unit_test(expansion),
		cmocka_unit_test(expansion_without_end),
		cmocka_unit_test(settings),
		cmocka_unit_test(network),
		cmocka_unit_test(images),
		cmocka_unit_test(verification),
		cmocka_unit_test(scripts_within_scripts),
		cmocka_unit_test(relative_urls),
		cmocka_unit_test(ends_of_runs),
		cmocka_unit_test(statuses),
		cmocka_unit_test(keys_and_menus),
		cmocka_unit_test(firmware_that_verifies),
		cmocka_unit_test(kinds_that_matter),
		cmocka_unit_test(strays_are_seen),
		cmocka_unit_test(bytes_of_any_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
