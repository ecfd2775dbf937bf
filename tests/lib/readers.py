"""Those who read what is rendered: Ignition, cloud-init, Anaconda, Talos and others.

Each is asked if it is on this machine, and named in MISSING if it was wanted and is
not. Most are programs in PATH. Two publish only a JSON Schema: these are looked for
in the directory $SCHEMAS, as autoinstall.json (of Ubuntu's subiquity) and talos.json
(of Talos, config.schema.json).
"""

import fnmatch
import json
import os
import tempfile

import lab

try:
    import yaml
except ImportError:
    yaml = None
try:
    import jsonschema
except ImportError:
    jsonschema = None

MISSING = set()  # readers that were wanted: "NAME: why it cannot be asked"
TALOS_KINDS = ("V1Alpha1", "")  # what the schema puts behind the kind of a document


def text_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def parse_json(path):
    json.loads(text_of(path))


def parse_yaml(path):
    list(yaml.safe_load_all(text_of(path)))


def silent(*argv, **options):
    """Run a program that warns, and then ends as if all were well."""
    said = lab.call(*argv, **options)
    if said:
        raise lab.Failure("it has something to say", said)


def ignition(path):
    silent("ignition-validate", path)


# A database of its own: that of the system has room for one reader at a time.
DEBCONF = """
Config: configdb
Templates: templatedb

Name: configdb
Driver: File
Filename: {0}/config.dat

Name: templatedb
Driver: File
Filename: {0}/templates.dat
"""


def preseed(path):
    with tempfile.TemporaryDirectory() as directory:
        config = lab.write(os.path.join(directory, "rc"), DEBCONF.format(directory))
        environment = dict(os.environ, DEBCONF_SYSTEMRC=config)
        silent("debconf-set-selections", "-c", path, env=environment)


def kickstart(path):
    lab.call("ksvalidator", path)


def cloud_init(path):
    lab.call("cloud-init", "schema", "--config-file", path)


# --- schemas ------------------------------------------------------------------------


def schema(name):
    return os.path.join(os.environ.get("SCHEMAS", ""), name)


def why_no_schema(name):
    if not jsonschema or not yaml:
        return "no python3-jsonschema and python3-yaml on this machine"
    return None if os.path.exists(schema(name)) else f"no $SCHEMAS/{name}"


def hold(rules, document):
    """The document must follow these rules of a JSON Schema."""
    validator = jsonschema.validators.validator_for(rules)(rules)
    faults = [f"{fault.json_path}: {fault.message}" for fault in
              validator.iter_errors(document)]
    if faults:
        raise lab.Failure("it does not follow the schema", "\n".join(faults))


def autoinstall(path):
    rules = json.loads(text_of(schema("autoinstall.json")))
    hold(rules, yaml.safe_load(text_of(path))["autoinstall"])


def talos(path):
    rules = json.loads(text_of(schema("talos.json")))
    rules.pop("oneOf", None)  # any document: a fault in one would name them all
    for document in yaml.safe_load_all(text_of(path)):
        kind = document.get("kind", "Config")
        wanted = [f".{kind}{suffix}" for suffix in TALOS_KINDS]
        found = [key for key in rules["$defs"] if key.endswith(tuple(wanted))
                 and (kind != "Config" or key == "v1alpha1.Config")]
        if not found:
            raise lab.Failure(f"the schema knows no {kind}")
        hold({**rules, "$ref": f"#/$defs/{found[0]}"}, document)


# --- who reads what -------------------------------------------------------------------


def named(*patterns):
    return lambda path: any(
        fnmatch.fnmatch(os.path.basename(path), pattern) for pattern in patterns
    )


def begins(text):
    def test(path):
        with open(path, "rb") as file:
            return file.read(len(text)) == text.encode()

    return test


def autoinstalls(path):
    return begins("#cloud-config")(path) and "\nautoinstall:" in text_of(path)


def configures_talos(path):
    return named("machine", "*.yaml")(path) and "\nversion: v1alpha1\n" in text_of(path)


NO_YAML = None if yaml else "no python3-yaml on this machine"

# (name, which files, how they are read, why they cannot be)
READERS = [
    ("json", named("*.ign", "*.json"), parse_json, None),
    ("yaml", named("*.yaml", "*.yml", "user-data", "meta-data", "machine"), parse_yaml,
     NO_YAML),
    ("ignition-validate", named("*.ign"), ignition, lab.missing("ignition-validate")),
    ("debconf-set-selections", named("preseed.cfg", "erase.cfg"), preseed,
     lab.missing("debconf-set-selections")),
    ("ksvalidator", named("ks.cfg"), kickstart, lab.missing("ksvalidator")),
    ("cloud-init", begins("#cloud-config"), cloud_init, lab.missing("cloud-init")),
    ("autoinstall", autoinstalls, autoinstall, why_no_schema("autoinstall.json")),
    ("talos", configures_talos, talos, why_no_schema("talos.json")),
]


def is_missing(name):
    return any(missing for reader, _, _, missing in READERS if reader == name)


def read(path):
    """Give a file to each of its readers. Failure: one of them does not take it."""
    for name, wants, parse, missing in READERS:
        if not wants(path):
            continue
        if missing:
            MISSING.add(f"reader-{name}: {missing}")
            continue
        try:
            parse(path)
        except lab.Failure as fault:
            said = f"{fault.console}\n{text_of(path)}"
            raise lab.Failure(f"{name} of {os.path.basename(path)}: {fault}", said) from None
        except (ValueError, *((yaml.YAMLError,) if yaml else ())) as fault:
            raise lab.Failure(f"{name}: {fault}", text_of(path)) from None
