#!/usr/bin/env python3
"""Makes tests/data/swagger-operations.tsv and swagger-fields.tsv from Docker Engine API descriptions.

usage: scripts/api-tables.py v1.30.yaml ... v1.56.yaml    (moby has them in api/docs and api/swagger.yaml)

It takes any number of descriptions, in any order, and needs PyYAML. What tests hold the tables of src/ to is what it
writes: nobody edits the two files.
"""

import sys
from pathlib import Path

import yaml

DATA = Path(__file__).resolve().parent.parent / "tests/data"
METHODS = ("get", "head", "post", "put", "delete", "options", "patch")

# Operations whose queries are examined; of all others the bodies alone.
QUERIES = """
    ContainerArchive ContainerArchiveInfo ContainerAttach ContainerAttachWebsocket ContainerCreate ContainerDelete
    ContainerKill ContainerRename ContainerRestart ContainerStart ContainerStop ConfigUpdate ExecResize
    GetPluginPrivileges ImageBuild ImageCommit ImageCreate ImagePush ImageSearch NodeUpdate PluginCreate PluginPull
    PluginUpgrade PutContainerArchive SecretUpdate ServiceUpdate SwarmUpdate VolumeUpdate
""".split()

# Bodies that are refused or passed on by another rule than a table's: why.
BODIES_LEFT_OUT = {
    "SwarmUnlock": "a key to what the daemon has already",
}

OPERATIONS_HEAD = """\
# Operations of the Docker Engine API descriptions: method, path with its parameters named {name}, operationId, first and
# last version. Made by scripts/api-tables.py from those of API VERSIONS; it is not edited.
"""

FIELDS_HEAD = """\
# Fields and parameters in the Docker Engine API descriptions of what is examined: operationId, body or query,
# path ([] is a list's element, {} a map's value), kind in the newest description that has it, first and last version.
# Where an older description contradicts a newer one about the shape of something, the newer one counts.
# Made by scripts/api-tables.py from those of API VERSIONS; it is not edited.
"""


class Description:
    """One version's description."""

    def __init__(self, path):
        self.root = yaml.load(Path(path).read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        self.version = str(self.root["info"]["version"])

    def operations(self):
        for path, methods in self.root["paths"].items():
            for method in METHODS:
                if method in methods:
                    yield method.upper(), named(path), methods[method]

    def resolved(self, node):
        """The node, with what it refers to in place of the reference."""
        while "$ref" in node:
            target = self.root
            for step in node["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            node = target
        return node

    def parts(self, schema, path, above):
        """Path and kind of everything in a schema. A schema that holds itself is followed once."""
        name = schema.get("$ref")
        if name in above:
            return
        above = above | {name} if name else above
        schema = self.resolved(schema)
        for part in schema.get("allOf", []):
            yield from self.parts(part, path, above)
        for key, field in (schema.get("properties") or {}).items():
            below = f"{path}.{key}" if path else key
            yield below, self.kind(field)
            yield from self.parts(field, below, above)
        if "items" in schema:
            yield path + "[]", self.kind(schema["items"])
            yield from self.parts(schema["items"], path + "[]", above)
        values = schema.get("additionalProperties")
        if isinstance(values, dict):
            yield path + "{}", self.kind(values)
            yield from self.parts(values, path + "{}", above)

    def kind(self, schema):
        schema = self.resolved(schema)
        if "properties" in schema:
            return "object"
        if "allOf" in schema:
            kinds = [self.kind(part) for part in schema["allOf"]]
            return next((kind for kind in kinds if kind != "object"), "object")
        if "additionalProperties" in schema:
            return "map"
        kind = schema.get("type", "object")
        # A list of types in newer descriptions: the one that is not null.
        return kind if isinstance(kind, str) else next(one for one in kind if one != "null")

    def arguments(self, operation):
        """Place, path and kind of what an operation takes."""
        for parameter in map(self.resolved, operation.get("parameters", [])):
            if parameter["in"] == "query" and operation["operationId"] in QUERIES:
                yield "query", parameter["name"], parameter["type"]
            is_left_out = operation["operationId"] in BODIES_LEFT_OUT
            if parameter["in"] == "body" and not is_left_out:
                schema = parameter["schema"]
                if self.kind(schema) in ("object", "array", "map"):
                    for path, kind in self.parts(schema, "", frozenset()):
                        yield "body", path, kind


def fits(name, place, field, fields):
    """Whether what a field is a part of has such parts in the newest description of it."""
    for suffix, kind in ("[]", "array"), ("{}", "map"):
        if field.endswith(suffix):
            whole = field.removesuffix(suffix)
            break
    else:
        whole, kind = field.rpartition(".")[0], "object"
    return not whole or fields[name, place, whole][0] == kind and fits(name, place, whole, fields)


def named(path):
    return "/".join("{name}" if segment.startswith("{") else segment for segment in path.split("/"))


def main(paths):
    if not paths:
        sys.exit(__doc__)
    descriptions = sorted(map(Description, paths), key=lambda one: [int(part) for part in one.version.split(".")])
    operations, fields = {}, {}
    for description in descriptions:
        for method, path, operation in description.operations():
            name = operation["operationId"]
            entry = operations.setdefault((path, METHODS.index(method.lower())), [method, path, name, description.version])
            # Called as the newest description calls it.
            entry[2:] = [name, entry[3], description.version]
            for place, field, kind in description.arguments(operation):
                span = fields.setdefault((name, place, field), [kind, description.version, None])
                span[0], span[2] = kind, description.version
    first, last = descriptions[0].version, descriptions[-1].version
    versions = f"{first} to {last} ({len(descriptions)} descriptions)"
    with open(DATA / "swagger-operations.tsv", "w") as out:
        out.write(OPERATIONS_HEAD.replace("VERSIONS", versions))
        for _, (method, path, name, first, last) in sorted(operations.items()):
            out.write("\t".join([method, path, name, f"{first}-{last}"]) + "\n")
    with open(DATA / "swagger-fields.tsv", "w") as out:
        out.write(FIELDS_HEAD.replace("VERSIONS", versions))
        for (name, place, field), (kind, first, last) in sorted(fields.items(), key=lambda row: row[0][:2]):
            if fits(name, place, field, fields):
                out.write("\t".join([name, place, field, kind, f"{first}-{last}"]) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
