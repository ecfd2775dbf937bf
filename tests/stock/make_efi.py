"""The least that `ipxe-embed base stock` takes for an iPXE program, or
something with a certain fault, on standard output."""
import struct
import sys

FINGERPRINT = bytes.fromhex(
    "9faf717b7f8ca2f93c256c79f8ac5591895d66d1ff3bee6397a70d29c65eed1a")
WORDS = [b"certstore", b"https", b"autoexec.ipxe"]
ALIGNMENT = 512


def program(machine, content):
    """A PE32+ file with one section."""
    content += b"\0" * (-len(content) % ALIGNMENT)
    optional = struct.pack("<HBBIIIII", 0x20b, 0, 0, len(content), 0, 0,
                           0x1000, 0x1000)
    optional += struct.pack("<QII", 0, 0x1000, ALIGNMENT)
    optional += b"\0" * 16 + struct.pack("<II", 0x1000 + len(content),
                                         ALIGNMENT)
    optional += b"\0" * (108 - len(optional)) + struct.pack("<I", 16)
    optional += b"\0" * 128
    head = b"MZ" + b"\0" * 58 + struct.pack("<I", 64) + b"PE\0\0"
    head += struct.pack("<HHIIIHH", machine, 1, 0, 0, 0, len(optional), 0x22)
    head += optional
    head += struct.pack("<8sIIIIIIHHI", b".data", len(content), 0x1000,
                        len(content), ALIGNMENT, 0, 0, 0, 0, 0)
    return head + b"\0" * (ALIGNMENT - len(head)) + content


def main(kind):
    words = list(WORDS)
    roots = FINGERPRINT
    if kind.startswith("no-"):
        words.remove(kind[3:].encode())
    if kind == "digests":
        words += [b"sha256sum", b"ntp"]
    if kind == "twice":
        roots += b"-" + FINGERPRINT
    if kind == "overlap":  # the beginning of a second one
        roots += FINGERPRINT[:31]
    if kind == "none":
        roots = FINGERPRINT[:31] + b"\0"
    machine = 0xaa64 if kind == "arm64" else 0x8664
    made = program(machine, b"\0".join(words) + b"\0" + roots)
    sys.stdout.buffer.write({"text": b"no program\n", "empty": b""}.get(kind,
                                                                        made))


main(sys.argv[1])
