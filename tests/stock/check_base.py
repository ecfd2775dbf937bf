"""Hold a stock base against what its base.json says; prints ok."""
import hashlib
import json
import os
import sys

FINGERPRINT = bytes.fromhex(
    "9faf717b7f8ca2f93c256c79f8ac5591895d66d1ff3bee6397a70d29c65eed1a")


def main(base):
    def read(name):
        with open(os.path.join(base, name), "rb") as file:
            return file.read()

    text = read("base.json")
    assert hashlib.sha256(text).hexdigest().encode() == read(
        "base.json.sha256")
    about = json.loads(text)
    assert about["kind"] == "stock" and about["roots"] == 1
    assert about["features"]["certstore"] is True
    assert about["features"]["imgtrust"] is False
    images = about["images"]
    assert set(os.listdir(base)) == {"base.json", "base.json.sha256"} | set(
        images)
    for name, image in images.items():
        content = read(name)
        assert len(content) == image["size"]
        assert hashlib.sha256(content).hexdigest() == image["sha256"]
        assert content.count(FINGERPRINT) == 1
        assert content.index(FINGERPRINT) == image["fingerprint"]
        assert (b"sha256sum\0" in content) >= about["features"]["digests"]
        assert (b"ntp\0" in content) >= about["features"]["ntp"]
    print("ok")


main(sys.argv[1])
