"""unpack_update.py NAME FILE.auth: what a signed order for a variable is.

Writes, by UEFI 2.10, 8.2.2 and independent of the program, what the signature
is over to signed-data and the signature, as openssl(1) takes it, to
signature.der; prints the time and the length of the content.
"""
import struct
import sys
import uuid

VENDORS = {
    "PK": "8be4df61-93ca-11d2-aa0d-00e098032b8c",
    "KEK": "8be4df61-93ca-11d2-aa0d-00e098032b8c",
    "db": "d719b2cb-3d3a-4596-a3bc-dad00e67656f",
}
PKCS7 = uuid.UUID("4aafd29d-68df-49ee-8aa9-347d375665a7")


def der(tag, content):
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


name, path = sys.argv[1:]
with open(path, "rb") as file:
    order = file.read()
time, rest = order[:16], order[16:]
year, month, day, hour, minute, second = struct.unpack_from("<HBBBBB", time)
assert not any(time[7:]), "EFI_TIME has more than date and time"
length, revision, kind = struct.unpack_from("<IHH", rest)
assert (revision, kind) == (0x0200, 0x0EF1)
assert uuid.UUID(bytes_le=rest[8:24]) == PKCS7
signed, content = rest[24:length], rest[length:]
# EDK 2 looks for the name of SHA-256 at this very place.
assert signed[:2] == b"\x30\x82" and signed[4:8] == b"\x02\x01\x01\x31"
assert signed[13:22] == bytes.fromhex("608648016503040201")
with open("signed-data", "wb") as file:
    file.write(name.encode("utf-16-le") + uuid.UUID(VENDORS[name]).bytes_le +
               struct.pack("<I", 0x27) + time + content)
with open("signature.der", "wb") as file:
    oid = bytes.fromhex("06092a864886f70d010702")
    file.write(der(0x30, oid + der(0xA0, signed)))
with open("content", "wb") as file:
    file.write(content)
print(f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02} "
      f"{len(content)}")
