"""From a new namespace into the image: what runc does, by what any Linux has. Started by container.py, with its wishes as JSON."""

import ctypes
import fcntl
import json
import os
import resource
import socket
import struct
import subprocess
import sys

SIOCSIFFLAGS, IFF_UP = 0x8914, 1
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, LINUX_CAPABILITY_VERSION_3 = 24, 38, 0x20080522

wish = json.loads(sys.argv[1])
root = wish["root"]


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


with socket.socket() as any_socket:
    fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", "w") as file:
    file.write(str(wish["least_port"]))
mount("--bind", root, root)
mount("--bind", wish["data"], root + wish["volume"])
mount("-t", "proc", "proc", root + "/proc")
for device in wish["devices"]:
    mount("--bind", f"/dev/{device}", f"{root}/dev/{device}")
if wish["emulator"]:
    mount("--bind", wish["emulator"], root + "/emulator")
mount("-o", "remount,bind,ro", root)

libc = ctypes.CDLL(None, use_errno=True)
os.chdir(root)
os.chroot(".")
resource.setrlimit(resource.RLIMIT_NOFILE, (wish["files"], wish["files"]))
for capability in range(64):
    libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
if os.getuid() != wish["user"]:
    os.setgroups([])
    os.setresgid(*[wish["user"]] * 3)
    os.setresuid(*[wish["user"]] * 3)
# None in any of the other sets either; what is not permitted is not ambient.
libc.capset(struct.pack("Ii", LINUX_CAPABILITY_VERSION_3, 0), bytes(24))
libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
os.execve(wish["arguments"][0], wish["arguments"], dict(each.split("=", 1) for each in wish["environment"]))
