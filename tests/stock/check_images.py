"""Hold a tree with stock images against the base and the root that they are made
from; prints ok.

    check_images.py BASE OUT ROOT.pem
"""
import hashlib
import json
import os
import ssl
import sys

PLACES = ("images", "tftp", "www/boot")


def read(*parts):
    with open(os.path.join(*parts), "rb") as file:
        return file.read()


def main(base, out, root):
    images = json.loads(read(base, "base.json"))["images"]
    der = ssl.PEM_cert_to_DER_cert(read(root).decode())
    for place in PLACES:
        beside = {"autoexec.ipxe", "root.pem"}
        if place == "images":
            beside.add("usb.img")
        assert set(os.listdir(os.path.join(out, place))) == beside | set(images)
        assert read(out, place, "autoexec.ipxe") == read(out, "boot.ipxe")
        assert read(out, place, "root.pem") == read(out, "trust.pem")
        assert ssl.PEM_cert_to_DER_cert(read(out, place, "root.pem").decode()) == der
        for name, image in images.items():
            blank, at = read(base, name), image["fingerprint"]
            wanted = blank[:at] + hashlib.sha256(der).digest() + blank[at + 32:]
            assert read(out, place, name) == wanted, name
    print("ok")


main(*sys.argv[1:])
