"""The checks of scripts/try-sbom, which brings the library."""

import json
import pathlib
import re
import subprocess
import sys
import tomllib

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = pathlib.Path(__file__).resolve().parent.parent
MUSL = ["--target=x86_64-unknown-linux-musl", "--target=aarch64-unknown-linux-musl"]
# C that scanners look for.
C = {"aws-lc", "librdkafka", "mimalloc", "musl", "openssl", "sqlite", "zlib"}
# What crates say of the C that they bring: in their own version.
BROUGHT = {"librdkafka": "rdkafka-sys", "openssl": "openssl-src"}
# How some tell their version in a binary; {} is the version.
TOLD = {"openssl": rb"OpenSSL {} ", "zlib": rb"(?<![\d.]){}\0", "sqlite": rb"(?<![\d.]){}\0"}
file, binaries = pathlib.Path(sys.argv[1]), [pathlib.Path(each) for each in sys.argv[2:]]
failed = []


def check(what, wrong):
    """`wrong` is empty, or says what is not as it should be."""
    if wrong:
        failed.append(what)
        print(f"✗ {what}: {wrong if isinstance(wrong, str) else sorted(map(str, wrong))}", file=sys.stderr)


def resolved(*options):
    """What cargo would compile: {(name, version)}."""
    done = subprocess.run(["cargo", "tree", "--locked", "--prefix=none", "--format={p}", *options], cwd=ROOT, check=True,
                          capture_output=True, text=True)
    # Our own have a path.
    return {(line.split()[0], line.split()[1][1:]) for line in done.stdout.splitlines() if line and "(/" not in line}


listed = json.loads(file.read_text())
components = listed["components"]
crates = [each for each in components if each["purl"].startswith("pkg:cargo/")]
others = {each["name"]: each["version"] for each in components if each not in crates}


def of(scope=None, part=None):
    return {(each["name"], each["version"]) for each in crates if scope in (None, each["scope"])
            and (part is None or part in [said["value"] for said in each["properties"]])}


check("the schema of CycloneDX 1.6", str(JsonStrictValidator(SchemaVersion.V1_6).validate_str(file.read_text()) or ""))

lock = {(each["name"], each["version"]): each.get("checksum") for each in tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]}
check("crates are Cargo.lock's, with its hashes", [
    each["purl"] for each in crates
    if [{"alg": "SHA-256", "content": lock.get((each["name"], each["version"]))}] != each.get("hashes")])

server = resolved("--package=server", "--features=portable", *MUSL, "--edges=normal,no-proc-macro")
browser = resolved("--package=frontend", "--target=wasm32-unknown-unknown", "--edges=normal,no-proc-macro")
check("crates of the server and of browsers", of("required") ^ (server | browser))
check("those of the server", server - of(part="server"))
check("those of browsers", browser - of(part="frontend"))
tests = {name for name, _ in resolved("--workspace", "--edges=dev", "--depth=1", *MUSL)}
check("tests have dependencies of their own", "" if {"proptest", "insta"} <= tests else "not found")
check("nothing of tests", [name for name, _ in of() if name in {"proptest", "insta", "libfuzzer-sys", "wasm-bindgen-cli-support"}])
check("C", C - others.keys())
check("versions of C", [name for name, crate in BROUGHT.items()
                        if f"+{others.get(name)}" not in next((version for each, version in of() if each == crate), "")])
check("every one has a licence", [each["purl"] for each in components if not each["licenses"][0]["expression"]])

# A panic names the file that it is in, with its crate.
told = re.compile(rb"registry/src/[^/\0]+/([A-Za-z0-9_-]+)-(\d+\.\d+\.\d+[^/\0]*)/")
for binary in binaries:
    content = binary.read_bytes()
    seen = {(name.decode(), version.decode()) for name, version in told.findall(content)}
    check(f"{binary.name} names crates", "" if len(seen) > 100 else f"only {len(seen)}")
    # Also the site's, which is in it, and macros, which write code.
    check(f"{binary.name}: crates that it names are in the list", seen - of())
    for name, pattern in TOLD.items():
        version = re.escape(others.get(name, "?").encode())
        check(f"{binary.name}: {name} is another", "" if re.search(pattern.replace(b"{}", version), content) else "not found")

print(f"list of what is inside: {len(crates)} crates, {len(others)} others, {len(failed)} checks failed")
sys.exit(1 if failed else 0)
