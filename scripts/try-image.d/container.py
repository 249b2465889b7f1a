"""Containers as `docker run --read-only --cap-drop ALL …` of docs/install.md makes them, without Docker."""

import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
USER, MIB = 65532, 1 << 20
DEVICES = ["null", "zero", "full", "random", "urandom"]
# As many as docs/install.md says, or as this machine allows.
FILES = min(65536, resource.getrlimit(resource.RLIMIT_NOFILE)[1])


def quiet(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"✗ {' '.join(map(str, command))}: {done.stderr or done.stdout}")


class Container:
    """An image unpacked, its volume, and one vault at a time in them. In a network of its own, where only loopback is."""

    def __init__(self, image, config, emulator=None, memory=128 * MIB):
        self.image, self.config, self.emulator, self.memory = pathlib.Path(image).resolve(), config["config"], emulator, memory
        self.process = None

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="try-image-"))
        self.folder.chmod(0o755)  # its user has to come through
        self.root, self.data, self.said = self.folder / "bundle/rootfs", self.folder / "data", self.folder / "log"
        try:
            self.unpack()
        except BaseException:
            shutil.rmtree(self.folder)
            raise
        # A new volume is what the image has at its place, owner and all.
        [volume] = self.config["Volumes"]
        self.data.mkdir()
        there = (self.root / volume.lstrip("/")).stat()
        self.data.chmod(there.st_mode & 0o777)
        if os.geteuid() == 0:
            os.chown(self.data, there.st_uid, there.st_gid)
        return self

    def __exit__(self, *_):
        if self.process:
            self.kill()
            self.process.wait(30)
        shutil.rmtree(self.folder)

    def command(self, arguments):
        return (["/emulator"] if self.emulator else []) + arguments

    def environment(self, more):
        return [*self.config["Env"], *(f"{key}={value}" for key, value in more.items())]

    def start(self, least_port=0, **environment):
        """least_port: what any user may listen on, 0 as Docker sets it."""
        self.set = self.environment(environment)
        with open(self.said, "wb") as log:
            self.process = subprocess.Popen(self.starter(least_port), stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def running(self):
        return self.process is not None and self.process.poll() is None

    def log(self):
        return self.said.read_text(errors="replace")

    def wait(self, seconds):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return f"not ended after {seconds} s"

    def stop(self):
        self.signal(signal.Signals[self.config["StopSignal"]])
        return self.wait(60)

    def shell(self, text, folder=ROOT, **environment):
        """Runs what somebody pastes, with this machine's programs in the container's network."""
        command = ["nsenter", "--target", str(self.pid()), *self.its_user, "--net", "--", "bash", "-c", text]
        return subprocess.run(command, cwd=folder, env={"PATH": os.environ["PATH"], **environment}, capture_output=True)

    its_user = []

    def check_confined(self, check):
        status = dict(re.findall(r"^(\w+):\s*(.*)$", pathlib.Path(f"/proc/{self.pid()}/status").read_text(), re.M))
        check("its user", set(self.ids(status["Uid"] + "\t" + status["Gid"])) == {USER}, status["Uid"])
        capabilities = {status[which].strip("0") for which in ("CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb")}
        check("no capabilities, and none to gain", capabilities == {""} and status["NoNewPrivs"] == "1", str(capabilities))
        mounts = pathlib.Path(f"/proc/{self.pid()}/mountinfo").read_text()
        check("its root is read-only", re.search(r"^\S+ \S+ \S+ \S+ / ro[, ]", mounts, re.M) is not None, mounts)
        check("no /tmp", not (self.root / "tmp").exists())

    def ids(self, text):
        return [int(each) for each in text.split()]


class Runc(Container):
    """By runc, as Docker does, with the configuration that umoci makes of the image's."""

    def unpack(self):
        layout = f"{self.folder}/layout:image"
        quiet("skopeo", "copy", "--quiet", f"oci-archive:{self.image}", f"oci:{layout}")
        quiet("umoci", "unpack", "--image", layout, self.folder / "bundle")
        self.file = self.folder / "bundle/config.json"
        self.id = self.folder.name

    def starter(self, least_port):
        spec = json.loads(self.file.read_text())
        process = spec["process"]
        self.told = getattr(self, "told", process["args"])
        process |= {"terminal": False, "args": self.command(self.told), "env": self.set, "noNewPrivileges": True,
                    "capabilities": {}, "rlimits": [{"type": "RLIMIT_NOFILE", "hard": FILES, "soft": FILES}]}
        spec["root"]["readonly"] = True
        spec["mounts"] = [each for each in spec["mounts"] if each["destination"] not in (*self.config["Volumes"], "/emulator")]
        spec["mounts"] += [{"destination": volume, "type": "bind", "source": str(self.data), "options": ["rbind", "rw"]}
                           for volume in self.config["Volumes"]]
        if self.emulator:
            spec["mounts"].append({"destination": "/emulator", "type": "bind", "source": self.emulator, "options": ["bind", "ro"]})
        linux = spec["linux"]
        linux["namespaces"] = [{"type": kind} for kind in ("pid", "network", "ipc", "uts", "mount")]
        linux["sysctl"] = {"net.ipv4.ip_unprivileged_port_start": str(least_port)}
        if self.memory:
            linux.setdefault("resources", {})["memory"] = {"limit": self.memory}
        self.file.write_text(json.dumps(spec))
        return [*self.runc, "run", "--bundle", str(self.folder / "bundle"), self.id]

    @property
    def runc(self):
        return ["runc", "--root", str(self.folder / "state")]

    def pid(self):
        state = subprocess.run([*self.runc, "state", self.id], capture_output=True, text=True, check=True)
        return json.loads(state.stdout)["pid"]

    def signal(self, which):
        self.process.send_signal(which)  # runc hands it on

    def execute(self, arguments):
        return subprocess.run([*self.runc, "exec", self.id, *self.command(arguments)], capture_output=True, text=True)

    def kill(self):
        quiet(*self.runc, "delete", "--force", self.id)  # also what a killed runc left

    def check_confined(self, check):
        super().check_confined(check)
        limits = []
        for line in pathlib.Path(f"/proc/{self.pid()}/cgroup").read_text().splitlines():
            _, kind, path = line.split(":", 2)
            for file in (f"/sys/fs/cgroup/memory{path}/memory.limit_in_bytes" if kind == "memory" else "", f"/sys/fs/cgroup{path}/memory.max"):
                if file and os.path.isfile(file):
                    limits.append(pathlib.Path(file).read_text().strip())
        check("128 MiB", str(self.memory) in limits, str(limits))


class Namespaces(Container):
    """By util-linux: what runc does, except for the limit of memory. As any user, where the machine lets users do so."""

    if os.geteuid():
        its_user = ["--user", "--preserve-credentials"]

    def unpack(self):
        [layer] = self.layers()
        with tarfile.open(fileobj=layer, mode="r:gz") as archive:
            archive.extractall(self.root, numeric_owner=True)

    def layers(self):
        with tarfile.open(self.image) as archive:
            [described] = json.load(archive.extractfile("manifest.json"))
            for name in described["Layers"]:
                file = self.folder / pathlib.Path(name).name
                file.write_bytes(archive.extractfile(name).read())
                yield open(file, "rb")

    def starter(self, least_port):
        # Where things of this machine are mounted.
        for folder in ("proc", "dev"):
            (self.root / folder).mkdir(exist_ok=True)
        for file in (*(f"dev/{each}" for each in DEVICES), "emulator"):
            (self.root / file).touch()
        what = {"root": str(self.root), "data": str(self.data), "volume": [*self.config["Volumes"]][0], "least_port": least_port,
                "devices": DEVICES, "emulator": self.emulator, "environment": self.set, "user": USER, "files": FILES,
                "arguments": self.command(self.config["Entrypoint"])}
        mine = ["--user", f"--map-user={USER}", f"--map-group={USER}", "--keep-caps"] if os.geteuid() else []
        inside = pathlib.Path(__file__).with_name("inside.py")
        return ["unshare", *mine, "--net", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child",
                sys.executable, "-B", str(inside), json.dumps(what)]

    def pid(self):
        parent = self.process.pid
        return int(pathlib.Path(f"/proc/{parent}/task/{parent}/children").read_text().split()[0])

    def signal(self, which):
        os.kill(self.pid(), which)

    def execute(self, arguments):
        try:
            whose = ["--user", "--preserve-credentials"] if os.geteuid() else [f"--setuid={USER}", f"--setgid={USER}"]
            command = ["nsenter", "--target", str(self.pid()), *whose, "--net", "--mount", "--pid", "--root", "--wd", *self.command(arguments)]
        except (OSError, IndexError) as error:
            return subprocess.CompletedProcess(arguments, 1, "", f"not started yet: {error}")
        return subprocess.run(command, env=dict(each.split("=", 1) for each in self.set), capture_output=True, text=True)

    def kill(self):
        """The vault itself: changing its user made it forget --kill-child."""
        if self.running():
            self.signal(signal.SIGKILL)

    def ids(self, text):
        """Those of the host, unless there is a user namespace: then its own."""
        ids = super().ids(text)
        return [USER if os.geteuid() and each in (os.getuid(), os.getgid()) else each for each in ids]


def kind(left_out):
    """What this machine has. TRY_IMAGE_BY=namespaces leaves runc out."""
    missing = [tool for tool in ("runc", "umoci", "skopeo") if not shutil.which(tool)]
    if os.geteuid() == 0 and not missing and os.environ.get("TRY_IMAGE_BY") != "namespaces":
        return Runc
    left_out.add(f"{', '.join(missing) or 'runc as root'}: the limit of 128 MiB")
    return Namespaces
