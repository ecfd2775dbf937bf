"""Whether programs know every command of a script; prints ok.

    check_commands.py SCRIPT PROGRAM...
"""
import re
import sys


def commands(script):
    for line in script.splitlines():
        for part in re.split(r" (?:\|\||&&)(?: |$)", line):
            if part and part[0] not in "#:":
                yield part.split()[0]


def main(script, programs):
    with open(script, encoding="ascii") as file:
        words = set(commands(file.read()))
    assert len(words) > 20, words
    for path in programs:
        with open(path, "rb") as file:
            content = file.read()
        # A name may be the end of a longer one: the linker saves the bytes.
        missing = [w for w in words if w.encode() + b"\0" not in content]
        assert not missing, f"{path} does not know {missing}"
    print("ok")


main(sys.argv[1], sys.argv[2:])
