# pollvisor. `make help` tells what there is.

CARGO ?= cargo
RUSTC ?= rustc
PYTHON ?= python3
PREFIX ?= /usr/local
DESTDIR ?=
BINDIR = $(PREFIX)/bin
MANDIR = $(PREFIX)/share/man
BASH_COMPLETIONS = $(PREFIX)/share/bash-completion/completions
ZSH_COMPLETIONS = $(PREFIX)/share/zsh/site-functions
FISH_COMPLETIONS = $(PREFIX)/share/fish/vendor_completions.d
CONFDIR ?= /etc/supervisor
# The machine that is built for, as rustc calls it.
TARGET ?= $(shell $(RUSTC) -vV 2>/dev/null | sed -n 's/^host: //p')
ORIGINAL = target/supervisor-4.3.0
MULTIVISOR = target/multivisor
REAL_PROGRAMS = target/real-programs
STATIC = target/$(TARGET)/release/supervisord
NO_UNWIND_TABLES = target/no-unwind-tables.ld
CRONITER = target/croniter
PROMTOOL = target/promtool/promtool
PROMETHEUS_CLIENT = target/prometheus-client
AXE_VERSION = 4.14.1
AXE = target/axe-core/package/axe.min.js
BINARY ?= target/release/supervisord
FEATURES ?=
# How often `make flaky` runs, and which tests; as for cargo test, none is all.
RUNS ?= 10
MODEL_MINUTES ?= 60
TESTS ?=
# What starts the tests may ignore signals (nohup does, and so do some builders); what the tests start is not to inherit that.
WITH_SIGNALS = env --default-signal=HUP,INT,QUIT,TERM,PIPE
STATIC_FLAGS = -C target-feature=+crt-static -C relocation-model=static -C link-arg=-Wl,-T,$(NO_UNWIND_TABLES) $(LLD_FLAGS) $(REMAP) $(MORE_STATIC_FLAGS)
# The linker that comes with rustup's Rust makes one function of those whose code is the same; without it the default links.
RUST_SYSROOT = $(shell $(RUSTC) --print sysroot 2>/dev/null)
LLD_DIR = $(RUST_SYSROOT)/lib/rustlib/$(shell $(RUSTC) -vV 2>/dev/null | sed -n 's/^host: //p')/bin/gcc-ld
LLD_FLAGS = $(if $(wildcard $(LLD_DIR)/ld.lld),-C link-arg=-fuse-ld=lld -C link-arg=-B$(LLD_DIR) -C link-arg=-Xlinker -C link-arg=--icf=all)
REMAP = --remap-path-prefix=$(CURDIR)=. --remap-path-prefix=$(CARGO_HOME_DIR)=cargo
CARGO_HOME_DIR = $(or $(CARGO_HOME),$(HOME)/.cargo)
SERVICES ?= systemd
NAMES = supervisord supervisorctl pidproxy echo_supervisord_conf

.DEFAULT_GOAL := all
.PHONY: help all run test test-binary flaky lines fuzz rotation model attacks compare emulated valgrind test-under check-rust check-tools bench bench-deps bench-builds bench-copy scorecard soak static install uninstall clean

help: ## Shows this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

all: check-rust ## Builds the release binary (the default)
	$(CARGO) build --release

check-rust:
	@command -v $(CARGO) >/dev/null 2>&1 || { \
	  echo "cargo is missing: install Rust 1.88 or later, with cargo (rustup, or your system's packages)" >&2; exit 1; }

run: all ## Builds, then runs the demonstration in the foreground (Ctrl-C ends it)
	@mkdir -p target/demo
	@for name in $(NAMES); do ln -sf ../release/supervisord target/demo/$$name; done
	@echo
	@echo "In a second terminal:  target/demo/supervisorctl -c conf/demo.conf status"
	@echo
	@target/demo/supervisord -n -c conf/demo.conf

test: check-rust check-tools $(ORIGINAL)/bin/memmon $(ORIGINAL)/ansible/supervisorctl.py $(MULTIVISOR)/bin/multivisor-rpc $(REAL_PROGRAMS)/bin/celery $(CRONITER)/croniter/__init__.py $(PROMETHEUS_CLIENT)/prometheus_client/parser.py $(PROMTOOL) $(AXE) ## Everything that must hold: format, lints, tests (also against Supervisor 4.3.0), manual pages
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets -- -D warnings
	$(CARGO) clippy --no-default-features -- -D warnings
	RUST_TEST_THREADS=$${RUST_TEST_THREADS:-4} $(WITH_SIGNALS) $(CARGO) test
	@for page in man/*.[1-9]; do \
	  [ -e "$$page" ] || continue; \
	  echo "mandoc -T lint $$page"; mandoc -T lint -W warning "$$page" || exit 1; \
	done

test-binary: ## The integration tests on BINARY instead of the debug build (after make static or make tiny)
	@test -x $(BINARY) || { echo "$(BINARY) is missing: run \`make\`, \`make static\` or \`make tiny\` first" >&2; exit 1; }
	SUPERVISORD=$(abspath $(BINARY)) RUST_TEST_THREADS=$${RUST_TEST_THREADS:-4} $(WITH_SIGNALS) $(CARGO) test --test integration $(if $(TESTS),-- $(TESTS))

flaky: check-rust ## RUNS (10) runs of all tests or TESTS, in turn with busy processors and on one: which fail by chance?
	@RUNS=$(RUNS) TESTS="$(TESTS)" CARGO="$(CARGO)" $(WITH_SIGNALS) sh tests/flaky.sh

lines: ## Counts the lines of source without tests and comments, and the pieces of unsafe code
	@$(PYTHON) -B tests/lines.py

fuzz: ## Ten million nonsensical inputs for each reader of configurations, requests, listeners and output
	FUZZ_INPUTS=10000000 $(CARGO) test --release --test integration -- --nocapture fuzz::

rotation: ## A gigabyte into logs that roll over, are cleared, moved away and reopened meanwhile
	ROTATION_MB=1024 $(CARGO) test --release --test integration -- --nocapture rotation::

model: ## A seeded player does everything with the daemon for MODEL_MINUTES (60); MODEL_SEED plays one again
	MODEL_PLAYERS=$${MODEL_PLAYERS:-6} MODEL_SECONDS=$$(($(MODEL_MINUTES) * 60)) $(CARGO) test --release --test integration -- --nocapture model::

attacks: ## Published attacks, during which another client is answered within 50 ms (on an idle machine)
	ANSWER_LIMIT_MS=50 $(CARGO) test --release --test integration -- --nocapture --test-threads 1 attacks::

compare: $(ORIGINAL)/bin/supervisord ## 20,000 generated configurations of each sort against Supervisor 4.3.0
	GENERATED=20000 $(CARGO) test --release --test integration -- config::oracle::generated

emulated: ## The core of the tests with BINARY run by an emulator (qemu)
	@$(MAKE) --no-print-directory test-under TOOL=qemu-$(MACHINE)-static PACKAGE=qemu-user-static

valgrind: ## The core of the tests with BINARY run by valgrind, which finds no error
	@$(MAKE) --no-print-directory test-under TOOL=valgrind PACKAGE=valgrind TOOL_OPTIONS='--quiet --error-exitcode=99'

# The tests start what stands between them and the binary; the name that they start it by is the binary's.
MACHINE = $(shell uname -m)
UNDER = $(CURDIR)/target/under/$(TOOL)
test-under:
	@test -x $(BINARY) || { echo "$(BINARY) is missing: run \`make\`, \`make static\` or \`make tiny\` first" >&2; exit 1; }
	@command -v $(TOOL) >/dev/null 2>&1 || { \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
	  echo "installing: $(PACKAGE)"; \
	  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $(PACKAGE); } </dev/null || exit 1; \
	else \
	  echo "this needs $(TOOL) (Debian package: $(PACKAGE))" >&2; exit 1; \
	fi; }
	@mkdir -p $(UNDER)
	@for name in $(NAMES); do ln -sf $(abspath $(BINARY)) $(UNDER)/$$name; done
	@printf '#!/bin/sh\nexec %s "%s/$${0##*/}" "$$@"\n' "$(TOOL) $(TOOL_OPTIONS)" "$(UNDER)" > $(UNDER)/run
	@chmod +x $(UNDER)/run
	SUPERVISORD=$(UNDER)/run RUST_TEST_THREADS=$${RUST_TEST_THREADS:-1} $(CARGO) test --test integration -- core::

# What the tests use beside Rust. As root on Debian what is missing is installed. Meanwhile Debian's policy-rc.d
# keeps the services in it from being started: nginx would take port 80.
check-tools:
	@for part in fmt clippy; do $(CARGO) $$part --version >/dev/null 2>&1 || { \
	  echo "make test needs cargo $$part: rustup component add rustfmt clippy, or your system's packages of these names" >&2; exit 1; }; \
	done
	@missing=; packages=; PATH="$$PATH:/usr/sbin"; \
	need() { command -v $$1 >/dev/null 2>&1 || { missing="$$missing $$1"; packages="$$packages $$2"; }; }; \
	need strace strace; need mandoc mandoc; need $(PYTHON) python3; need cc gcc; \
	need unshare util-linux; need setpriv util-linux; need prlimit util-linux; need mount mount; need ps procps; \
	need curl curl; need bc bc; need jq jq; need setsid util-linux; need bash bash; need zsh zsh; need fish fish; \
	need chromium "chromium fonts-dejavu-core"; need chromedriver chromium-driver; need npm npm; \
	need nginx nginx; need apache2 apache2-bin; need redis-server redis-server; need cron cron; need systemd-notify systemd; \
	ls /usr/sbin/php-fpm* >/dev/null 2>&1 || { missing="$$missing php-fpm"; packages="$$packages php-fpm"; }; \
	/usr/bin/python3 -c 'import sdnotify, systemd.daemon' 2>/dev/null || { \
	  missing="$$missing python3-sdnotify python3-systemd"; packages="$$packages python3-sdnotify python3-systemd"; }; \
	$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { missing="$$missing python3-venv"; packages="$$packages python3-venv"; }; \
	[ -z "$$missing" ] && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
	  echo "installing:$$packages"; \
	  if [ ! -e /usr/sbin/policy-rc.d ]; then \
	    trap 'rm -f /usr/sbin/policy-rc.d' EXIT; \
	    { echo '#!/bin/sh'; echo 'exit 101'; } > /usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d; \
	  fi; \
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

# A dashboard and a check for Nagios that the tests run.
$(MULTIVISOR)/bin/multivisor-rpc:
	rm -rf $(MULTIVISOR)
	$(PYTHON) -m venv $(MULTIVISOR)
	$(MULTIVISOR)/bin/pip install --quiet --disable-pip-version-check --only-binary :all: \
	  'multivisor[rpc]==7.1.0' blinker==1.9.0 supervisor==4.3.0 nagios-check-supervisord==2.2.1
	@touch $@

# Programs that images run under supervisord, and the tests too.
$(REAL_PROGRAMS)/bin/celery:
	rm -rf $(REAL_PROGRAMS)
	$(PYTHON) -m venv $(REAL_PROGRAMS)
	$(REAL_PROGRAMS)/bin/pip install --quiet --disable-pip-version-check --only-binary :all: gunicorn==23.0.0 celery==5.5.3
	@touch $@

# Another reader of crontabs, for the times of schedules.
$(CRONITER)/croniter/__init__.py: $(ORIGINAL)/bin/supervisord
	rm -rf $(CRONITER)
	$(ORIGINAL)/bin/pip install --quiet --disable-pip-version-check --no-compile --target $(CRONITER) \
	  --no-deps croniter==6.0.0 python-dateutil==2.9.0.post0 pytz==2025.2 six==1.17.0
	@touch $@

# Two readers of figures for Prometheus: that of its client for Python,
$(PROMETHEUS_CLIENT)/prometheus_client/parser.py: $(ORIGINAL)/bin/supervisord
	rm -rf $(PROMETHEUS_CLIENT)
	$(ORIGINAL)/bin/pip install --quiet --disable-pip-version-check --no-compile --target $(PROMETHEUS_CLIENT) \
	  --no-deps prometheus_client==0.21.1
	@touch $@

# and its own, which also reads alerts: one file of Debian's package, which brings much that nobody here needs.
$(PROMTOOL):
	@rm -rf $(@D) && mkdir -p $(@D)
	@if command -v promtool >/dev/null; then ln -s "$$(command -v promtool)" $@; exit; fi; \
	command -v apt-get >/dev/null || { echo "make test needs promtool (of Prometheus)" >&2; exit 1; }; \
	cd $(@D) && { apt-cache show prometheus >/dev/null 2>&1 || apt-get update -q; } && \
	  apt-get download -q prometheus && dpkg-deb --fsys-tarfile prometheus_*.deb | tar -xO ./usr/bin/promtool > promtool.new && \
	  rm -f prometheus_*.deb && chmod 755 promtool.new && mv promtool.new promtool

# Ansible's module for supervisorctl, and what it imports. The wheel with all of Ansible's modules goes again.
$(ORIGINAL)/ansible/supervisorctl.py: $(ORIGINAL)/bin/supervisord
	@rm -rf $(@D) && mkdir -p $(@D)
	$(ORIGINAL)/bin/pip install --quiet --disable-pip-version-check --no-deps --no-compile --target $(@D)/lib ansible-core==2.18.19
	$(ORIGINAL)/bin/pip download --quiet --disable-pip-version-check --no-deps --dest $(@D) ansible==11.13.0
	@$(ORIGINAL)/bin/python -c 'import sys, zipfile; print(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]).decode(), end="")' \
	  $(@D)/*.whl ansible_collections/community/general/plugins/modules/supervisorctl.py > $@.new
	@rm -f $(@D)/*.whl && mv $@.new $@
# The rules of accessibility that the pages are held to.
$(AXE):
	@mkdir -p target/axe-core
	cd target/axe-core && npm pack --silent axe-core@$(AXE_VERSION)
	tar -xzf target/axe-core/axe-core-$(AXE_VERSION).tgz -C target/axe-core package/axe.min.js

bench: bench-builds $(ORIGINAL)/bin/supervisord ## Measures size, speed and scale beside 4.3.0 and peers; writes the README's figures (QUICK=1: a look)
	$(PYTHON) -B tests/bench $(if $(QUICK),--quick) $(BENCH)

bench-deps: ## Unpacks the peers of the bench from Debian's packages into target/peers
	sh tests/bench/deps.sh target/peers runit s6 daemontools dinit monit

scorecard: all $(ORIGINAL)/bin/supervisord ## What PID 1 of a container has to do, beside tini, dumb-init and 4.3.0; writes the README's table
	sh tests/bench/deps.sh target/peers tini dumb-init
	$(PYTHON) -B tests/scorecard.py $(BINARY) target/peers $(ORIGINAL) README.md

soak: bench-builds ## Half an hour (SOAK_MINUTES) of restarts, requests, rotation and events: does memory stay as it is?
	$(PYTHON) -B tests/bench/soak.py --minutes $(SOAK_MINUTES)

# Our builds side by side, target/bench/NAME/supervisord. What cannot be built here has a row that says how to get it.
SOAK_MINUTES ?= 30
MUSL_STATIC = target/$(MUSL_TARGET)/release/supervisord
bench-builds: all
	@rm -rf target/bench/musl target/bench/tiny target/bench/small-*
	@$(MAKE) --no-print-directory bench-copy FROM=target/release/supervisord TO=dynamic
	@if $(HAS_LIBRARY_SOURCE); then \
	  $(MAKE) --no-print-directory small && $(MAKE) --no-print-directory bench-copy FROM=$(STATIC) TO=small-glibc; fi
	@$(MAKE) --no-print-directory static
	@$(MAKE) --no-print-directory bench-copy FROM=$(STATIC) TO=glibc
	@if [ -d "$$($(RUSTC) --target $(MUSL_TARGET) --print target-libdir 2>/dev/null)" ]; then \
	  if $(HAS_LIBRARY_SOURCE); then \
	    $(MAKE) --no-print-directory small TARGET=$(MUSL_TARGET) && \
	    $(MAKE) --no-print-directory bench-copy FROM=$(MUSL_STATIC) TO=small-musl || exit 1; \
	  fi; \
	  $(MAKE) --no-print-directory tiny && \
	  $(MAKE) --no-print-directory bench-copy FROM=$(MUSL_STATIC) TO=tiny && \
	  $(MAKE) --no-print-directory static TARGET=$(MUSL_TARGET) && \
	  $(MAKE) --no-print-directory bench-copy FROM=$(MUSL_STATIC) TO=musl; \
	elif [ -e target/static-musl/$(MUSL_TARGET)/release/supervisord ]; then \
	  $(MAKE) --no-print-directory bench-copy FROM=target/static-musl/$(MUSL_TARGET)/release/supervisord TO=musl; \
	fi

bench-copy:
	@mkdir -p target/bench/$(TO) && cp -f $(FROM) target/bench/$(TO)/supervisord && ln -sf supervisord target/bench/$(TO)/supervisorctl

# Tables for unwinding the stack, some 170 KB that nobody reads: a panic aborts (src/sys/unwind.rs). What
# the C runtime's own start files hold stays, as they refer to it.
$(NO_UNWIND_TABLES): Makefile
	@mkdir -p $(@D)
	@echo 'SECTIONS { /DISCARD/ : { *(EXCLUDE_FILE(*crt*.o) .eh_frame) *(.eh_frame_hdr) *(.gcc_except_table*) } } INSERT AFTER .text;' > $@

# --target keeps the flags away from build scripts, which need the dynamic libc.
# Paths of the machine that builds stay out, so that every build of the same source is the same.
static: check-rust $(NO_UNWIND_TABLES) ## Builds the static binary: target/TARGET/release/supervisord
	@libdir=$$($(RUSTC) --target $(TARGET) --print target-libdir) && [ -d "$$libdir" ] || { \
	  echo "Rust's library for $(TARGET) is missing: rustup target add $(TARGET)" >&2; \
	  case $(TARGET) in *-musl) echo "or, with Debian's packages alone: make static-musl" >&2;; esac; exit 1; }
	RUSTFLAGS="$(STATIC_FLAGS)" $(CARGO) build --release --target $(TARGET) $(FEATURES)
	@ls -l $(STATIC)

# Where the files of conf/service go, below DESTDIR. They name /usr/bin and /etc/supervisor.
SERVICE_DIR = $(PREFIX)/share/pollvisor/service
SERVICE_systemd = $(PREFIX)/lib/systemd/system/supervisor.service
SERVICE_openrc = /etc/init.d/supervisord
SERVICE_openwrt = /etc/init.d/supervisord
SERVICE_sysv = /etc/init.d/supervisor
SERVICE_runit = /etc/sv/supervisord/run
SERVICE_s6 = /etc/s6/supervisord/run
# s6 has the time until it kills in a file of its own.
SERVICE_s6_timeout = /etc/s6/supervisord/timeout-kill
IN_PLACE = sed -e 's,/usr/bin/supervisor,$(BINDIR)/supervisor,g' -e 's,/etc/supervisor/,$(CONFDIR)/,g'

install: ## Installs BINARY below DESTDIR and PREFIX (/usr/local), and SERVICES (systemd); keeps a configuration
	@test -e $(BINARY) || { echo "$(BINARY) is missing: run \`make\` or \`make static\` first" >&2; exit 1; }
	@for service in $(SERVICES); do [ -d conf/service/$$service ] && [ $$service != busybox ] || { \
	  echo "no service file for $$service; SERVICES may name systemd openrc openwrt sysv runit s6" >&2; exit 1; }; done
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(CONFDIR)
	install -m 755 $(BINARY) $(DESTDIR)$(BINDIR)/supervisord
	for name in supervisorctl pidproxy echo_supervisord_conf; do ln -sf supervisord $(DESTDIR)$(BINDIR)/$$name; done
	for page in man/*.[1-9]; do \
	  [ -e "$$page" ] || continue; \
	  section=$${page##*.}; \
	  install -d $(DESTDIR)$(MANDIR)/man$$section; \
	  install -m 644 "$$page" $(DESTDIR)$(MANDIR)/man$$section/; \
	done
	install -d $(DESTDIR)$(BASH_COMPLETIONS) $(DESTDIR)$(ZSH_COMPLETIONS) $(DESTDIR)$(FISH_COMPLETIONS)
	install -m 644 conf/completions/supervisorctl.bash $(DESTDIR)$(BASH_COMPLETIONS)/supervisorctl
	install -m 644 conf/completions/supervisorctl.zsh $(DESTDIR)$(ZSH_COMPLETIONS)/_supervisorctl
	install -m 644 conf/completions/supervisorctl.fish $(DESTDIR)$(FISH_COMPLETIONS)/supervisorctl.fish
	[ -e $(DESTDIR)$(CONFDIR)/supervisord.conf ] || install -m 644 conf/supervisord.conf $(DESTDIR)$(CONFDIR)/supervisord.conf
	for file in conf/service/*/*; do \
	  place=$(DESTDIR)$(SERVICE_DIR)/$${file#conf/service/}; \
	  install -d $${place%/*} && $(IN_PLACE) $$file > $$place && chmod $$([ -x $$file ] && echo 755 || echo 644) $$place || exit 1; \
	done
	install -d $(DESTDIR)$(PREFIX)/share/pollvisor/monitoring
	install -m 644 conf/monitoring/* $(DESTDIR)$(PREFIX)/share/pollvisor/monitoring/
	$(foreach service,$(filter $(SERVICES),systemd openrc openwrt sysv runit s6),\
	  install -D -m $(if $(filter systemd,$(service)),644,755) $(DESTDIR)$(SERVICE_DIR)/$(service)/$(notdir $(SERVICE_$(service))) \
	    $(DESTDIR)$(SERVICE_$(service)) &&) true
	$(if $(filter s6,$(SERVICES)),install -m 644 conf/service/s6/timeout-kill $(DESTDIR)$(SERVICE_s6_timeout))
	@if [ -z "$(DESTDIR)" ] && [ -d /run/systemd/system ] && [ "$(filter systemd,$(SERVICES))" ]; then systemctl daemon-reload || true; fi

uninstall: ## Removes what install brought (with the same SERVICES); the configuration stays
	for name in $(NAMES); do rm -f $(DESTDIR)$(BINDIR)/$$name; done
	rm -f $(DESTDIR)$(BASH_COMPLETIONS)/supervisorctl $(DESTDIR)$(ZSH_COMPLETIONS)/_supervisorctl
	rm -f $(DESTDIR)$(FISH_COMPLETIONS)/supervisorctl.fish
	for page in man/*.[1-9]; do \
	  [ -e "$$page" ] || continue; \
	  rm -f $(DESTDIR)$(MANDIR)/man$${page##*.}/$${page#man/}; \
	done
	rm -rf $(DESTDIR)$(PREFIX)/share/pollvisor
	rm -f $(foreach service,$(SERVICES) $(if $(filter s6,$(SERVICES)),s6_timeout),$(DESTDIR)$(SERVICE_$(service)))

clean: ## Removes everything that was built
	$(CARGO) clean

include conf/ship.mk
