"""What a Matchbox would answer, by its rules, for one that is made by chance.

Written from the source of Matchbox (server/, http/) and of Go's text/template, and
not from our importer: the two must agree on what each machine boots, with which
arguments, and on every byte of its configuration.
"""

import json
import os
import random

INSTALLED = {"os": "installed"}
SERVER = "http://matchbox.example:8080"
ASKS = SERVER + "/ignition?uuid=${uuid}&mac=${mac:hexhyp}&arch=${buildarch}"
RAW_QUERY = SERVER + "/ignition?{{.request.raw_query}}&os=installed"
LATER = "file:///usr/share/oem/installed.ign"


# What iPXE says it was built for, and for which machines that is.
KINDS = {
    "i386": ["--platform=pcbios"],
    "x86_64": ["--platform=efi"],
    "arm64": ["--platform=efi", "--arch=arm64"],
}
RULES = {
    "i386": "match: { platform: pcbios }",
    "x86_64": "match: { arch: x86_64, platform: efi }",
    "arm64": "match: { arch: arm64 }",
}


class NotFound(Exception):
    """404: no group, no profile, no file, or a template that fails."""


# --- templates: made as trees, written as Go has them, and evaluated as Go does -------


def is_true(value):
    return value not in (None, "", False, 0, [], {})


def printed(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def go_source(part):
    kind, *rest = part
    if kind == "text":
        return rest[0]
    if kind == "print":
        return "{{." + rest[0] + "}}"
    if kind == "index":
        return '{{index . "%s"}}' % rest[0]
    if kind == "later":
        return RAW_QUERY
    if kind == "range":
        return "{{range $e := .%s}}<{{$e}}>{{end}}" % rest[0]
    test, then, otherwise = rest
    words = 'index . "%s"' % test[0] if kind == "if" else 'eq .%s "%s"' % test
    return "{{if %s}}%s{{else}}%s{{end}}" % (words, go_text(then), go_text(otherwise))


def go_text(parts):
    return "".join(go_source(part) for part in parts)


def value_at(data, path):
    for key in path.split("."):
        if key not in data:
            raise NotFound(path)
        data = data[key]
    return data


def evaluate(parts, data):
    out = ""
    for kind, *rest in parts:
        if kind == "text":
            out += rest[0]
        elif kind == "print":
            out += printed(value_at(data, rest[0]))
        elif kind == "index":
            out += printed(data[rest[0]]) if rest[0] in data else ""
        elif kind == "later":
            out += LATER
        elif kind == "range":
            out += "".join(f"<{printed(e)}>" for e in value_at(data, rest[0]))
        else:
            test, then, otherwise = rest
            if kind == "if":
                holds = is_true(data.get(test[0]))
            else:
                holds = value_at(data, test[0]) == test[1]
            out += evaluate(then if holds else otherwise, data)
    return out


# --- the server -------------------------------------------------------------------------


class Matchbox:
    """Groups, profiles and templates, by the names of their files."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.templates = {f"t{i}": self.make_template() for i in range(3)}
        self.profiles = {f"p{i}": self.make_profile(i) for i in range(5)}
        self.machines = [self.make_machine(i) for i in range(6)]
        self.groups = {}
        self.make_groups()

    # Each value is one that JSON, a shell and an argument of a kernel can hold.
    def make_word(self):
        return self.chance.choice(["a", "b", "two words", "x<y>&z", "'q'", "{x}", "0", "-"])

    def make_template(self, later=True):
        parts = [("text", '{"lines": ["')]
        for _ in range(self.chance.randrange(1, 6)):
            parts += [self.make_part(), ("text", '", "')]
        if later and self.chance.random() < 0.5:
            parts += [("text", "curl '"), ("later",), ("text", "'")]
        return parts + [("text", '"]}\n')]

    def make_part(self, depth=0):
        kind = self.chance.choice(["print", "index", "range", "if", "eq", "text"])
        if kind == "print":
            return kind, self.chance.choice(["role", "deep.er", "count", "flag", "name"])
        if kind == "index":
            return kind, self.chance.choice(["maybe", "role", "other"])
        if kind == "range":
            return kind, "list"
        if kind == "text" or depth > 1:
            return "text", self.chance.choice(["one", "{ x }", "$y", "#", "&amp;"])
        test = ("maybe",) if kind == "if" else ("role", self.chance.choice("ab"))
        if kind == "if" and self.chance.random() < 0.5:
            test = (self.chance.choice(["count", "flag", "list", "deep", "other"]),)
        inner = [[self.make_part(depth + 1)] for _ in range(2)]
        return kind, test, *inner

    def make_profile(self, number):
        boot = {
            "kernel": f"/assets/k{number}",
            "initrd": [f"/assets/i{number}.{part}" for part in range(number % 3)],
            "args": [f"ignition.config.url={ASKS}", f"id={number}", "quiet"],
        }
        profile = {"id": f"p{number}", "boot": boot}
        if self.chance.random() < 0.1:
            del profile["boot"]
        if self.chance.random() < 0.9:
            profile["ignition_id"] = self.chance.choice(sorted(self.templates)) + ".json"
        return profile

    def make_machine(self, number):
        """All that identifies it, and the part of that by which groups know it."""
        labels = {
            "mac": "52:54:00:00:00:%02x" % number,
            "uuid": "16e7d8a7-bfa9-428b-9117-0000000000%02x" % number,
            "serial": f"SN-{number}",
        }
        known = self.chance.sample(sorted(labels), self.chance.choice([1, 1, 1, 2, 3]))
        labels["arch"] = self.chance.choice(sorted(KINDS))
        return labels, known

    def make_metadata(self):
        data = {
            "role": self.make_word(),
            "name": self.make_word(),
            "count": self.chance.choice([0, 1, 999999, 1.5]),
            "flag": self.chance.random() < 0.5,
            "list": [self.make_word() for _ in range(self.chance.randrange(3))],
            "deep": {"er": self.make_word()},
        }
        for key in ("maybe", "other"):
            if self.chance.random() < 0.5:
                data[key] = self.chance.choice([self.make_word(), "", 7, True])
        return data

    def make_group(self, name, selector):
        group = {"profile": "p%d" % self.chance.randrange(6), "metadata": self.make_metadata()}
        if selector or self.chance.random() < 0.5:
            group["selector"] = selector
        self.groups[name] = group

    def spelled(self, labels):
        """A MAC address in one of the forms that Go reads."""
        labels = dict(labels)
        if "mac" in labels:
            digits = labels["mac"].replace(":", "")
            form = self.chance.randrange(3)
            if form == 1:
                labels["mac"] = labels["mac"].replace(":", "-").upper()
            elif form == 2:
                labels["mac"] = ".".join(digits[i : i + 4] for i in (0, 4, 8))
        return labels

    def make_groups(self):
        for number, (labels, known) in enumerate(self.machines[: self.chance.randrange(6)]):
            own = {key: labels[key] for key in known}
            if self.chance.random() < 0.8:
                self.make_group(f"m{number}", self.spelled(own))
            if self.chance.random() < 0.6:
                self.make_group(f"m{number}-installed", {**self.spelled(own), **INSTALLED})
        for name, selector in (("all", {}), ("installed", INSTALLED),
                               ("arm", {"arch": "arm64"}), ("bios", {"arch": "i386"}),
                               ("efi", {"arch": "x86_64"}), ("named", {"hostname": "nobody"})):
            if self.chance.random() < 0.6:
                self.make_group(name, selector)
        if not self.groups:
            self.make_group("all", {})

    def write(self, directory):
        def put(path, text):
            path = os.path.join(directory, path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)

        for name, group in self.groups.items():
            put(f"groups/{name}.json", json.dumps(group, indent=1))
        for name, profile in self.profiles.items():
            put(f"profiles/{name}.json", json.dumps(profile, indent=1))
        for name, parts in self.templates.items():
            put(f"ignition/{name}.json", go_text(parts))

    # --- its answers ---

    @staticmethod
    def normal(selector):
        mac = selector.get("mac")
        if mac is None:
            return selector
        digits = mac.lower().replace(":", "").replace("-", "").replace(".", "")
        return {**selector, "mac": ":".join(digits[i : i + 2] for i in range(0, 12, 2))}

    def match(self, labels):
        """More selectors first; then by the sorted "key=value,…", backwards."""
        def order(item):
            selector = self.normal(item[1].get("selector", {}))
            words = ",".join(sorted(f"{key}={value}" for key, value in selector.items()))
            return len(selector), words

        for _, group in sorted(self.groups.items(), key=order, reverse=True):
            selector = self.normal(group.get("selector", {}))
            if all(labels.get(key, "") == value for key, value in selector.items()):
                return group
        raise NotFound("group")

    def profile(self, labels):
        group = self.match(labels)
        if group["profile"] not in self.profiles:
            raise NotFound("profile")
        return group, self.profiles[group["profile"]]

    def boot(self, labels):
        """What it boots: (kernel, initrds, arguments, whether it asks for more)."""
        boot = self.profile(labels)[1].get("boot")
        if not boot:
            raise NotFound("boot")
        return boot["kernel"], boot["initrd"], boot["args"][1:]

    def config(self, labels):
        """The file that /ignition answers, with the URL that stands for the later one."""
        group, profile = self.profile(labels)
        if "ignition_id" not in profile:
            raise NotFound("ignition_id")
        data = {**group["metadata"], **self.normal(group.get("selector", {}))}
        return evaluate(self.templates[profile["ignition_id"].split(".")[0]], data)

    def is_listed(self, labels):
        return any(
            self.normal(group.get("selector", {})).get(key) == labels[key]
            for group in self.groups.values()
            for key in labels
            if key != "arch"
        )

    def is_told_by_arch(self, labels):
        """Whether a group by processor would decide, if none by the machine does."""
        rest = {key: value for key, value in labels.items() if key != "arch"}
        by_arch = any("arch" in group.get("selector", {}) for group in self.groups.values())
        try:
            return by_arch and not self.match(rest).get("selector")
        except NotFound:
            return by_arch

    def has_rule(self, labels, rules):
        """Whether rules say what the group of a machine that is not listed boots."""
        if self.is_listed(labels):
            return True
        try:
            group = self.match(labels)
        except NotFound:
            return True
        kind = RULES[labels["arch"]] if group.get("selector") else "- boot"
        return kind in rules and f"[{group['profile']}]" in rules.partition(kind)[2]
