#include "arch.h"

const enum arch arch_all[ARCHS] = { ARCH_X86_64, ARCH_ARM64 };

static const struct {
	const char *word;
	enum arch arch;
} names[ARCHS] = {
	{ "x86_64", ARCH_X86_64 },
	{ "arm64", ARCH_ARM64 },
};

const char *arch_word(unsigned archs)
{
	for (size_t i = 0; i < ARCHS; i++)
		if (archs == (unsigned)names[i].arch)
			return names[i].word;
	return NULL;
}

unsigned arch_find(struct text name)
{
	for (size_t i = 0; i < ARCHS; i++)
		if (text_is(name, names[i].word))
			return names[i].arch;
	return 0;
}

const char *arch_other_name(struct text name)
{
	static const struct {
		const char *other, *word;
	} others[] = {
		{ "amd64", "x86_64" },  { "x64", "x86_64" },
		{ "x86-64", "x86_64" }, { "i386", "x86_64" },
		{ "aarch64", "arm64" }, { "arm", "arm64" },
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (text_is(name, others[i].other))
			return others[i].word;
	return NULL;
}
