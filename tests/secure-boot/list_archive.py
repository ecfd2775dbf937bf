"""list_archive.py FILE: what is in a cpio archive as Linux unpacks it.

One line for each entry: its mode, its name, and its content if that is text.
"""
import sys

with open(sys.argv[1], "rb") as file:
    archive = file.read()
at = 0
while True:
    assert archive[at:at + 6] == b"070701", f"no entry at {at}"
    fields = [int(archive[at + 6 + 8 * i:at + 14 + 8 * i], 16) for i in range(13)]
    mode, size, name_size = fields[1], fields[6], fields[11]
    name = archive[at + 110:at + 110 + name_size - 1].decode()
    at = (at + 110 + name_size + 3) // 4 * 4
    content, at = archive[at:at + size], (at + size + 3) // 4 * 4
    if name == "TRAILER!!!":
        break
    text = content.decode().strip() if content.isascii() else ""
    print(f"{mode:o} {name} {text}".rstrip())
assert at == len(archive), "something follows"
