# A token without hardware, with the PIN 1234, in the directory "tokens".
#
#   . tests/lib/token.sh        after cd to a directory of the test's own
#
# token_import LABEL KEY: puts a key of a PEM file into it

token_driver=
for candidate in /usr/lib/softhsm /usr/lib/*/softhsm; do
	if [ -e "$candidate/libsofthsm2.so" ]; then
		token_driver=$candidate/libsofthsm2.so
	fi
done

# Whether there is such a thing here; makes it.
token_make() {
	[ -n "$token_driver" ] && command -v softhsm2-util >/dev/null || return 1
	mkdir tokens
	printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\n' \
		"$PWD" >softhsm2.conf
	SOFTHSM2_CONF=$PWD/softhsm2.conf
	export SOFTHSM2_CONF
	echo 1234 >pin
	softhsm2-util --init-token --free --label boot --pin 1234 \
		--so-pin 5678 >/dev/null
}

token_import() {
	openssl pkcs8 -topk8 -nocrypt -in "$2" -out imported
	softhsm2-util --import imported --token boot --label "$1" \
		--id "$(printf '%s' "$1" | od -An -tx1 | tr -d ' \n')" \
		--pin 1234 >/dev/null
	rm imported
}

# The URI of a key in it.
token_uri() {
	echo "pkcs11:token=boot;object=$1?module-path=$token_driver"
}
