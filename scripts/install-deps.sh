#!/bin/sh
# Install what Debian 12 has and this machine lacks.
#
#   scripts/install-deps.sh GROUP...     build test base native e2e
#
# Packages that are there already cost nothing and need no rights; with nothing
# missing, neither apt nor the network is touched.
set -eu

packages() {
	case $1 in
	build) echo gcc make libc6-dev pkg-config libyaml-dev libssl-dev \
		libjansson-dev libslirp-dev libp11-dev libp11-kit-dev \
		libcurl4-openssl-dev ;;
	test) echo clang libclang-rt-dev libcmocka-dev openssl jq shellcheck \
		python3 python3-yaml python3-jsonschema procps strace groff-base \
		man-db efitools sbsigntool systemd-boot-efi \
		binutils zstd softhsm2 p11-kit-modules ;;
	base) echo gcc make libc6-dev binutils perl liblzma-dev ;;
	native) echo nginx libslirp-dev pkg-config openssl python3 ;;
	e2e) echo nginx qemu-system-x86 ovmf ipxe-qemu busybox-static \
		cpio curl openssl python3 systemd-boot-efi syslinux-common \
		xorriso \
		dosfstools fdisk gdisk mtools sbsigntool ;;
	*)
		echo "install-deps.sh: no group '$1'" >&2
		exit 2
		;;
	esac
}

# A virtual package counts when something that provides it is installed.
installed() {
	dpkg-query -W -f '${Status} ${Package} ${Provides}\n' 2>/dev/null |
		grep '^install ok installed ' |
		tr -d ',' | tr ' ' '\n' | sort -u >"$have"
}

have=$(mktemp)
trap 'rm -f "$have"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
installed
missing=
for group; do
	for package in $(packages "$group"); do
		grep -qxF "$package" "$have" || missing="$missing $package"
	done
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo >/dev/null; then
		echo "install-deps.sh: not root; please install:$missing" >&2
		exit 3
	fi
	as_root=sudo
fi
echo "Installing:$missing"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # a list of words
install() {
	$as_root apt-get install -y -q --no-install-recommends $missing
}
# The lists may be missing (a fresh container), or too old to find the files.
install || { $as_root apt-get update -q && install; }
