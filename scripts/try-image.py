"""The checks of scripts/try-image. Containers are made by scripts/try-image.d/container.py."""

import json
import os
import pathlib
import platform
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts" / "try-image.d"))
import container  # noqa: E402

RECORDING = (ROOT / "fixtures/recording.mp4").read_bytes()
NATIVE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine())
QEMU = {"amd64": "qemu-x86_64-static", "arm64": "qemu-aarch64-static"}
failed, left_out, passed = [], set(), 0


def check(what, fine, why=""):
    global passed
    if fine:
        passed += 1
    else:
        failed.append(what)
        print(f"✗ {what}" + (f": {why}" if why else ""), file=sys.stderr)
    return fine


def contents(image):
    """The files of an archive that skopeo and docker read, and the one image in it."""
    with tarfile.open(image) as archive:
        files = {each.name: archive.extractfile(each).read() for each in archive if each.isfile()}
    def blob(of):
        return files["blobs/" + of["digest"].replace(":", "/")]
    [top] = json.loads(files["index.json"])["manifests"]
    manifest = json.loads(blob(top))
    return json.loads(blob(manifest["config"])), [blob(layer) for layer in manifest["layers"]]


def as_others_see_it(image, config):
    """The image as skopeo reads it, once as OCI's archive, and once as Docker's."""
    if not shutil.which("skopeo"):
        left_out.add("skopeo: whether others read the archive")
        return
    for kind in ("oci-archive", "docker-archive"):
        seen = subprocess.run(["skopeo", "inspect", "--config", f"{kind}:{image}"], capture_output=True, text=True)
        same = seen.returncode == 0 and json.loads(seen.stdout)["rootfs"] == config["rootfs"]
        check(f"skopeo reads it as {kind}", same, seen.stderr)
        with tempfile.TemporaryDirectory() as folder:
            copied = subprocess.run(["skopeo", "copy", "--quiet", f"{kind}:{image}", f"dir:{folder}"], capture_output=True, text=True)
            check(f"skopeo copies it as {kind}, every digest right", copied.returncode == 0, copied.stderr)


def files(root):
    """What a container has, and has not."""
    found = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    found -= {"usr/share/doc/kerberos-vault/THIRD-PARTY"}
    wanted = {"etc/group", "etc/passwd", "etc/ssl/certs/ca-certificates.crt", "usr/bin/kerberos-vault",
              "usr/share/doc/kerberos-vault/LICENSE"}
    check("the program, certificates, names of users, licences, and nothing else", found == wanted, str(found ^ wanted))
    certificates = re.findall("-----BEGIN.*?-----END[^\n]*", (root / "etc/ssl/certs/ca-certificates.crt").read_text(), re.S)
    package = pathlib.Path("/usr/share/ca-certificates/mozilla")
    if package.is_dir():
        public = "".join(file.read_text() for file in package.glob("*.crt"))
        check("certificates: those of the package only", certificates and all(each in public for each in certificates))
    else:
        left_out.add(f"{package}: whether the certificates are those of the package only")
    data = (root / "data").stat()
    check("/data is the user's alone", data.st_mode & 0o777 == 0o750)
    if os.geteuid() == 0:
        check("/data belongs to 65532", (data.st_uid, data.st_gid) == (65532, 65532))
    writable = [str(path) for path in root.rglob("*") if path.stat().st_mode & 0o022]
    check("nothing that others may write", not writable, str(writable))


def until_healthy(vault, config, seconds):
    """Asks as Docker does, with the image's own command."""
    kind, *command = config["config"]["Healthcheck"]["Test"]
    check("the health check needs no shell", kind == "CMD")
    end, answer = time.monotonic() + seconds, None
    while time.monotonic() < end and vault.running():
        answer = vault.execute(command)
        if answer.returncode == 0:
            return check("healthy", json.loads(answer.stdout)["status"] == "ok", answer.stdout)
        time.sleep(0.1)
    return check(f"healthy within {seconds} s", False, f"{answer and answer.stderr}\n{vault.log()}")


def stop(vault):
    check("SIGTERM ends it with 0", (status := vault.stop()) == 0, f"{status}\n{vault.log()}")


def read(vault, port, keys, name):
    access, secret = keys
    # As in docs/api.md.
    got = vault.shell(f"curl -sSf -o - http://127.0.0.1:{port}/api/storage/blob "
                      "-H \"X-Kerberos-Storage-AccessKey: $VAULT_ACCESS_KEY\" "
                      "-H \"X-Kerberos-Storage-SecretAccessKey: $VAULT_SECRET_KEY\" "
                      f"-H 'X-Kerberos-Storage-Provider: local' -H 'X-Kerberos-Storage-FileName: {name}'",
                      VAULT_ACCESS_KEY=access, VAULT_SECRET_KEY=secret)
    check(f"what is read is what was sent, port {port}", got.stdout == RECORDING, got.stderr.decode())


def sent(answer):
    """The name under which a recording is kept."""
    if check("an upload is taken", answer.returncode == 0, answer.stdout + answer.stderr):
        return json.loads(answer.stdout)["data"]
    sys.exit(1)


def documented():
    """The upload that docs/install.md shows."""
    [block] = [each for each in re.findall("```sh\n(.*?)```", (ROOT / "docs/install.md").read_text(), re.S)
               if "@fixtures/recording.mp4" in each]
    return block.replace(". deploy/.env\n", "")


def whole(image, config, made):
    """Several starts on one volume, the last ones where port 80 is not allowed."""
    with made(image, config) as vault:
        files(vault.root)
        vault.start()
        if not until_healthy(vault, config, 60):
            return
        greeting = vault.log()
        keys = [re.search(rf"^ *{which} key +(\S+)$", greeting, re.M)[1] for which in ("access", "secret")]
        [command] = re.findall(r"^curl .*?/api/storage'$", greeting, re.S | re.M)
        names = [sent(vault.shell(command, folder=ROOT / "fixtures")),
                 sent(vault.shell(documented(), VAULT_ACCESS_KEY=keys[0], VAULT_SECRET_KEY=keys[1]))]
        for port, name in ((8080, names[0]), (8080, names[1]), (80, names[0])):
            read(vault, port, keys, name)
        vault.check_confined(check)
        stop(vault)
        vault.start()
        if until_healthy(vault, config, 60):
            check("the password is shown once", "with the password" not in vault.log())
            for name in names:
                read(vault, 8080, keys, name)
        stop(vault)
        # As where Docker is older than 20.10, and in other engines.
        vault.start(least_port=1024)
        if until_healthy(vault, config, 60):
            read(vault, 8080, keys, names[0])
            check("where port 80 is not allowed, it is left out", "0.0.0.0:80 " in vault.log(), vault.log())
        stop(vault)
        vault.start(least_port=1024, VAULT_SERVER__LISTEN="0.0.0.0:80")
        check("where port 80 is not allowed, it says so", vault.wait(20) == 1 and "cannot listen on 0.0.0.0:80" in vault.log(), vault.log())


def emulated(image, config, made, qemu):
    """Whether it starts and answers, as slow as that is."""
    with made(image, config, emulator=qemu, memory=None) as vault:
        files(vault.root)
        vault.start()
        if until_healthy(vault, config, 300):
            answer = vault.shell("curl -sSf http://127.0.0.1:8080/api/health")
            check("/api/health answers", answer.returncode == 0, answer.stderr)
        stop(vault)


def main(images):
    made = container.kind(left_out)
    for image in images:
        config, layers = contents(image)
        arch = config["architecture"]
        print(f"▸ {pathlib.Path(image).name}: {arch}, by {made.__name__}")
        as_others_see_it(image, config)
        check("another user than root", config["config"]["User"] == "65532:65532")
        if arch == NATIVE:
            whole(image, config, made)
        elif qemu := shutil.which(QEMU[arch]):
            emulated(image, config, made, qemu)
        else:
            left_out.add(f"{QEMU[arch]}: the image for {arch} was not started")
    for each in sorted(left_out):
        print(f"! not tried, because it is missing: {each}", file=sys.stderr)
    print(f"image: {passed} passed, {len(failed)} failed")
    return 1 if failed else 0


signal.signal(signal.SIGTERM, lambda *_: sys.exit("✗ stopped"))  # so that containers are ended
sys.exit(main(sys.argv[1:]))
