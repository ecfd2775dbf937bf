"""Sites by chance: the same for the same seed, and good by all rules.

With native=True they hold only what iPXE's Linux program can do, and their
kernels are scripts, which it can execute.
"""

import random

ARGUMENTS = [
    *["quiet", "console=ttyS0,115200n8", "ds=nocloud;s=http://x/y/", "a#b", "x=$y", "k={a}"],
    *["hostname={{name}}", "--", "-n", "|", "a||b", "q=\"1\"", "%20", "\\x", "}", "v={{v}}"],
    *["--name", "init=/bin/sh", "ip=dhcp", "a&&b", "'single'", "t=~!@^*()", "u=\u00e9"],
]
ARCHS = ["x86_64", "arm64"]
FINAL = ["retry", "reboot", "poweroff", "exit"]
SERIALS = ["SN 42/7", "#1", "a%25b", "||", "x&&y", "S=1;2", "{}", "-n", "Q?a=b:c@d"]


# What firmware may say, and rules may look for.
MAKERS = ["Dell Inc.", "HPE", "QEMU", "a;b || c", "#1", "${net0/mac}", "-n &&", "100%", "\\x\\"]

# That may be listed as the one to use, and looked for by rules, and be no node's.
SPARE_CARD = "02:00:00:00:00:99"


def encoded(text):
    """As unknown machines print it, and all that no pattern can hold plainly."""
    return "".join(f"%{ord(c):02X}" if c in "%*?[" else c for c in text)


class Chance:
    def __init__(self, seed, native=False):
        self.random = random.Random(seed)
        self.native = native
        self.files = {}
        self.used = set()
        self.strangers = []  # machines that rules are about
        self.bootable = set(ARCHS)  # where every profile has a kernel

    def pick(self, rows):
        return self.random.choice(rows)

    def some(self, rows, most):
        return [self.pick(rows) for _ in range(self.random.randint(0, most))]

    def likely(self, share):
        return self.random.random() < share

    def unique(self, make):
        """Something that this has not made before."""
        while True:
            value = make()
            if value not in self.used:
                self.used.add(value)
                return value

    def file(self, name):
        mark = f"#!ipxe\necho MARK {name}\nimgstat\n" if name.startswith("kernel") else name
        self.files.setdefault(name, mark * (1 if name.startswith("kernel") else 30))
        return name

    def mac(self):
        tail = self.unique(lambda: tuple(self.random.randrange(256) for _ in range(3)))
        byte = [0x52, 0x54, 0x00, *tail]
        shape = self.pick(["{}:{}:{}:{}:{}:{}", "{}-{}-{}-{}-{}-{}", "{}{}.{}{}.{}{}"])
        text = shape.format(*(f"{b:02x}" for b in byte))
        return self.pick([text, text.upper()])

    def uuid(self):
        hexes = "".join(f"{self.random.randrange(256):02x}" for _ in range(16))
        return "-".join((hexes[:8], hexes[8:12], hexes[12:16], hexes[16:20], hexes[20:]))

    def by_arch(self, make):
        """One for each of some processors."""
        return {arch: make(arch) for arch in self.random.sample(ARCHS, self.random.randint(1, 2))}

    def network(self, node):
        """Of the site, a group or a node; only nodes have addresses and cards."""
        made = {}
        if node and self.likely(0.4):
            made["ip"] = f"10.0.0.{self.unique(lambda: self.random.randint(1, 250))}/24"
        if "ip" in made and self.likely(0.5):
            made["gateway"] = "10.0.0.254"
        if self.likely(0.3):
            made["dns"] = self.pick(["10.0.0.1", ["10.0.0.1", "10.0.0.2"]])
        if self.likely(0.3):
            made["vlan"] = self.pick([7, 8])
        if self.likely(0.3):
            cards = ["net0", "net1", "net2", SPARE_CARD, self.mac(), *node]
            made["nics"] = self.random.sample(cards, self.random.randint(1, 3))
        if self.likely(0.3):
            made["ntp"] = self.pick(["time.lab", "10.0.0.3"])
        return made or "dhcp"

    def program(self, number):
        """What is no kernel of Linux."""
        kind = self.pick(["efi", "uki", "chain"])
        if kind != "chain":
            return {kind: self.file(f"program-{number}.efi")}
        self.files["own.ipxe"] = "#!ipxe\necho own\n"
        return {"chain": "own.ipxe"}

    def arguments(self):
        """For all, or for all and for some."""
        args = self.some(ARGUMENTS, 4)
        if self.likely(0.2):
            own = self.by_arch(lambda arch: [arch, *self.some(ARGUMENTS, 2)])
            args.insert(self.random.randint(0, len(args)), own)
        return args

    def kernel(self, name):
        """One file for all machines, or several; at times none for some."""
        if self.likely(0.7):
            return self.file(name)
        kernels = self.by_arch(lambda arch: self.file(f"{name}-{arch}"))
        self.bootable &= set(kernels)
        return kernels

    def order(self, profiles, menus, in_menu=False):
        steps = [*profiles, *profiles]
        if not self.native:
            steps += ["disk", "shell"]
            if not in_menu:
                steps += [f"menu:{name}" for name in menus]
        order = self.some(steps, 3)
        return order + [self.pick(["exit"] if self.native else FINAL)]

    def profile(self, number):
        made = {
            "kernel": self.kernel(f"kernel-{number}"),
            "args": self.arguments(),
            "vars": {"v": self.pick(["1", "two", "x=y"])},
        }
        if self.likely(0.3) and not self.native:
            made["phases"] = {
                "install": {"args": self.arguments()},
                "run": {"vars": {"v": "running"}, "args": ["{{phase}}"]},
            }
        initrds = [self.file(f"initrd-{n}") for n in range(self.random.randint(0, 2))]
        if self.likely(0.2):
            initrds.append(self.by_arch(lambda arch: [self.file(f"initrd-{arch}")]))
        if initrds:
            made["initrd"] = initrds
        if self.likely(0.4):
            made["files"] = {"/etc/a": {"content": "of {{name}}, {{v}}\n", "mode": "0600"}}
        if self.likely(0.2):
            made.setdefault("files", {}).update(
                self.by_arch(lambda arch: {"/etc/a": {"content": "{{arch}}, {{name}}\n"}}))
        return made

    def pattern(self, text):
        """The whole text, or its beginning."""
        if self.likely(0.4):
            return encoded(text)
        return encoded(text[: self.random.randint(1, min(len(text), 15))]) + "*"

    def hexes(self, text, least):
        digits = self.random.randint(least, len(text.replace(":", "").replace("-", "")))
        end = [n for n, c in enumerate(text) if c not in ":-"][digits - 1] + 1
        return text[:end] + ("*" if end < len(text) else "")

    def rule(self, profiles, product, machines):
        """For what begins with a product, and a machine that it may be for."""
        match = {"product": product + "*"}
        says = {"product": product + self.pick(["", "x", " 2", "0" * 60])}
        mac = "02:00:" + ":".join(f"{self.random.randrange(256):02x}" for _ in range(4))
        if self.likely(0.4):
            says["manufacturer"] = self.pick(MAKERS)
            match["manufacturer"] = [self.pattern(says["manufacturer"]), "None*"]
        if self.likely(0.3):
            says["uuid"] = self.uuid()
            match["uuid"] = self.hexes(says["uuid"], 1)
        if self.likely(0.3):
            match["mac"] = [self.pick(["52:54:00:*", SPARE_CARD]), self.hexes(mac, 4)]
        if self.likely(0.2):
            match[self.pick(["serial", "asset"])] = "*"
        if not self.native and self.likely(0.3):
            match["platform"] = self.pick(["efi", ["efi", "pcbios"]])
            match["arch"] = self.pick(["arm64", "x86_64", ["x86_64", "arm64"]])
        elif self.likely(0.5):
            match["arch"] = ["arm64", "x86_64"]
        machines.append(([mac], says))
        return {"match": match, "boot": self.order(profiles, [])}

    def unknown(self, profiles):
        """A boot order, or rules: those for longer names of products first."""
        if self.likely(0.3):
            return self.order(profiles, [])
        base = self.pick(["Model 123456789", "R", "ThinkSystem", "x || y # z"])[:15]
        cuts = sorted({self.random.randint(1, len(base)) for _ in range(5)}, reverse=True)
        rules = [self.rule(profiles, base[:cut], self.strangers) for cut in cuts]
        if self.likely(0.5):
            rules.append({"boot": self.order(profiles, [])})
        return rules

    def menu(self, name, profiles, menus):
        """Whatever the title is, the text of its first item tells it from the others."""
        names = self.random.sample(["one", "two", "three"], self.random.randint(1, 3))
        items = {name: self.order(profiles, menus, True) for name in names}
        items[names[0]] = {"text": f"this of {name}", "boot": items[names[0]]}
        made = {"items": items}
        if self.likely(0.6):
            made.update(timeout="30s", default=self.pick(names))
        if self.likely(0.5):
            made["title"] = self.pick(["What shall it be?", "A - B", "-x | y"])
        return made

    def node(self, profiles, menus, groups):
        made = {"boot": self.order(profiles, menus)}
        macs = [self.mac() for _ in range(self.random.randint(0, 3))]
        if macs:
            made["mac"] = macs
        if not macs or self.likely(0.3):
            made["uuid"] = self.uuid()
        free = [serial for serial in SERIALS if serial not in self.used]
        if free and self.likely(0.3):
            made["serial"] = self.unique(lambda: self.pick(free))
        if groups and self.likely(0.7):
            made["groups"] = self.random.sample(groups, 1)
        if self.likely(0.3):
            made[self.pick(["args", "args!"])] = self.arguments()
        if self.bootable and self.likely(0.2):
            made["arch"] = self.pick(sorted(self.bootable))
        if self.likely(0.5):
            made["profile"] = self.pick(profiles)
        if not self.native and self.likely(0.5):
            made["network"] = self.network(macs)
        if not self.native and self.likely(0.2):
            made["channel"] = "c/two"
        return made

    def site(self, urls=("https://one.example/", "https://two.example/b/")):
        count = self.random.randint(1, 3)
        profiles = {f"p{n}": self.profile(n) for n in range(count)}
        if not self.native and self.likely(0.4):
            profiles["program"] = self.program(1)
        names = list(profiles)
        menus = [] if self.native else ["main", "tools"][: self.random.randint(0, 2)]
        groups = {f"g{n}": {"args": self.arguments(), "vars": {"v": f"g{n}"}} for n in range(2)}
        nodes = {
            self.pick(["n", "node-", "a.b-", "x"]) + str(n): self.node(names, menus, list(groups))
            for n in range(self.random.randint(1, 6))
        }
        plain = {f"plain-{n}": {"kernel": self.kernel(f"kernel-plain-{n}")} for n in range(3)}
        verify = self.pick(["digest", "signature", ["signature", "digest"]])
        made = {
            "site": "chance",
            "url": list(urls)[: self.random.randint(1, len(urls))],
            "trust": ["root.pem"],
            "verify": verify,
            "allow-unknown-install": True,
            "unknown": self.unknown(list(plain)),
            "profiles": {**profiles, **plain},
            "groups": groups,
            "nodes": nodes,
        }
        if verify != "digest":
            made["dispatch"] = self.pick(["embedded", "remote", "both"])
        if not self.native:
            made["phase"] = self.pick(["install", "run"])
            made["channels"] = {"c": {"one": {"version": 1}, "two": {"version": "2.0"}}}
            made["channel"] = "c/one"
            made["args"] = self.pick([[], ["c={{channel.version}}"]])
            if self.likely(0.3):
                made["network"] = self.network([])
        if made.get("dispatch", "embedded") != "embedded":
            for node in nodes.values():  # who asks the tree has the network of the site
                node.pop("network", None)
        if menus:
            made["menus"] = {name: self.menu(name, names, menus) for name in menus}
        if not self.native and self.likely(0.3):
            made["assets"] = "http://cdn.example/"
        return made


def shuffled(value, seed):
    """The same with its keys in another order, but for the items of menus."""
    chance = random.Random(seed)
    if isinstance(value, dict):
        keys = list(value)
        chance.shuffle(keys)
        return {
            key: value[key] if key == "items" else shuffled(value[key], seed + 1)
            for key in keys
        }
    return value
