# What the recipes have in common. A recipe writes the root file system of an
# image to standard output as a tar archive, its progress to standard error and
# the version of the server inside to the file that $VERSION_FILE names, if any:
#
#	sh docker/mysql/build.sh | docker import - mysql-by-hand
#
# Packages come from the mirror that this machine's own apt uses, checked
# against its signed index; $LAB_DEBIAN_MIRROR names another one. They are
# unpacked, not installed: no package scripts run, so an image holds no dpkg, no
# perl and nothing else that only an installation needs.
set -eu



say() { echo "$*" >&2; }

# die COMPLAINT [LOG] shows the end of the log and gives up.
die() {
	[ $# = 1 ] || tail -n 15 "$2" >&2
	say "$1"
	exit 1
}

# need COMMAND=PACKAGE … installs the packages of the commands that are missing.
need() {
	missing=
	for want; do
		command -v "${want%%=*}" >/dev/null || missing="$missing ${want#*=}"
	done
	[ -n "$missing" ] || return 0
	{ [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; } ||
		die "the recipe needs commands of these packages, please install them:$missing"
	say "installing$missing on this machine"
	export DEBIAN_FRONTEND=noninteractive
	apt-get -qy --no-install-recommends install $missing >"$work/log" 2>&1 ||
		{ apt-get -qy update && apt-get -qy --no-install-recommends install $missing; } >"$work/log" 2>&1 ||
		die "install$missing: apt says why" "$work/log"
}

# mirror prints the Debian mirror of this machine's own sources.
mirror() {
	if [ -n "${LAB_DEBIAN_MIRROR:-}" ]; then
		echo "$LAB_DEBIAN_MIRROR"
		return
	fi
	apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
		awk '$1 ~ /\/debian\/?$/ && $2 !~ /security|updates|backports/ { print $1; exit }'
}

# unpack SUITE PACKAGE … puts the packages and all that they depend on into
# $root, without what only people and package managers read.
unpack() {
	suite=$1
	shift
	from=$(mirror)
	[ -n "$from" ] || die "no Debian mirror in this machine's apt sources: set LAB_DEBIAN_MIRROR to the URL of one"
	keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	[ -e "$keyring" ] || need no-such-command=debian-archive-keyring

	# An apt of our own, with this machine's ways of reaching a mirror. The
	# signature of the index counts, not its expiry date: clocks and mirrors lag.
	apt=$work/apt
	mkdir -p "$apt/lists/partial" "$apt/archives/partial"
	: >"$apt/status"
	echo "deb [signed-by=$keyring check-valid-until=no check-date=no] $from $suite main" >"$apt/sources.list"
	cat >"$apt/conf" <<-END
		APT::Sandbox::User "root";
		APT::Install-Recommends "false";
		Acquire::Languages "none";
		Dir::Etc::sourcelist "$apt/sources.list";
		Dir::Etc::sourceparts "/dev/null";
		Dir::Etc::preferences "/dev/null";
		Dir::Etc::preferencesparts "/dev/null";
		Dir::State::lists "$apt/lists";
		Dir::State::status "$apt/status";
		Dir::Cache::archives "$apt/archives";
		Dir::Cache::pkgcache "$apt/packages.bin";
		Dir::Cache::srcpkgcache "$apt/sources.bin";
	END
	say "reading the package index of Debian $suite"
	apt-get -c "$apt/conf" -q update >"$work/log" 2>&1 || die "read the index of $suite: apt says why" "$work/log"
	say "downloading $*"
	apt-get -c "$apt/conf" -qy --download-only install base-files base-passwd bash coreutils dash grep ncurses-base sed "$@" >"$work/log" 2>&1 ||
		die "download $*: apt says why" "$work/log"
	rm -f "$apt"/archives/perl*.deb "$apt"/archives/libperl*.deb # for a script or two among the clients

	say "unpacking $(ls "$apt"/archives/*.deb | wc -l) packages, $(du -cm "$apt"/archives/*.deb | tail -n 1 | cut -f 1) MB"
	# base-files makes the links /bin to usr/bin and so on, so it comes first,
	# alone; the others one a core: decompression is what takes the time.
	sh "$recipes/unpack.sh" "$root" "$apt"/archives/base-files_*.deb
	ls -S "$apt"/archives/*.deb | xargs -P "$(nproc)" -n 1 sh "$recipes/unpack.sh" "$root"
	cp "$root/usr/share/base-passwd/passwd.master" "$root/etc/passwd"
	cp "$root/usr/share/base-passwd/group.master" "$root/etc/group"
	ln -s /run "$root/var/run"
	rm -rf "$apt"
}

# user NAME ID makes the account that the server runs as.
user() {
	echo "$1:x:$2:$2::/nonexistent:/bin/sh" >>"$root/etc/passwd"
	echo "$1:x:$2:" >>"$root/etc/group"
}

# inside COMMAND … runs a command in the new file system, with /dev, /proc and a
# loopback of its own: no mount, process or port of this machine is touched.
inside() {
	unshare --mount --pid --net --fork --kill-child sh -c '
		unset TMPDIR # it is a directory of this machine
		mount --rbind /dev "$0/dev" && mount -t proc proc "$0/proc" && ip link set lo up &&
			exec chroot "$0" "$@"' "$root" "$@"
}

# image VERSION records the version and writes the archive.
image() {
	case $1 in
	[0-9]*) ;;
	*) die "the server does not run in its new file system: it says \"$1\" instead of its version" ;;
	esac
	[ -z "${VERSION_FILE:-}" ] || echo "$1" >"$VERSION_FILE"
	say "packing version $1, $(du -sm "$root" | cut -f 1) MB"
	tar -C "$root" --numeric-owner -c .
}

[ "$(id -u)" = 0 ] || die "a recipe must run as root: it makes files of other users and runs the server in a root of its own"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
root=$work/root
mkdir -m 755 "$root"
need dpkg-deb=dpkg unshare=util-linux mount=mount ip=iproute2
