# ipxe-embed: make help lists the targets.
#
# VARIANT=release|debug|asan|cov|clang|fuzz builds into build/$(VARIANT)/; V=1
# shows the commands. build/ipxe-embed is the program of the last variant built.

VARIANT ?= release
ifneq ($(filter $(VARIANT),clang fuzz),)
CC := clang
else ifeq ($(origin CC),default)
CC := gcc
endif
B := build/$(VARIANT)

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wold-style-definition -Wvla -Wundef \
	-Wpointer-arith -Wcast-align -Wcast-qual -Wwrite-strings \
	-Wswitch-enum -Wformat=2 -Wconversion -Wno-sign-conversion
ifeq ($(shell $(CC) --version | grep -c clang),0)
WARNINGS += -Wlogical-op -Wduplicated-cond -Wduplicated-branches \
	-Wjump-misses-init
endif
WERROR ?= -Werror

CFLAGS_release := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong
CFLAGS_debug := -O0 -g3
CFLAGS_asan := -O1 -g3 -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
CFLAGS_cov := -O0 -g3 --coverage
CFLAGS_clang := -O1 -g
CFLAGS_fuzz := -O1 -g3 -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=all -fno-omit-frame-pointer
LDFLAGS_release := -Wl,-z,relro,-z,now

PREFIX ?= /usr/local
VERSION := 0.1

LIBS := yaml-0.1 libssl libcrypto jansson libp11 p11-kit-1 libcurl
PKG_CFLAGS := $(shell pkg-config --cflags $(LIBS) 2>/dev/null)
# slirp.pc wants GLib's, which libslirp-dev of Debian does not bring along.
PKG_LIBS := $(shell pkg-config --libs $(LIBS) 2>/dev/null) -lslirp -lresolv

CPPFLAGS += -D_GNU_SOURCE -Icompiler -Icerts -Iimport -Iipxe-embed -I$(B)
ALL_CFLAGS = -std=c11 $(WARNINGS) $(WERROR) $(CFLAGS_$(VARIANT)) $(PKG_CFLAGS) \
	$(CPPFLAGS) $(CFLAGS)
ALL_LDFLAGS = $(CFLAGS_$(VARIANT)) $(LDFLAGS_$(VARIANT)) $(LDFLAGS)

Q := $(if $(V),,@)
say = @printf '  %-7s %s\n'

compiler_objects := $(patsubst %.c,$(B)/%.o,$(wildcard compiler/*.c))
import_objects := $(patsubst %.c,$(B)/%.o,$(wildcard import/*.c))
certs_objects := $(patsubst %.c,$(B)/%.o,$(wildcard certs/*.c))
program_objects := $(patsubst %.c,$(B)/%.o,$(wildcard ipxe-embed/*.c))
unit_tests := $(patsubst tests/unit/%.c,$(B)/tests/unit/%,\
	$(wildcard tests/unit/test_*.c))
fuzz_targets := $(patsubst tests/fuzz/%.c,$(B)/tests/fuzz/%,\
	$(wildcard tests/fuzz/fuzz_*.c))

.PHONY: all help programs check test docs golden-update demo bench fuzz install \
	clean format unit
.DELETE_ON_ERROR:
.SECONDARY:

all: build/ipxe-embed ## the program (build/ipxe-embed)

$(B)/libcompiler.a: $(compiler_objects)
$(B)/libcerts.a: $(certs_objects)
$(B)/libimport.a: $(import_objects)
$(B)/%.a:
	$(say) AR $@
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# Everything but main(), so that tests can link the rest of the program.
$(B)/libprogram.a: $(filter-out $(B)/ipxe-embed/main.o,$(program_objects))

libraries := $(B)/libprogram.a $(B)/libimport.a $(B)/libcerts.a \
	$(B)/libcompiler.a

$(B)/bin/ipxe-embed: $(B)/ipxe-embed/main.o $(libraries)
	@mkdir -p $(@D)
	$(say) LD $@
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

build/ipxe-embed: $(B)/bin/ipxe-embed FORCE
	@ln -sfn $(VARIANT)/bin/ipxe-embed $@
.PHONY: FORCE
FORCE:

$(B)/ipxe-embed/main.o: CPPFLAGS += -DVERSION='"$(VERSION)"'

$(B)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(say) CC $<
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/tests/unit/%: $(B)/tests/unit/%.o $(libraries)
	$(say) LD $@
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS) -lcmocka

# libFuzzer brings a main() of its own.
ifeq ($(VARIANT),fuzz)
$(fuzz_targets): LDFLAGS += -fsanitize=fuzzer
else
$(fuzz_targets): $(B)/tests/fuzz/driver.o
endif
$(B)/tests/fuzz/fuzz_%: $(B)/tests/fuzz/fuzz_%.o $(libraries)
	$(say) LD $@
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) \
		$(PKG_LIBS)

# It holds their bytes (.incbin), which -MMD does not see.
$(B)/ipxe-embed/configuration.o: $(wildcard ipxe-embed/ipxe/*.h)

$(B)/tests/base/%: $(B)/tests/base/%.o $(libraries)
	$(say) LD $@
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(B)/tests/mutants/%: $(B)/tests/mutants/%.o $(libraries)
	$(say) LD $@
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(B)/tests/simulate/%: $(B)/tests/simulate/%.o $(libraries)
	$(say) LD $@
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

-include $(wildcard $(B)/*/*.d $(B)/*/*/*.d)

help:
	@echo 'make [VARIANT=release|debug|asan|cov|clang] [TARGET]'
	@echo
	@sed -nE 's/^([a-z-]+):.*## (.*)/  \1\t\2/p' $(MAKEFILE_LIST) | \
		expand -t 18 | sort

# What tests/run needs of one variant.
programs: $(B)/bin/ipxe-embed $(unit_tests) $(fuzz_targets) \
	$(B)/tests/base/bakery $(B)/tests/simulate/trace \
	$(B)/tests/mutants/mutate

unit: programs ## unit tests of one variant
	$(Q)VARIANTS=$(VARIANT) tests/run unit

check: programs ## tests that need no other program, on one variant
	$(Q)VARIANTS=$(VARIANT) tests/run unit errors cli golden fuzz

# Unless make was told how many at a time.
IN_PARALLEL = $(if $(filter -j%,$(MAKEFLAGS)),,-j$$(nproc))

# The flags of libraries are found when make starts; so each step that may
# follow an installation is a make of its own.
test: ## everything, on every compiler, installing what it needs
	$(Q)scripts/install-deps.sh build test base native e2e
	$(Q)for v in release clang asan; do \
		$(MAKE) --no-print-directory $(IN_PARALLEL) VARIANT=$$v \
			programs || exit 1; \
	done
	$(Q)VARIANTS='release clang asan' tests/run

docs: $(B)/bin/ipxe-embed ## what of docs/ the program writes itself
	$(Q)$< schema --format=markdown >docs/keys.md

golden-update: programs ## take the present output as the expected one
	$(Q)IPXE_EMBED=$(CURDIR)/$(B)/bin/ipxe-embed tests/golden/run --update

demo: ## build a laboratory, boot a machine of it in QEMU, and show it
	$(Q)scripts/demo.sh

FUZZ_SECONDS ?= 60

fuzz: ## look for inputs that break a promise, FUZZ_SECONDS for each target
	$(Q)$(MAKE) --no-print-directory VARIANT=fuzz fuzzers
	$(Q){ cat tests/fuzz/*.dict; sed -nE \
		's/^\t\{ ("[^"]*"), AT_.*/\1/p' compiler/schema.c; \
	} >build/fuzz/dict
	$(Q)for source in tests/fuzz/fuzz_*.c; do \
		name=$$(basename $$source .c); \
		mkdir -p build/fuzz/corpus/$$name; \
		build/fuzz/tests/fuzz/$$name -max_total_time=$(FUZZ_SECONDS) \
			-timeout=10 -rss_limit_mb=4096 -max_len=8192 \
			-print_final_stats=1 -dict=build/fuzz/dict \
			-artifact_prefix=build/fuzz/$$name- \
			build/fuzz/corpus/$$name \
			tests/fuzz/corpus/$${name#fuzz_} tests/errors \
			|| exit 1; \
	done

bench_programs := $(patsubst %.c,$(B)/%,$(wildcard tests/bench/*.c))

$(B)/tests/bench/%: $(B)/tests/bench/%.o $(libraries)
	$(say) LD $@
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

bench: $(B)/bin/ipxe-embed $(bench_programs) $(B)/tests/base/bakery ## figures for docs/performance.md
	$(Q)IPXE_EMBED=$(CURDIR)/$< BUILD=$(CURDIR)/$(B) tests/bench/bench

.PHONY: fuzzers
fuzzers: $(fuzz_targets)

install: $(B)/bin/ipxe-embed ## to DESTDIR and PREFIX (/usr/local)
	install -D -m 755 $< $(DESTDIR)$(PREFIX)/bin/ipxe-embed
	$< help --man >$(B)/ipxe-embed.1
	install -D -m 644 $(B)/ipxe-embed.1 \
		$(DESTDIR)$(PREFIX)/share/man/man1/ipxe-embed.1
	$< schema --format=man >$(B)/ipxe-embed-site.5
	install -D -m 644 $(B)/ipxe-embed-site.5 \
		$(DESTDIR)$(PREFIX)/share/man/man5/ipxe-embed-site.5
	$< help --bash-completion >$(B)/ipxe-embed.bash
	install -D -m 644 $(B)/ipxe-embed.bash \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/ipxe-embed

format: ## C sources, by clang-format
	clang-format -i $$(git ls-files '*.[ch]')

clean: ## remove build/
	rm -rf build
