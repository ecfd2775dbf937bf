#include "matchbox.h"

/* What tells the installer, in Butane: a live system takes it from /config.ign
 * in its initrd. The configuration of the installed system is no file of an
 * initrd, since the root file system of the live one is another; so it is
 * served, and taken only by its digest. Arguments coreos.inst.* stay in force
 * beside files in installer.d (coreos-installer, docs/customizing-install.md). */
static const char installer[] =
	"# For the live system: what coreos-installer puts on the disk.\n"
	"variant: fcos\n"
	"version: 1.4.0\n"
	"ignition:\n"
	"  security:\n"
	"    tls:\n"
	"      certificate_authorities:\n"
	"        # Below which the web server's certificate is.\n"
	"        - inline: |\n"
	"            {{> certs/root.pem}}\n"
	"storage:\n"
	"  files:\n"
	"    - path: /etc/coreos/installed.ign\n"
	"      mode: 0600\n"
	"      contents:\n"
	"        source: \"{{serve.installed.url}}\"\n"
	"        verification:\n"
	"          hash: \"sha256-{{serve.installed.sha256}}\"\n"
	"    - path: /etc/coreos/installer.d/installed.yaml\n"
	"      mode: 0644\n"
	"      contents:\n"
	"        inline: |\n"
	"          ignition-file: /etc/coreos/installed.ign\n";

static const char *const butane[] = { "butane", "--strict", NULL };

/* Up to 4.4 it ran in the initramfs, and read no files. */
static bool is_old(const struct mb_profile *p)
{
	return p->kernel.text.ptr &&
	       memmem(p->kernel.text.ptr, p->kernel.text.len, "-installer-",
		      strlen("-installer-"));
}

static bool has_file(const struct mb_profile *p, struct text path)
{
	vec_foreach (const struct mb_file, file, &p->files)
		if (text_equal(file->path, path))
			return true;
	return false;
}

bool matchbox_coreos_installer(struct matchbox *mb, struct mb_profile *p,
			       struct mb_wanted *wanted, struct span at)
{
	static const char name[] = "\"coreos.inst.ignition_url\"";
	const struct text config = TEXT("/config.ign");

	if (is_old(p)) {
		import_find(mb->im, FATE_LOST, at,
			    "take a live image of today: without it, this one "
			    "installs a system that nobody can log in to",
			    "%s asks Matchbox while the system runs, and an "
			    "installer as old as this takes it in no other way",
			    name);
		return false;
	}
	if (has_file(p, config)) {
		import_find(mb->im, FATE_LOST, at,
			    "let that bring it, as in "
			    "examples/cookbook/21-coreos-to-disk",
			    "%s: the live system has a configuration of its "
			    "own already, %s",
			    name, config.ptr);
		return false;
	}
	wanted->path = TEXT("installed");
	wanted->served = true;
	if (!matchbox_want(mb, wanted)) {
		import_find(mb->im, FATE_LOST, at, NULL,
			    "%s: there is no configuration that could be "
			    "served",
			    name);
		return false;
	}
	*vec_push(mb->im->arena, &p->files) = (struct mb_file){
		.path = config,
		.from = matchbox_output(mb, TEXT("coreos-installer.bu"),
					"installer", TEXT(installer)),
		.convert = butane,
	};
	p->installs = true;
	import_find(mb->im, FATE_CHANGED, at,
		    "see to it that butane is installed where the site is "
		    "built, and that the image is of 2022 or later "
		    "(coreos-installer 0.12)",
		    "%s: what the installer writes is served, and taken by the "
		    "digest that %s in the verified initrd has of it",
		    name, config.ptr);
	return true;
}
