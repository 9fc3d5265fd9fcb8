# pollvisor. `make help` tells what there is.

CARGO ?= cargo
PYTHON ?= python3
PREFIX ?= /usr/local
DESTDIR ?=
BINDIR = $(PREFIX)/bin
MANDIR = $(PREFIX)/share/man
CONFDIR ?= /etc/supervisor
TARGET ?= $(shell uname -m)-unknown-linux-gnu
ORIGINAL = target/supervisor-4.3.0
STATIC = target/$(TARGET)/release/supervisord
NO_UNWIND_TABLES = target/no-unwind-tables.ld
BINARY ?= target/release/supervisord
NAMES = supervisord supervisorctl pidproxy echo_supervisord_conf

.DEFAULT_GOAL := all
.PHONY: help all run test fuzz rotation attacks compare check-tools bench static install uninstall clean

help: ## Shows this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

all: ## Builds the release binary (the default)
	$(CARGO) build --release

run: all ## Builds, then runs the demonstration in the foreground (Ctrl-C ends it)
	@mkdir -p target/demo
	@for name in $(NAMES); do ln -sf ../release/supervisord target/demo/$$name; done
	@echo
	@echo "In a second terminal:  target/demo/supervisorctl -c conf/demo.conf status"
	@echo
	@target/demo/supervisord -n -c conf/demo.conf

test: check-tools $(ORIGINAL)/bin/memmon ## Everything that must hold: format, lints, tests (also against Supervisor 4.3.0), manual pages
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets -- -D warnings
	RUST_TEST_THREADS=$${RUST_TEST_THREADS:-4} $(CARGO) test
	@for page in man/*.[1-9]; do \
	  [ -e "$$page" ] || continue; \
	  echo "mandoc -T lint $$page"; mandoc -T lint -W warning "$$page" || exit 1; \
	done

fuzz: ## Ten million nonsensical inputs for each reader of configurations, listeners and output
	FUZZ_INPUTS=10000000 $(CARGO) test --release --test integration -- --nocapture fuzz::

rotation: ## A gigabyte into logs that roll over, are cleared, moved away and reopened meanwhile
	ROTATION_MB=1024 $(CARGO) test --release --test integration -- --nocapture rotation::

attacks: ## Published attacks, during which another client is answered within 50 ms (on an idle machine)
	ANSWER_LIMIT_MS=50 $(CARGO) test --release --test integration -- --nocapture --test-threads 1 attacks::

compare: $(ORIGINAL)/bin/supervisord ## 20,000 generated configurations of each sort against Supervisor 4.3.0
	GENERATED=20000 $(CARGO) test --release --test integration -- config::oracle::generated

# What the tests use beside Rust. As root on Debian what is missing is installed.
check-tools:
	@missing=; packages=; \
	need() { command -v $$1 >/dev/null 2>&1 || { missing="$$missing $$1"; packages="$$packages $$2"; }; }; \
	need strace strace; need mandoc mandoc; need $(PYTHON) python3; need cc gcc; \
	need unshare util-linux; need setpriv util-linux; need prlimit util-linux; need mount mount; need ps procps; \
	$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { missing="$$missing python3-venv"; packages="$$packages python3-venv"; }; \
	[ -z "$$missing" ] && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
	  echo "installing:$$packages"; \
	  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$packages; } </dev/null || exit 1; \
	else \
	  echo "make test needs:$$missing (Debian packages:$$packages)" >&2; exit 1; \
	fi

$(ORIGINAL)/bin/supervisord:
	rm -rf $(ORIGINAL)
	$(PYTHON) -m venv $(ORIGINAL)
	$(ORIGINAL)/bin/pip install --quiet --disable-pip-version-check supervisor==4.3.0

# The event listeners of others that the tests run.
$(ORIGINAL)/bin/memmon: $(ORIGINAL)/bin/supervisord
	$(ORIGINAL)/bin/pip install --quiet --disable-pip-version-check superlance==2.0.0
	@touch $@

bench: all static $(ORIGINAL)/bin/supervisord ## Measures memory, latency, idleness and size beside Supervisor 4.3.0
	$(ORIGINAL)/bin/python tests/bench/bench.py --ours target/release/supervisord --static $(STATIC) --original $(ORIGINAL)/bin

# Tables for unwinding the stack, some 170 KB that nobody reads: a panic aborts (src/sys/unwind.rs). What
# the C runtime's own start files hold stays, as they refer to it.
$(NO_UNWIND_TABLES): Makefile
	@mkdir -p $(@D)
	@echo 'SECTIONS { /DISCARD/ : { *(EXCLUDE_FILE(*crt*.o) .eh_frame) *(.eh_frame_hdr) *(.gcc_except_table*) } } INSERT AFTER .text;' > $@

# --target keeps the flags away from build scripts, which need the dynamic libc.
static: $(NO_UNWIND_TABLES) ## Builds the static binary (glibc): target/TARGET/release/supervisord
	RUSTFLAGS="-C target-feature=+crt-static -C relocation-model=static -C link-arg=-Wl,-T,$(NO_UNWIND_TABLES)" \
	  $(CARGO) build --release --target $(TARGET)
	@ls -l $(STATIC)

install: ## Installs BINARY (target/release/supervisord) below DESTDIR and PREFIX (/usr/local); keeps a configuration
	@test -e $(BINARY) || { echo "$(BINARY) is missing: run \`make\` or \`make static\` first" >&2; exit 1; }
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(CONFDIR)
	install -m 755 $(BINARY) $(DESTDIR)$(BINDIR)/supervisord
	for name in supervisorctl pidproxy echo_supervisord_conf; do ln -sf supervisord $(DESTDIR)$(BINDIR)/$$name; done
	for page in man/*.[1-9]; do \
	  [ -e "$$page" ] || continue; \
	  section=$${page##*.}; \
	  install -d $(DESTDIR)$(MANDIR)/man$$section; \
	  install -m 644 "$$page" $(DESTDIR)$(MANDIR)/man$$section/; \
	done
	[ -e $(DESTDIR)$(CONFDIR)/supervisord.conf ] || install -m 644 conf/supervisord.conf $(DESTDIR)$(CONFDIR)/supervisord.conf

uninstall: ## Removes what install brought; the configuration stays
	for name in $(NAMES); do rm -f $(DESTDIR)$(BINDIR)/$$name; done
	for page in man/*.[1-9]; do \
	  [ -e "$$page" ] || continue; \
	  rm -f $(DESTDIR)$(MANDIR)/man$${page##*.}/$${page#man/}; \
	done

clean: ## Removes everything that was built
	$(CARGO) clean
