"""What is compiled into what is shipped: crates as cargo resolves them, and what is no crate, with the files that say so."""

import json
import os
import pathlib
import re
import subprocess
import sys
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache", "kerberos-vault")
# As scripts/dist builds them.
PARTS = {
    "server": ["--package=server", "--features=portable", "--target=x86_64-unknown-linux-musl", "--target=aarch64-unknown-linux-musl"],
    "frontend": ["--package=frontend", "--target=wasm32-unknown-unknown"],
}
LICENCE_FILE = re.compile(r"(licen[cs]e|copying|copyright|notice|unlicense|authors)([-._].*)?", re.I)


@dataclass
class Component:
    """A crate, or what came another way."""
    name: str
    version: str
    licence: str
    purl: str
    url: str
    parts: set = field(default_factory=set)
    # False: took part in the build (build scripts, macros), and is not in what is shipped.
    shipped: bool = False
    needs: set = field(default_factory=set)
    sha256: str = ""
    cpe: str = ""
    folder: pathlib.Path = None
    authors: list = field(default_factory=list)
    licence_files: list = field(default_factory=list)
    ours: bool = False


@dataclass
class Foreign:
    """What is no crate: where its version is written, and its licence."""
    name: str
    # Of SPDX; empty for that of the crate.
    licence: str
    url: str
    # The crate that brings it, or a folder.
    where: object
    version: tuple
    licence_files: list
    # Vendor and product in NVD's list, where it is known there.
    cpe: str = ""
    purl: str = "pkg:generic/{name}@{version}"


def zig_library():
    found = sorted(CACHE.glob("zig/lib/python*/site-packages/ziglang/lib"))
    return found[0] if found else None


FOREIGN = [
    Foreign("librdkafka", "BSD-2-Clause", "https://github.com/confluentinc/librdkafka", "rdkafka-sys",
            ("librdkafka/CHANGELOG.md", r"^# librdkafka v([\d.]+)$"), ["librdkafka/LICENSES.txt"],
            purl="pkg:github/confluentinc/librdkafka@v{version}"),
    Foreign("openssl", "Apache-2.0", "https://openssl-library.org", "openssl-src",
            ("openssl/VERSION.dat", r"^MAJOR=(\d+)\nMINOR=(\d+)\nPATCH=(\d+)$"), ["openssl/LICENSE.txt"], "openssl:openssl"),
    Foreign("zlib", "Zlib", "https://zlib.net", "libz-sys",
            ("src/zlib/zlib.h", r'^#define ZLIB_VERSION "([\d.]+)"'), ["src/zlib/LICENSE"], "zlib:zlib"),
    Foreign("sqlite", "blessing", "https://sqlite.org", "libsqlite3-sys",
            ("sqlite3/sqlite3.h", r'^#define SQLITE_VERSION +"([\d.]+)"'), [], "sqlite:sqlite"),
    Foreign("aws-lc", "", "https://github.com/aws/aws-lc", "aws-lc-sys",
            ("aws-lc/include/openssl/base.h", r'^#define AWSLC_VERSION_NUMBER_STRING "([\d.]+)"'),
            ["aws-lc/LICENSE", "aws-lc/third_party/fiat/LICENSE"], purl="pkg:github/aws/aws-lc@v{version}"),
    Foreign("mimalloc", "MIT", "https://github.com/microsoft/mimalloc", "libmimalloc-sys",
            ("c_src/mimalloc/v3/include/mimalloc.h", r"^#define MI_MALLOC_VERSION (\d)(\d\d)(\d\d)\b"),
            ["c_src/mimalloc/v3/LICENSE"], purl="pkg:github/microsoft/mimalloc@v{version}"),
    Foreign("musl", "MIT", "https://musl.libc.org", zig_library,
            ("libc/musl/src/internal/version.h", r'^#define VERSION "([\d.]+)"'), ["libc/musl/COPYRIGHT", "../LICENSE", "libunwind/LICENSE.TXT"],
            "musl-libc:musl"),
    Foreign("swagger-ui-dist", "Apache-2.0", "https://github.com/swagger-api/swagger-ui", "utoipa-swagger-ui-vendored",
            ("res", r"^v([\d.]+)\.zip$"), ["LICENSE", "NOTICE"], purl="pkg:npm/{name}@{version}"),
]
# These call a C compiler themselves, or find a library: what they bring stands above, or is nothing.
BUILD_C = {"aws-lc-sys", "libmimalloc-sys", "libsqlite3-sys", "libz-sys", "openssl-src", "openssl-sys", "rdkafka-sys", "cmake"}


def die(why):
    sys.exit(f"✗ {why}")


def cargo(*arguments):
    done = subprocess.run(["cargo", *arguments, "--locked"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        die(f"cargo {arguments[0]} failed")
    return done.stdout


def tree(part, edges):
    """Pairs of a package, (name, version), and the one that needs it."""
    stack = []
    for line in cargo("tree", *PARTS[part], "--edges", edges, "--prefix", "depth", "--format", " {p}").splitlines():
        # Between the trees of two targets.
        if not line:
            continue
        depth, name, version = line.split()[:3]
        stack[int(depth):] = [(name, version.removeprefix("v"))]
        yield stack[-1], stack[-2] if len(stack) > 1 else None


def packages():
    """What cargo knows of each package, by name and version."""
    targets = {each for options in PARTS.values() for each in options if each.startswith("--target=")}
    found = json.loads(cargo("metadata", "--format-version=1", "--features=server/portable",
                             *sorted(each.replace("target", "filter-platform") for each in targets)))
    return {(each["name"], each["version"]): each for each in found["packages"]}


def checksums():
    """By name and version, as Cargo.lock has them."""
    entry = re.compile(r'^name = "(.+)"\nversion = "(.+)"\nsource = "registry.+"\nchecksum = "(.+)"$', re.M)
    return {(name, version): sha256 for name, version, sha256 in entry.findall((ROOT / "Cargo.lock").read_text())}


def crates():
    known, sums, found = packages(), checksums(), {}
    for part in PARTS:
        for edges, shipped in (("normal,no-proc-macro", True), ("normal,build", False)):
            for key, parent in tree(part, edges):
                if key not in found:
                    found[key] = crate(known[key], sums.get(key, ""))
                found[key].parts.add(part)
                found[key].shipped |= shipped
                if parent:
                    found[parent].needs.add(found[key].purl)
                if key[0] == "cc" and parent and parent[0] not in BUILD_C:
                    die(f"{parent[0]} compiles C: name what it brings in scripts/dist.d/inside.py")
    return list(found.values())


def crate(package, sha256):
    folder = pathlib.Path(package["manifest_path"]).parent
    ours = package["source"] is None
    if not ours and not sha256:
        die(f"{package['name']} {package['version']} has no checksum in Cargo.lock")
    name, version = package["name"], package["version"]
    return Component(
        # Old crates write "MIT/Apache-2.0".
        name, version, " ".join((package["license"] or "").replace("/", " OR ").split()), f"pkg:cargo/{name}@{version.replace('+', '%2B')}",
        package["repository"] or package["homepage"] or "", sha256=sha256, folder=folder, authors=package["authors"],
        licence_files=[] if ours else sorted(each for each in folder.iterdir() if each.is_file() and LICENCE_FILE.fullmatch(each.name)),
        ours=ours)


def foreign(of):
    """What is no crate, brought by those of `of`."""
    for each in FOREIGN:
        bringer = next((crate for crate in of if crate.name == each.where), None)
        folder = each.where() if callable(each.where) else bringer and bringer.folder
        if folder is None:
            die(f"{each.name}: what brings it is not there; scripts/setup dist installs it")
        file, pattern = folder / each.version[0], re.compile(each.version[1], re.M)
        said = pattern.search("\n".join(os.listdir(file)) if file.is_dir() else file.read_text())
        if not said:
            die(f"{each.name}: no version in {file.name}")
        version = ".".join(number.lstrip("0") or "0" for group in said.groups() for number in group.split("."))
        component = Component(
            each.name, version, each.licence or bringer.licence, each.purl.format(name=each.name, version=version), each.url,
            bringer.parts if bringer else {"server"}, shipped=True, folder=folder,
            licence_files=[folder / name for name in each.licence_files if (folder / name).exists()],
            cpe=f"cpe:2.3:a:{each.cpe}:{version}:*:*:*:*:*:*:*" if each.cpe else "")
        if bringer:
            bringer.needs.add(component.purl)
        yield component


def rust():
    said = subprocess.run(["rustc", "--version"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()[1]
    return Component("rust-std", said, "MIT OR Apache-2.0", f"pkg:generic/rust@{said}", "https://github.com/rust-lang/rust",
                     set(PARTS), shipped=True)


def everything():
    found = crates()
    return sorted([*found, *foreign(found), rust()], key=lambda each: (each.name, each.version))
