"""The laboratory: real web servers, real iPXE and virtual machines for tests.

Everything here is used by tests/native, tests/e2e and scripts/lab-boot. What is
started here listens on loopback only and is ended by the process that was
started. From inside iPXE (slirp) and QEMU (user network) the loopback of this
machine is 10.0.2.2; that is why test sites have the URL https://10.0.2.2:PORT/.
"""

import concurrent.futures
import fnmatch
import glob
import json
import os
import re
import secrets
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
HOST = "10.0.2.2"
PATIENCE_S = 90  # for programs that answer at once, if the machine is idle
ESCAPES = re.compile(rb"\x1b\[[0-9;?=]*[A-Za-z]|\x1b[c()][0-9A-B]?")


class Failure(Exception):
    """A test did not see what it must see; console is what it saw instead."""

    def __init__(self, reason, console=""):
        super().__init__(reason)
        self.console = console


class Skip(Exception):
    """A test cannot be run here, for this reason."""


# --- processes ----------------------------------------------------------------


class Run:
    """What a program that was watched has printed, and how it ended."""

    def __init__(self, text, status, seconds):
        self.text = text
        self.status = status  # exit status; None: ended by us
        self.seconds = seconds

    def require(self, *patterns, absent=()):
        """Raise Failure unless all patterns occur, in this order, and no absent."""
        position = 0
        for pattern in patterns:
            match = re.compile(pattern).search(self.text, position)
            if not match:
                place = "" if not position else " after what came before it"
                raise Failure(f"no /{pattern}/{place}", self.text)
            position = match.end()
        for pattern in absent:
            if re.search(pattern, self.text):
                raise Failure(f"/{pattern}/ must not be there", self.text)
        return self


def _clean(raw):
    return ESCAPES.sub(b"", raw).replace(b"\r", b"").decode("utf-8", "replace")


def watch(argv, timeout_s, until=None, echo=None, keys=None):
    """Run a program, collect its output, and never wait longer than timeout_s.

    until: a pattern; when it is seen the program is ended, as after timeout_s.
    echo: a function that is given each line when it is whole.
    keys: (pattern, bytes): what to type when the pattern is seen.
    """
    start = time.monotonic()
    # At the end of its input, iPXE's menu would see a key all the time.
    process = start_process(argv, subprocess.PIPE, subprocess.PIPE)
    raw, shown = b"", 0
    status = None
    try:
        while time.monotonic() - start < timeout_s:
            if not select.select([process.stdout], [], [], 0.2)[0]:
                continue
            piece = os.read(process.stdout.fileno(), 65536)
            if not piece:
                status = process.wait(timeout=PATIENCE_S)
                break
            raw += piece
            end = raw.rfind(b"\n") + 1
            if echo and end > shown:
                echo(_clean(raw[shown:end]))
                shown = end
            if keys and re.search(keys[0], _clean(raw)):
                process.stdin.write(keys[1])
                process.stdin.flush()
                keys = None
            if until and re.search(until, _clean(raw)):
                break
    finally:
        end_process(process)
    return Run(_clean(raw), status, time.monotonic() - start)


_processes = set()
_stopping = threading.Event()


def start_process(argv, output, typing=subprocess.DEVNULL):
    """Start what must not outlive us: the kernel ends it when we are killed."""
    if _stopping.is_set():
        raise Failure("the laboratory is closing")
    process = subprocess.Popen(
        ["setpriv", "--pdeathsig", "TERM", *argv],
        stdin=typing,
        stdout=output,
        stderr=subprocess.STDOUT,
    )
    _processes.add(process)
    return process


def terminate_on_signal():
    """Let SIGTERM end every server and machine before it ends us."""

    def stop(*_):
        _stopping.set()
        for process in list(_processes):
            process.terminate()
        sys.exit(143)

    signal.signal(signal.SIGTERM, stop)


def end_process(process):
    """End a process that we started, by its own pid; kindly, then not."""
    _processes.discard(process)
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe:
            pipe.close()


def call(*argv, **options):
    """Run a helper that must succeed; its output is the Failure's console."""
    if _stopping.is_set():
        raise Failure("the laboratory is closing")
    done = subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        **options,
    )
    text = done.stdout.decode("utf-8", "replace")
    if done.returncode:
        name = " ".join(os.path.basename(a) for a in argv[:2])
        raise Failure(f"{name} ended with status {done.returncode}", text)
    return text


# --- the program under test ---------------------------------------------------


def program():
    """The program to test: $IPXE_EMBED, or the last one that was built."""
    return os.environ.get("IPXE_EMBED") or os.path.join(ROOT, "build/ipxe-embed")


def embed(*args, **options):
    """Run the program under test; it must succeed."""
    return call(program(), *args, **options)


def build_site(site, out, images, keys=None):
    """Build a site, and sign its tree if there is a directory with a signer."""
    words = [word for image in images for word in ("--image", image)]
    embed("build", site, "-o", out, *words)
    if keys:
        signer = os.path.join(keys, "signer.")
        embed("sign", out, "--key", signer + "key", "--cert", signer + "pem")


def link_image(image, script, features, *roots):
    """Put what iPXE's own make links from a script and roots in place of an image.

    features: words of `bakery` (tests/base/bakery.c), with commas; "-" for none.
    """
    bakery = os.path.join(os.environ.get("BUILD") or os.path.join(ROOT, "build/release"),
                          "tests", "base", "bakery")
    directory, name = os.path.split(image)
    call(bakery, "reference", directory, script, features, name, *roots)


def ipxe_tree():
    """A source tree of iPXE, found as the program finds it; None without one."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    candidates = [os.environ.get("IPXE_SRC", "")]
    candidates += sorted(glob.glob(os.path.join(cache, "ipxe-embed", "ipxe-*")))
    for tree in candidates:
        if tree and os.path.exists(os.path.join(tree, "src", "Makefile")):
            return tree
    return None


def stock_base(cache):
    """Make a stock base in a cache. Failure: apt reaches no package for one."""
    take = os.path.join(ROOT, "scripts", "stock-base")
    try:
        call(take, env={**in_cache(cache), "IPXE_EMBED": program()})
    except Failure as failure:
        raise Failure(
            "apt reaches no package ipxe that can be a base", failure.console
        ) from None


def in_cache(cache):
    """An environment with this cache, and without an iPXE tree."""
    return {**os.environ, "IPXE_EMBED_CACHE": cache, "IPXE_SRC": ""}


def leaf(chain, path):
    """The first certificate of a chain: what a server sends that keeps its root."""
    with open(chain, encoding="ascii") as file:
        end = "-----END CERTIFICATE-----\n"
        return write(path, file.read().split(end)[0] + end)


def missing(*programs):
    """Reason why a test that needs these cannot run; None when it can."""
    for name in programs:
        if not shutil.which(name):
            return f"no {name} on this machine"
    return None


# --- certificates that the program itself would refuse to make ------------------

AUTHORITY = """
[ca]
default_ca = this
[this]
dir = {dir}
database = $dir/index
new_certs_dir = $dir
rand_serial = yes
certificate = $dir/root.pem
private_key = $dir/root.key
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[leaf]
basicConstraints = critical,CA:FALSE
subjectKeyIdentifier = hash
"""


class Authority:
    """A root of trust in a directory, for leaves good and bad.

    A directory that holds root.pem and root.key is taken as it is.
    """

    def __init__(self, directory, name="elsewhere"):
        self.dir = directory
        os.makedirs(directory, exist_ok=True)
        self.root = os.path.join(directory, "root.pem")
        if not os.path.exists(self.root):
            call(
                *"openssl req -x509 -newkey rsa:2048 -nodes -days 30".split(),
                *("-subj", f"/CN={name}", "-out", self.root),
                *("-keyout", os.path.join(directory, "root.key")),
                *("-addext", "basicConstraints=critical,CA:TRUE"),
                *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
            )

    def issue(self, name, common_name, extensions, days=(-1, 20)):
        """A leaf that is valid from day days[0] to day days[1] from now.

        Returns the paths of the certificate and of the key.
        """
        base = os.path.join(self.dir, name)
        config = AUTHORITY.format(dir=self.dir) + "\n".join(extensions) + "\n"
        with open(base + ".cnf", "w", encoding="ascii") as file:
            file.write(config)
        open(os.path.join(self.dir, "index"), "a", encoding="ascii").close()
        call(
            *"openssl req -newkey rsa:2048 -nodes".split(),
            *("-subj", f"/CN={common_name}", "-out", base + ".csr"),
            *("-keyout", base + ".key"),
        )
        first, last = (
            time.strftime("%y%m%d%H%M%SZ", time.gmtime(time.time() + 86400 * day))
            for day in days
        )
        call(
            *("openssl", "ca", "-batch", "-notext", "-config", base + ".cnf"),
            *("-extensions", "leaf", "-startdate", first, "-enddate", last),
            *("-in", base + ".csr", "-out", base + ".pem"),
        )
        with open(base + ".pem", "a", encoding="ascii") as chain:
            with open(self.root, encoding="ascii") as root:
                chain.write(root.read())
        return base + ".pem", base + ".key"

    def server(self, name="server", host=HOST, days=(-1, 20)):
        """A web server's certificate for an address or a DNS name."""
        kind = "IP" if host[0].isdigit() else "DNS"
        usage = "keyUsage = digitalSignature,keyEncipherment"
        purpose = "extendedKeyUsage = serverAuth"
        names = f"subjectAltName = {kind}:{host}"
        return self.issue(name, host, [usage, purpose, names], days)

    def signer(self, name, common_name, days=(-1, 20)):
        """A code signer's certificate."""
        usage = "keyUsage = digitalSignature"
        return self.issue(
            name, common_name, [usage, "extendedKeyUsage = codeSigning"], days
        )


def sign(path, certificate_and_key, root):
    """Sign a file in place (path.sig) with anybody's key, as iPXE wants it."""
    certificate, key = certificate_and_key
    call(
        *"openssl cms -sign -binary -noattr -md sha256 -outform DER".split(),
        *("-in", path, "-out", path + ".sig", "-certfile", root),
        *("-signer", certificate, "-inkey", key),
    )


# --- web server -----------------------------------------------------------------

NGINX = """
daemon off;
master_process off;
pid {dir}/pid;
error_log {dir}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log {dir}/access.log;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    types {{ }}
    default_type application/octet-stream;
    server {{
        listen 127.0.0.1:{port}{tls};
        root {root};
        {more}
    }}
}}
"""


def free_port():
    """A TCP port of loopback that is free right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class WebServer:
    """nginx on loopback; a context manager, so that it always ends.

    certificate: (chain, key) files; None for plain HTTP.
    more: further lines for the server block of its configuration.
    """

    def __init__(self, root, port, certificate=None, more=""):
        self.root, self.port, self.more = root, port, more
        self.certificate = certificate
        self.process = None
        self.dir = None

    def __enter__(self):
        self.dir = tempfile.mkdtemp(prefix="lab-nginx-")
        tls, more = "", self.more
        if self.certificate:
            tls = " ssl"
            more += "ssl_certificate {}; ssl_certificate_key {};".format(
                *self.certificate
            )
        config = os.path.join(self.dir, "nginx.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(
                NGINX.format(
                    dir=self.dir, port=self.port, tls=tls, root=self.root, more=more
                )
            )
        nginx = shutil.which("nginx") or "/usr/sbin/nginx"
        with open(os.path.join(self.dir, "output"), "wb") as output:
            argv = [nginx, "-e", "stderr", "-p", self.dir, "-c", config]
            self.process = start_process(argv, output)
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _wait(self):
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            # It is written once the port is its own, not that of another server.
            if os.path.exists(os.path.join(self.dir, "pid")):
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            time.sleep(0.05)
        with open(os.path.join(self.dir, "output"), encoding="utf-8") as output:
            raise Failure("nginx does not answer", output.read())

    def requests(self):
        """Paths that were asked for since the start, oldest first."""
        with open(os.path.join(self.dir, "access.log"), encoding="utf-8") as log:
            return re.findall(r'"GET (\S+) ', log.read())

    def __exit__(self, *_):
        end_process(self.process)
        shutil.rmtree(self.dir, ignore_errors=True)


# --- iPXE as a process ------------------------------------------------------------


def run_ipxe(image, macs, settings=None, timeout_s=240, until=None, echo=None,
             keys=None):
    """Run iPXE's Linux program with one network card for each MAC address.

    settings: what firmware would say: uuid, serial, asset, product, …; no commas.
    until, echo, keys: as of watch(); without until, it must end by itself.
    """
    argv = [image]
    for mac in macs:
        argv += ["--net", f"slirp,mac={mac}"]
    if settings:
        words = ",".join(f"{name}={value}" for name, value in settings.items())
        argv += ["--settings", words]
    run = watch(argv, timeout_s, until, echo, keys)
    if run.status is None and not until:
        raise Failure(f"iPXE did not end within {timeout_s} s", run.text)
    return run


# --- virtual machines -----------------------------------------------------------

OVMF = ("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd")

SECURE_CODE = "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd"

# How each kind of machine starts: firmware, and the image it is given.
MACHINES = {
    "bios": {"firmware": "bios", "image": "undionly.kpxe"},
    "lkrn": {"firmware": "bios", "image": "ipxe.lkrn"},
    "efi": {"firmware": "efi", "image": "ipxe.efi"},
    "snponly": {"firmware": "efi", "image": "snponly.efi"},
    "secure": {"firmware": "secure", "image": "ipxe.efi"},
}


class Machine:
    """A virtual machine that boots one of our images from the network.

    kind: one of MACHINES; tftp: directory with the image; macs: one network card
    each, the first one with a cable boots; disk: QEMU drive (a path or fat:DIR);
    smbios: as for `-smbios type=1,`; dead: MACs whose cable is not plugged in; store:
    variables of a UEFI with Secure Boot, of which it gets a copy.
    """

    def __init__(self, kind, tftp, macs, disk=None, smbios=None, uuid=None, dead=(),
                 store=OVMF[1], stick=None):
        self.kind = MACHINES[kind]
        self.tftp, self.macs, self.disk = tftp, macs, disk
        self.smbios, self.uuid, self.dead = smbios, uuid, dead
        self.store, self.stick = store, stick

    def _firmware(self, directory):
        if self.kind["firmware"] == "bios":
            return ["-machine", "pc"]
        store = shutil.copy(self.store, os.path.join(directory, "vars.fd"))
        flash = "if=pflash,format=raw"
        code, argv = OVMF[0], ["-machine", "q35"]
        if self.kind["firmware"] == "secure":
            # Nothing but firmware, in system management mode, may write to it.
            code, argv = SECURE_CODE, ["-machine", "q35,smm=on"]
            argv += ["-global", "driver=cfi.pflash01,property=secure,value=on"]
        return argv + [
            *("-drive", f"{flash},readonly=on,file={code}"),
            *("-drive", f"{flash},file={store}"),
        ]

    def _network(self):
        # Under UEFI the firmware's own PXE is used, as on real machines; SeaBIOS
        # has none, its PXE is the iPXE ROM of the card.
        card = "virtio-net-pci,romfile="
        if self.kind["firmware"] == "bios":
            card = "e1000"
        net = f"tftp={self.tftp},bootfile={self.kind['image']}"
        boots = next(i for i, mac in enumerate(self.macs) if mac not in self.dead)
        first, rest, argv = ",bootindex=1", "", []
        if self.stick:
            net, first, rest = "ipv6=off", ",romfile=", ",romfile="
            card = card.replace(",romfile=", "")
        for index, mac in enumerate(self.macs):
            device = f"{card},id=c{index},netdev=n{index},mac={mac}"
            device += first if index == boots else rest
            argv += ["-netdev", f"user,id=n{index},{net}", "-device", device]
        return argv

    def argv(self, directory):
        """The command line of QEMU; directory: for files of this run."""
        argv = ["qemu-system-x86_64", "-accel", "tcg", "-m", "768", "-no-reboot"]
        argv += ["-display", "none", "-vga", "none", "-nic", "none"]
        argv += ["-serial", "stdio", *self._firmware(directory), *self._network()]
        if self.disk:
            argv += ["-drive", f"file={self.disk},format=raw,if=virtio"]
        if self.stick:
            image = f"file={self.stick},format=raw,if=none,id=stick,snapshot=on"
            argv += ["-drive", image, "-device", "qemu-xhci"]
            argv += ["-device", "usb-storage,drive=stick,removable=on,bootindex=0"]
        if self.uuid:
            argv += ["-uuid", self.uuid]
        if self.smbios:
            argv += ["-smbios", f"type=1,{self.smbios}"]
        if self.dead:
            monitor = os.path.join(directory, "monitor")
            argv += ["-S", "-monitor", f"unix:{monitor},server=on,wait=off"]
        return argv

    @staticmethod
    def _prompt(link):
        """Wait until QEMU's monitor has done what it was told."""
        said = b""
        while not said.endswith(b"(qemu) "):
            piece = link.recv(65536)
            if not piece:
                return
            said += piece

    def _unplug(self, directory):
        """Take the cables out before the machine is let run."""
        link = socket.socket(socket.AF_UNIX)
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                link.connect(os.path.join(directory, "monitor"))
                break
            except OSError:
                time.sleep(0.05)
        commands = [f"set_link c{self.macs.index(mac)} off" for mac in self.dead]
        for command in commands + ["cont"]:
            self._prompt(link)
            link.sendall(command.encode() + b"\n")
        self._prompt(link)
        link.close()

    def boot(self, timeout_s=600, until=None, echo=None):
        """Let it run until it powers off, until is seen, or the time is up."""
        with tempfile.TemporaryDirectory(prefix="lab-vm-") as directory:
            if self.dead:
                threading.Thread(
                    target=self._unplug, args=(directory,), daemon=True
                ).start()
            return watch(self.argv(directory), timeout_s, until, echo)


# --- results ----------------------------------------------------------------------


class Suite:
    """Cases by name, some of them side by side; prints one line for each.

    why_skip: when not empty, every case is named as skipped for this reason.
    """

    TAIL = 40

    def __init__(self, width=None, why_skip=None):
        self.width = width or max(2, os.cpu_count() or 1)
        self.why_skip = why_skip
        self.pattern = os.environ.get("CASES") or "*"
        self.failed = 0
        self.lock = threading.Lock()

    def wanted(self, name):
        return fnmatch.fnmatch(name, self.pattern)

    def case(self, name, function, *args):
        """Run one case now; a Failure is its result, not the end of the suite."""
        if not self.wanted(name):
            return
        if self.why_skip:
            self._print(f"skip {name}: {self.why_skip}")
            return
        start = time.monotonic()
        try:
            if self.group(name, function, *args):
                self._print(f"ok {name}", f"  {time.monotonic() - start:.1f} s")
        except Skip as reason:
            self._print(f"skip {name}: {reason}")

    def group(self, name, function, *args):
        """Run what makes several cases; only a Failure of its own is a result."""
        try:
            function(*args)
            return True
        except Failure as failure:
            tail = failure.console.strip().splitlines()[-self.TAIL :]
            self._print(f"not ok {name}: {failure}", *("  | " + t for t in tail))
            with self.lock:
                self.failed += 1
            return False

    def cases(self, rows):
        """Run cases (name, function, arguments…) side by side."""
        self._side_by_side(self.case, rows, self.width)

    def groups(self, rows):
        """Run groups (name, function, arguments…), two at a time."""
        self._side_by_side(self.group, rows, 2)

    @staticmethod
    def _side_by_side(run, rows, width):
        with concurrent.futures.ThreadPoolExecutor(width) as pool:
            try:
                for done in [pool.submit(run, *row) for row in rows]:
                    done.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _print(self, *lines):
        with self.lock:
            print("\n".join(lines), flush=True)

    def finish(self):
        sys.exit(1 if self.failed else 0)


def nonce():
    """A word that nobody can have printed before this run."""
    return "nonce-" + secrets.token_hex(6)


def write(path, content):
    """Write text or bytes, making the directory if need be."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    data = content if isinstance(content, bytes) else content.encode()
    with open(path, "wb") as file:
        file.write(data)
    return path


def write_json(path, value):
    return write(path, json.dumps(value, indent=2) + "\n")
