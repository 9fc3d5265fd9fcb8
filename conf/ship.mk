# What leaves the house: packages, containers, builds for other machines, checks of a release.

VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
MUSL_TARGET = $(shell uname -m)-unknown-linux-musl
CONTAINER = target/container
CONTAINER_BINARY ?= $(STATIC)
DEB_ARCH ?= $(shell dpkg --print-architecture 2>/dev/null)
DEB = target/pollvisor_$(VERSION)-$(DEB_REVISION)_$(DEB_ARCH).deb

.PHONY: container deb package-test static-musl tiny small parts reproducible release-check cross-check

container: ## Prepares the files of an image FROM scratch in target/container (conf/container)
	@[ "$(CONTAINER_BINARY)" != "$(STATIC)" ] || $(MAKE) --no-print-directory static
	rm -rf $(CONTAINER)
	install -D -m 755 $(CONTAINER_BINARY) $(CONTAINER)/usr/bin/supervisord
	for name in supervisorctl pidproxy echo_supervisord_conf; do ln -s supervisord $(CONTAINER)/usr/bin/$$name; done
	install -D -m 644 conf/container/supervisord.conf $(CONTAINER)/etc/supervisor/supervisord.conf
	install -d $(CONTAINER)/etc/supervisor/conf.d $(CONTAINER)/run
	echo 'root:x:0:0:root:/:/bin/sh' > $(CONTAINER)/etc/passwd
	echo 'root:x:0:' > $(CONTAINER)/etc/group

# Where the source of Rust's library is installed (rustup component add rust-src) it is built along for
# size by Rust 1.92 or later, for which cargo wants RUSTC_BOOTSTRAP; a panic aborts without a message there.
RUST_SOURCE = $(RUST_SYSROOT)/lib/rustlib/src/rust/library/Cargo.lock
TINY_PANIC = -Zunstable-options -Cpanic=immediate-abort
HAS_LIBRARY_SOURCE = [ -e "$(RUST_SOURCE)" ] && RUSTC_BOOTSTRAP=1 $(RUSTC) $(TINY_PANIC) --print cfg >/dev/null 2>&1
TINY_LIBRARY = -Zbuild-std=std,panic_abort -Zbuild-std-features=optimize_for_size
# Pieces of machine code that are repeated become functions, at the price of some speed.
TINY_CODE = -C llvm-args=-enable-machine-outliner=always
tiny: ## Builds the smallest binary: musl, no line editing (smaller still after rustup component add rust-src)
	@if $(HAS_LIBRARY_SOURCE); then \
	  RUSTC_BOOTSTRAP=1 $(MAKE) static TARGET=$(MUSL_TARGET) FEATURES="--no-default-features $(TINY_LIBRARY)" \
	    MORE_STATIC_FLAGS="$(TINY_PANIC) $(TINY_CODE)"; \
	else \
	  $(MAKE) static TARGET=$(MUSL_TARGET) FEATURES=--no-default-features MORE_STATIC_FLAGS="$(TINY_CODE)"; \
	fi

small: ## As static (TARGET), with Rust's library built along for size: needs rust-src, a panic has no message
	@$(HAS_LIBRARY_SOURCE) || { \
	  echo "the source of the library of Rust 1.92 or later is missing: rustup component add rust-src" >&2; exit 1; }
	RUSTC_BOOTSTRAP=1 $(MAKE) --no-print-directory static FEATURES="$(TINY_LIBRARY)" MORE_STATIC_FLAGS="$(TINY_PANIC) $(TINY_CODE)"

parts: export CARGO_PROFILE_RELEASE_STRIP = false
parts: ## Shows of what the static binary consists (TARGET, as for static)
	$(MAKE) --no-print-directory static CARGO_TARGET_DIR=target/parts STATIC=target/parts/$(TARGET)/release/supervisord \
	  MORE_STATIC_FLAGS="-C symbol-mangling-version=v0"
	$(PYTHON) -B tests/bench/parts.py target/parts/$(TARGET)/release/supervisord

# Debian's package, without debhelper. DEB_REVISION is for a second build of the same version.
DEB_REVISION ?= 1
DEB_MAINTAINER ?= The pollvisor developers <pollvisor@localhost>
DEB_BINARY ?= target/release/supervisord
DEB_TREE = target/deb
DEB_DOC = $(DEB_TREE)/usr/share/doc/pollvisor
# The path that Debian's supervisor of the same release has: dpkg takes /lib and /usr/lib, one
# folder on disk, for two, and would remove one package's unit with the other's.
DEB_UNITS = $(shell . /etc/os-release; [ "$${VERSION_ID:-99}" -ge 13 ] 2>/dev/null && echo /usr/lib || echo /lib)/systemd/system

deb: ## Builds Debian's package: target/pollvisor_VERSION_ARCH.deb
	@for tool in dpkg-deb dpkg-shlibdeps fakeroot; do command -v $$tool >/dev/null || { \
	  echo "$$tool is missing: apt-get install dpkg-dev fakeroot" >&2; exit 1; }; done
	@[ "$(DEB_BINARY)" != target/release/supervisord ] || $(MAKE) --no-print-directory all
	rm -rf $(DEB_TREE)
	$(MAKE) -s install BINARY=$(DEB_BINARY) DESTDIR=$(DEB_TREE) PREFIX=/usr SERVICES=sysv
	install -D -m 644 conf/service/systemd/supervisor.service $(DEB_TREE)$(DEB_UNITS)/supervisor.service
	install -m 644 conf/debian/supervisord.conf $(DEB_TREE)/etc/supervisor/supervisord.conf
	install -D -m 644 conf/debian/default $(DEB_TREE)/etc/default/supervisor
	install -d $(DEB_TREE)/etc/supervisor/conf.d $(DEB_TREE)/var/log/supervisor $(DEB_DOC)
	install -D -m 644 conf/debian/lintian-overrides $(DEB_TREE)/usr/share/lintian/overrides/pollvisor
	mv $(DEB_TREE)/usr/share/pollvisor/service $(DEB_DOC)/examples
	mv $(DEB_TREE)/usr/share/pollvisor/monitoring $(DEB_DOC)/examples/ && rmdir $(DEB_TREE)/usr/share/pollvisor
	install -m 644 conf/supervisord.conf $(DEB_DOC)/examples/
	{ cat conf/debian/copyright; sed 's/^$$/./; s/^/ /' LICENSE; } > $(DEB_DOC)/copyright
	{ echo 'pollvisor ($(VERSION)-$(DEB_REVISION)) unstable; urgency=medium'; echo; cat conf/debian/changelog; \
	  echo " -- $(DEB_MAINTAINER)  $$(LC_ALL=C date -u -R -d @$(SOURCE_DATE))"; } | gzip -9n > $(DEB_DOC)/changelog.Debian.gz
	gzip -9n < CHANGELOG.md > $(DEB_DOC)/changelog.gz
	find $(DEB_TREE)/usr/share/man -type f -exec gzip -9n {} +
	find $(DEB_TREE) -type d -exec chmod 755 {} +
	install -d $(DEB_TREE)/DEBIAN target/shlibdeps/debian
	printf 'Source: pollvisor\n\nPackage: pollvisor\nArchitecture: any\n' > target/shlibdeps/debian/control
	depends=$$(cd target/shlibdeps && dpkg-shlibdeps -O $(abspath $(DEB_TREE))/usr/bin/supervisord | sed -n 's/^shlibs:Depends=//p') && \
	size=$$(du -sk --exclude=DEBIAN $(DEB_TREE) | cut -f 1) && \
	sed -e 's/@VERSION@/$(VERSION)-$(DEB_REVISION)/' -e 's/@ARCH@/$(DEB_ARCH)/' -e "s/@SIZE@/$$size/" -e "s/@DEPENDS@/$$depends/" -e 's/@MAINTAINER@/$(DEB_MAINTAINER)/' \
	  conf/debian/control.in > $(DEB_TREE)/DEBIAN/control
	install -m 644 conf/debian/conffiles $(DEB_TREE)/DEBIAN/
	install -m 755 conf/debian/postinst conf/debian/prerm conf/debian/postrm $(DEB_TREE)/DEBIAN/
	cd $(DEB_TREE) && find usr lib -type f 2>/dev/null | LC_ALL=C sort | xargs md5sum > DEBIAN/md5sums
	find $(DEB_TREE) -newermt @$(SOURCE_DATE) -exec touch -h -d @$(SOURCE_DATE) {} +
	SOURCE_DATE_EPOCH=$(SOURCE_DATE) fakeroot dpkg-deb --root-owner-group --build $(DEB_TREE) $(DEB)
	@ls -l $(DEB)

# When the source was last changed, for whatever carries a date.
SOURCE_DATE = $(shell git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)

package-test: ## Tries Debian's package: lintian, and in place of Debian's supervisor in a chroot (root, debootstrap)
	DEB_BINARY=$(DEB_BINARY) tests/package/run.sh

# A Rust with musl from Debian's packages alone, unpacked into a folder; nothing is installed
# but musl-tools. Its standard library is built along, for which cargo wants RUSTC_BOOTSTRAP.
DEBIAN_RUST = target/debian-rust
DEBIAN_RUST_PACKAGES = rustc-web cargo-web rust-web-src
MUSL_LIB = target/musl-lib

$(DEBIAN_RUST)/usr/bin/cargo:
	@command -v musl-gcc >/dev/null || { echo "musl-gcc is missing: apt-get install musl-tools" >&2; exit 1; }
	rm -rf $(DEBIAN_RUST)
	mkdir -p $(DEBIAN_RUST)/packages
	cd $(DEBIAN_RUST)/packages && apt-get download -q $$(apt-get -s install --no-install-recommends $(DEBIAN_RUST_PACKAGES) | sed -n 's/^Inst \([^ ]*\) .*/\1/p')
	for package in $(DEBIAN_RUST)/packages/*.deb; do dpkg -x $$package $(DEBIAN_RUST) || exit 1; done
	rm -rf $(DEBIAN_RUST)/packages

# The places of panics in Rust's library, by short paths that are the same on every machine.
LIBRARY_REMAP = --remap-path-prefix=$(realpath $(DEBIAN_RUST))/usr/lib/rustlib/src/rust/library=library

# Nothing unwinds (src/sys/unwind.rs): the library that would do it may be empty.
static-musl: $(DEBIAN_RUST)/usr/bin/cargo $(NO_UNWIND_TABLES) ## Builds the static binary with musl from Debian's packages, where rustup has no such target
	mkdir -p $(MUSL_LIB) && rm -f $(MUSL_LIB)/libunwind.a && ar rc $(MUSL_LIB)/libunwind.a
	tools=$(abspath $(DEBIAN_RUST))/usr; \
	RUSTC_BOOTSTRAP=1 RUSTC=$$tools/bin/rustc LD_LIBRARY_PATH=$$tools/lib/$(shell uname -m)-linux-gnu \
	RUSTFLAGS="-C linker=musl-gcc -C link-self-contained=no -C link-arg=-static -C link-arg=-Wl,--no-dynamic-linker -L native=$(abspath $(MUSL_LIB)) $(STATIC_FLAGS) $(LIBRARY_REMAP)" \
	  $$tools/bin/cargo build --release --target $(MUSL_TARGET) --target-dir target/static-musl -Zbuild-std=std,panic_abort $(FEATURES)
	@ls -l target/static-musl/$(MUSL_TARGET)/release/supervisord

reproducible: check-rust ## Builds the static binary in two folders and compares
	@set -e; for copy in one a-second-one; do \
	  folder=target/reproducible/$$copy; rm -rf $$folder; mkdir -p $$folder; \
	  cp -r Cargo.toml Cargo.lock Makefile conf src $$folder/; \
	  env -u MAKEFLAGS -u CARGO_TARGET_DIR $(MAKE) -s -C $$folder static TARGET=$(TARGET) CARGO_HOME=$(CARGO_HOME_DIR); \
	  cp $$folder/$(STATIC) target/reproducible/$$copy.bin; \
	done; \
	cmp target/reproducible/one.bin target/reproducible/a-second-one.bin; \
	if strings target/reproducible/one.bin | grep -F -e '$(CURDIR)' -e '$(CARGO_HOME_DIR)'; then \
	  echo "the binary names a folder of this machine" >&2; exit 1; fi; \
	sha256sum target/reproducible/*.bin

# What is linked into a binary for one of these; nothing is for Windows.
RELEASE_TARGETS = $(foreach machine,x86_64 aarch64,$(machine)-unknown-linux-gnu $(machine)-unknown-linux-musl) $(CROSS_TARGETS)

release-check: check-rust ## Writes the bill of materials (target/bill-of-materials.txt) and checks licences and sources
	@mkdir -p target
	$(CARGO) tree --locked --edges normal,build $(RELEASE_TARGETS:%=--target %) --prefix none --format '{p};{l}' > target/tree.txt
	@sed 's| (/.*);|;|; s| (proc-macro);|;|; s|;| |; s| ([*])$$||; /^$$/d' target/tree.txt | LC_ALL=C sort -u > target/bill-of-materials.txt && rm target/tree.txt
	$(CARGO) metadata --locked --format-version 1 $(RELEASE_TARGETS:%=--filter-platform %) > target/metadata.json
	@$(PYTHON) -B conf/licences.py < target/metadata.json

# What the system layer needs of other systems: their Rust libraries, by rustup target add.
CROSS_TARGETS ?= x86_64-unknown-freebsd x86_64-unknown-netbsd x86_64-apple-darwin aarch64-apple-darwin \
  aarch64-unknown-linux-musl
cross-check: check-rust ## Type-checks for CROSS_TARGETS whose library rustup has installed
	@for target in $(CROSS_TARGETS); do \
	  if [ -d "$$($(RUSTC) --target $$target --print target-libdir)" ]; then \
	    echo "checking $$target"; $(CARGO) check --target $$target || exit 1; \
	  else echo "left out: rustup target add $$target"; fi; \
	done
