#!/bin/sh
# Tries Debian's package of this project: lintian, then in the place of Debian's own
# supervisor, upgraded, removed, purged and replaced again, in a chroot (inside.sh).
# DEB_BINARY is the binary to be packed. Needs root and the system's package archive.
set -eu
cd "$(dirname "$0")/../.."
work=target/package-test
release=$(. /etc/os-release && echo "$VERSION_CODENAME")

say() { echo "package-test: $*"; }

[ "$(id -u)" = 0 ] || { say "chroot and debootstrap need root" >&2; exit 1; }
missing=
for tool in lintian:lintian debootstrap:debootstrap dpkg-shlibdeps:dpkg-dev fakeroot:fakeroot; do
	command -v "${tool%:*}" >/dev/null || missing="$missing ${tool#*:}"
done
if [ "$missing" ]; then
	say "installing:$missing"
	# shellcheck disable=SC2086
	{ apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing; } </dev/null
fi
mkdir -p "$work"

for revision in 1 2; do
	make -s deb DEB_REVISION=$revision DEB_BINARY="${DEB_BINARY:-target/release/supervisord}"
	mv target/pollvisor_*-"$revision"_*.deb "$work/pollvisor-$revision.deb"
done
lintian --fail-on error,warning "$work/pollvisor-1.deb"
say "lintian has nothing to say"

# The base system with Debian's supervisor is kept; its archive is the one that this system uses.
if [ ! -e "$work/base.tar" ]; then
	mirror=$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' | sed -n "s/^$release //p" | head -n 1)
	[ "$mirror" ] || { say "no archive of $release among the sources of apt" >&2; exit 1; }
	rm -rf "$work/base"
	debootstrap --variant=minbase --include=supervisor,procps "$release" "$work/base" "$mirror" >"$work/debootstrap.log" ||
		{ tail "$work/debootstrap.log" >&2; exit 1; }
	(cd "$work/base" && apt-get download -q supervisor && mv supervisor_*.deb opt/supervisor.deb)
	tar -C "$work/base" -cf "$work/base.tar.new" .
	mv "$work/base.tar.new" "$work/base.tar"
	rm -rf "$work/base"
fi

for scenario in untouched edited stopped; do
	rm -rf "$work/root"
	mkdir "$work/root"
	tar -C "$work/root" -xf "$work/base.tar"
	cp "$work"/pollvisor-[12].deb tests/package/inside.sh "$work/root/opt/"
	# Everything that is started in there ends with the namespace.
	unshare --mount --pid --fork --kill-child sh -c '
		set -e
		mount -t proc proc "$1/proc"
		exec chroot "$1" /bin/sh /opt/inside.sh "$2" </dev/null' sh "$work/root" "$scenario" ||
		{ say "$scenario: failed" >&2; exit 1; }
	say "$scenario: ok"
done
rm -rf "$work/root"
