"""What is in the binary, and whose it is: a bill of materials and the licences.

    scripts/bill.py TARGET LIBC_VERSION DIRECTORY

writes dockgate.cdx.json (CycloneDX 1.5) and THIRD-PARTY.txt beside DIRECTORY/dockgate. Listed are the crates
that cargo links for that target, with the features that are on: not those of tests and benches, and no
macros, which only the compiler runs. There is neither a clock nor chance in it.
"""

import hashlib
import json
import pathlib
import re
import subprocess
import sys
from urllib.parse import quote


def said(*command):
    return subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout


def linked(target):
    """Names and versions: the binary's own, and those of what is linked into it."""
    lines = said("cargo", "tree", "--locked", "--target", target, "--edges", "normal,no-proc-macro",
                 "--prefix", "none", "--no-dedupe", "--format", "{p}").splitlines()
    own, *rest = [tuple(line.replace(" v", " ").split()[:2]) for line in lines]
    return own, sorted(set(rest) - {own})


def described(target):
    metadata = json.loads(said("cargo", "metadata", "--locked", "--format-version", "1",
                               "--filter-platform", target))
    return {(package["name"], package["version"]): package for package in metadata["packages"]}


def checksums():
    lock = pathlib.Path("Cargo.lock").read_text(encoding="utf-8")
    entry = r'name = "(.+)"\nversion = "(.+)"\nsource = ".+"\nchecksum = "(.+)"'
    return {(name, version): checksum for name, version, checksum in re.findall(entry, lock)}


def component(name, version, licence, kind="library", of="cargo", checksum=None):
    purl = f"pkg:{of}/{name}@{quote(version)}"
    found = {"type": kind, "bom-ref": purl, "name": name, "version": version, "purl": purl,
             "licenses": [{"expression": licence}]}
    if checksum:
        found["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    return found


def licence(package):
    # A slash is how it was once written.
    return package["license"].replace("/", " OR ")


def texts(package):
    folder = pathlib.Path(package["manifest_path"]).parent
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.name.upper().startswith(("LICENSE", "LICENCE", "COPYING", "UNLICENSE")):
            yield path.read_text(encoding="utf-8").strip()


def third_party(components, crates, known):
    """A line each, then each text once, with those whose it is."""
    lines = ["What others wrote and is linked into dockgate, with its licence.", ""]
    lines += [f"{one['name']} {one['version']}: {one['licenses'][0]['expression']}" for one in components]
    whose = {}
    for crate in crates:
        for text in texts(known[crate]):
            whose.setdefault(hashlib.sha256(text.encode()).hexdigest(), (text, []))[1].append(crate[0])
    for text, names in sorted(whose.values(), key=lambda entry: entry[1]):
        lines += ["", "-" * 80, ", ".join(names), "-" * 80, text]
    return "\n".join(lines) + "\n"


def unlisted(binary, crates):
    """Crates that the binary itself names, in the places of its panics, and the list does not."""
    named = set(re.findall(rb"/vendor/([A-Za-z0-9_.+-]+)/", binary))
    return sorted(one.decode() for one in named - {f"{name}-{version}".encode() for name, version in crates})


def main(target, libc, directory):
    directory = pathlib.Path(directory)
    own, crates = linked(target)
    if missing := unlisted((directory / "dockgate").read_bytes(), crates):
        sys.exit(f"bill: the binary has {', '.join(missing)} in it, which cargo tree does not tell of")
    known, sums = described(target), checksums()
    compiler = said("rustc", "--version").split()[1]
    components = [component(*crate, licence(known[crate]), checksum=sums[crate]) for crate in crates]
    components.append(component("rust-std", compiler, "MIT OR Apache-2.0", of="generic"))
    components.append(component("glibc", libc, "LGPL-2.1-or-later", of="generic"))
    bill = {
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "metadata": {"component": component(*own, licence(known[own]), kind="application"),
                     "properties": [{"name": "cdx:rustc:sbom:target:triple", "value": target}]},
        "components": components,
    }
    (directory / "dockgate.cdx.json").write_text(json.dumps(bill, indent=2) + "\n", encoding="utf-8")
    (directory / "THIRD-PARTY.txt").write_text(third_party(components, crates, known), encoding="utf-8")


main(*sys.argv[1:])
