#!/bin/sh
# Show ipxe-embed on this machine, from an empty directory to a booted Linux.
#
#   scripts/demo.sh [bios|efi]        what `make demo` runs; bios by default
#
# Everything it makes is in build/demo. Packages that are missing are installed
# through apt-get; iPXE is compiled once, which takes minutes, and kept in the
# user's cache. Without a source tree of iPXE, images come from the distribution's
# iPXE, and the machine has UEFI with Secure Boot.
set -eu
cd "$(dirname "$0")/.."

firmware=${1:-bios}
case $firmware in
bios) image=undionly.kpxe ;;
efi) image=ipxe.efi ;;
*)
	echo "usage: scripts/demo.sh [bios|efi]" >&2
	exit 2
	;;
esac
demo=build/demo
mac=52:54:00:00:00:01

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	bold=$(printf '\033[1m') plain=$(printf '\033[0m')
else
	bold='' plain=''
fi

step() {
	printf '\n%s== %s%s\n' "$bold" "$1" "$plain"
}

say() {
	printf '   %s\n' "$@"
}

# run COMMAND...: show it, then do it
run() {
	printf '   %s$ %s%s\n' "$bold" "$*" "$plain"
	"$@"
}

embed() {
	run build/ipxe-embed "$@"
}

boot() {
	run scripts/lab-boot --certs "$demo/certs" --port "$port" \
		--machine "$firmware" --mac "$mac" "$@"
}

# Whether bases from iPXE's source are to be had.
from_source() {
	build/ipxe-embed base list | grep -q '^source:'
}

show_tree() {
	embed verify "$demo/out"
	(cd "$demo/out" && find . -type f | LC_ALL=C sort | sed 's/^/    | /')
}

# tamper NAME: the tree again, with one byte of each file of this name changed
tamper() {
	step "The same tree, with one byte of the kernel changed"
	cp -R "$demo/out" "$demo/tampered"
	find "$demo/tampered/www/a" -name "$1" | while read -r kernel; do
		printf 'X' | dd of="$kernel" bs=1 seek=5000000 conv=notrunc \
			status=none
	done
	say "Whoever looks, sees it:"
	embed verify "$demo/tampered" || say "(status $?)"
}

# What a base from source can do: every item is signed, and iPXE verifies it.
show_signed() {
	step "Build: images for the machines, a tree for any web server"
	say "The boot script and the root are baked into the image. The first time," \
		"iPXE is compiled, which takes minutes; after that, seconds."
	embed build "$demo/site.yaml" -o "$demo/out" --image "$image"

	step "Sign: every kernel, initrd and file gets a signature that iPXE can verify"
	embed sign "$demo/out" --key "$demo/certs/signer.key" \
		--cert "$demo/certs/signer.pem"
	show_tree
	tamper linux

	step "Boot kube-master ($firmware) over HTTPS"
	say "A virtual machine, without any acceleration, gets our image by TFTP, finds" \
		"itself by its MAC address, fetches, verifies, and starts Linux. Its console:"
	boot "$demo/out"

	step "Boot it from the tree that was tampered with"
	say "Same machine, same image. It must refuse the kernel, say why, and power off."
	boot "$demo/out" --www "$demo/tampered/www"
}

# What the distribution's iPXE can do: the firmware verifies all that runs.
show_secure() {
	keys=$demo/certs/secure-boot
	firmware=secure
	sed -i 's/^verify: .*/verify: secure-boot/' "$demo/site.yaml"

	step "Keys for UEFI Secure Boot, and a firmware that has them enrolled"
	embed keys secure-boot "$keys"
	embed keys ovmf "$keys"

	step "Build: images for the machines, a tree for any web server"
	say "The site has verify: secure-boot now. Kernel, initrd, files and command line" \
		"of a node become one signed program; our root takes the place of iPXE's own" \
		"in the image, which is signed as well."
	embed build "$demo/site.yaml" -o "$demo/out" \
		--secure-boot-key "$keys/db.key" --secure-boot-cert "$keys/db.crt"
	show_tree
	tamper tiny.efi

	step "Boot kube-master over HTTPS, with Secure Boot on"
	say "A virtual machine, without any acceleration, gets our image by TFTP. Its" \
		"firmware verifies it; it pins HTTPS to our root, finds itself by its MAC" \
		"address, fetches its kernel, and the firmware verifies that. Its console:"
	boot "$demo/out" --store "$keys/OVMF_VARS.fd"

	step "Boot it from the tree that was tampered with"
	say "Same machine, same image. The firmware must refuse the kernel; it says why," \
		"and powers off."
	boot "$demo/out" --www "$demo/tampered/www" --store "$keys/OVMF_VARS.fd"
}

# What needs no image.
show_tree_only() {
	step "Build and sign: a tree for any web server"
	embed build "$demo/site.yaml" -o "$demo/out" --no-images
	embed sign "$demo/out" --key "$demo/certs/signer.key" \
		--cert "$demo/certs/signer.pem"
	show_tree
	tamper linux

	step "What cannot be shown here"
	say "There is no iPXE source tree on this machine, and apt reaches no package ipxe" \
		"that is new enough, so there are no images, and no machine can be booted. The" \
		"tree above is whole all the same. With a tree of iPXE 2.0.0 or later, run:" \
		"IPXE_SRC=/path/to/ipxe make demo"
}

step "What is needed"
scripts/install-deps.sh build base e2e
make --no-print-directory
say "The program is build/ipxe-embed."

step "A site: three machines, one small Linux"
rm -rf "$demo"
mkdir -p build
cp -R examples/lab "$demo"
scripts/lab-kernel "$demo/assets"
# The example's port may be taken here.
port=$(python3 -c 'import socket
probe = socket.socket()
probe.bind(("127.0.0.1", 0))
print(probe.getsockname()[1])')
sed "s/:8443/:$port/" examples/lab/site.yaml >"$demo/site.yaml"
sed -n '/^site:/,/^$/p; /^groups:/,$p' "$demo/site.yaml" | sed 's/^/    | /'

step "Keys to throw away: a root, a web server, a code signer"
embed keys init "$demo/certs" --host 10.0.2.2

step "Is the site right?"
embed check "$demo/site.yaml"

if from_source; then
	show_signed
else
	step "A base: the distribution's iPXE, as there is no source tree here"
	if run scripts/stock-base; then
		show_secure
	else
		show_tree_only
	fi
fi

step "What to try next"
say "less $demo/out/boot.ipxe" "    the script that is in the image"
case $firmware in
secure)
	say "build/ipxe-embed base list $demo/site.yaml" \
		"    what this iPXE can do, and what it cannot lock down"
	;;
*)
	say "scripts/demo.sh efi" "    the same on UEFI"
	say "scripts/lab-boot $demo/out --certs $demo/certs --port $port \\" \
		"        --machine $firmware --mac 52:54:00:00:00:12" \
		"    another node; with any other MAC address, an unknown machine"
	;;
esac
say "build/ipxe-embed keys show $demo/certs/*.pem" \
	"    what is trusted, for what, and until when"
say "edit $demo/site.yaml, build and sign again" "    only what changed is done"
say "README.md" "    a site of your own, in ten lines"
