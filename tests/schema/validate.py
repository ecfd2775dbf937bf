"""validate.py SCHEMA: every site file of the tree against the JSON Schema."""
import glob
import json
import os
import re
import sys

import jsonschema
import yaml


class Loader(yaml.SafeLoader):
    """YAML 1.2: 52:54:00:00:00:01 is text, and so is "on"."""


Loader.yaml_implicit_resolvers = {}
for tag, pattern, first in (
    ("tag:yaml.org,2002:bool", r"^(?:true|false)$", "tf"),
    ("tag:yaml.org,2002:null", r"^(?:~|null|)$", ["~", "n", ""]),
    ("tag:yaml.org,2002:int", r"^[-+]?[0-9]+$", "-+0123456789"),
):
    Loader.add_implicit_resolver(tag, re.compile(pattern), first)

with open(sys.argv[1], encoding="utf-8") as file:
    schema = json.load(file)
jsonschema.Draft202012Validator.check_schema(schema)
print("ok schema-is-a-schema")
validator = jsonschema.Draft202012Validator(schema)

# Faults of form that a schema can tell.
REFUSED = ("E201-list", "E202", "E204-item-boot", "E204-no-items", "E204-no-url",
           "E204-rule-boot", "E205", "E207", "E208", "E301-short", "E304", "E305", "E306",
           "E308", "E309", "E311-signer-option", "E312", "E314-infix", "E330", "E331", "E334")
# It knows nothing of what fits together, of other files, or of what values mean: all
# below must pass, so that an editor never marks as wrong what it cannot judge. E1 is
# of what is no YAML.
TAKEN = ("E201-include", "E204-empty-menu", "E204-file", "E206", "E301-multicast", "E302",
         "E303", "E307", "E310", "E311", "E313", "E314", "E333", "E335", "E4", "E5", "E6", "E7",
         "W")
failed = False


def judge(path, wanted, judge_by=validator):
    global failed
    name = os.path.relpath(path, "tests").replace(os.sep, "/")
    with open(path, encoding="utf-8") as file:
        errors = list(judge_by.iter_errors(yaml.load(file, Loader)))
    if bool(errors) == wanted:
        failed = True
        why = errors[0].message if errors else "is taken"
        print(f"not ok {name}: {why[:200]}")
    else:
        print(f"ok {name}")


for path in sorted(glob.glob("tests/golden/*/site.yaml") +
                   glob.glob("tests/import/*/expected/site.yaml") +
                   glob.glob("examples/**/site.yaml", recursive=True)):
    judge(path, True)
part = validator.evolve(schema=schema | {"$ref": "#/$defs/part", "anyOf": [{}]})
for path in sorted(glob.glob("tests/import/*/expected/nodes.yaml") +
                   glob.glob("tests/golden/include/[!e]*/*.yaml") +
                   glob.glob("tests/golden/include/[!e]*/*.json")):
    judge(path, True, part)
for path in sorted(glob.glob("tests/errors/[E-W][2-9]*.yaml")):
    name = os.path.basename(path)
    if name.startswith(REFUSED):
        judge(path, False)
    elif name.startswith(TAKEN):
        judge(path, True)
    else:
        failed = True
        print(f"not ok errors/{name}: REFUSED or TAKEN must say what a schema sees of it")
sys.exit(failed)
