# ipxe-embed: make help lists the targets.
#
# VARIANT=release|debug|asan|cov builds into build/$(VARIANT)/; V=1 shows the
# commands. build/ipxe-embed is the program of the last variant built.

VARIANT ?= release
CC ?= gcc
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
LDFLAGS_release := -Wl,-z,relro,-z,now

LIBS := yaml-0.1 libcrypto
PKG_CFLAGS := $(shell pkg-config --cflags $(LIBS) 2>/dev/null)
PKG_LIBS := $(shell pkg-config --libs $(LIBS) 2>/dev/null)

CPPFLAGS += -D_GNU_SOURCE -Icompiler -Icerts -I$(B)
ALL_CFLAGS = -std=c11 $(WARNINGS) $(WERROR) $(CFLAGS_$(VARIANT)) $(PKG_CFLAGS) \
	$(CPPFLAGS) $(CFLAGS)
ALL_LDFLAGS = $(CFLAGS_$(VARIANT)) $(LDFLAGS_$(VARIANT)) $(LDFLAGS)

Q := $(if $(V),,@)
say = @printf '  %-7s %s\n'

compiler_objects := $(patsubst %.c,$(B)/%.o,$(wildcard compiler/*.c))
certs_objects := $(patsubst %.c,$(B)/%.o,$(wildcard certs/*.c))
program_objects := $(patsubst %.c,$(B)/%.o,$(wildcard ipxe-embed/*.c))
unit_tests := $(patsubst tests/unit/%.c,$(B)/tests/unit/%,\
	$(wildcard tests/unit/test_*.c))

.PHONY: all help check test demo bench fuzz install clean format unit
.DELETE_ON_ERROR:
.SECONDARY:

all: build/ipxe-embed

$(B)/libcompiler.a: $(compiler_objects)
$(B)/libcerts.a: $(certs_objects)
$(B)/%.a:
	$(say) AR $@
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# Everything but main(), so that tests can link the rest of the program.
$(B)/libprogram.a: $(filter-out $(B)/ipxe-embed/main.o,$(program_objects))

libraries := $(B)/libprogram.a $(B)/libcerts.a $(B)/libcompiler.a

$(B)/bin/ipxe-embed: $(B)/ipxe-embed/main.o $(libraries)
	@mkdir -p $(@D)
	$(say) LD $@
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

build/ipxe-embed: $(B)/bin/ipxe-embed FORCE
	@ln -sfn $(VARIANT)/bin/ipxe-embed $@
.PHONY: FORCE
FORCE:

$(B)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(say) CC $<
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/tests/unit/%: $(B)/tests/unit/%.o $(libraries)
	$(say) LD $@
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS) -lcmocka

-include $(wildcard $(B)/*/*.d $(B)/*/*/*.d)

unit: $(unit_tests)
	$(Q)for t in $(unit_tests); do echo "== $$t"; $$t || exit 1; done

test: all unit

format:
	clang-format -i $$(git ls-files '*.[ch]')

clean:
	rm -rf build
