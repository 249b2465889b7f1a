"""Runs brokers of Apache Kafka until it is told to end: brokers.py JARS FOLDER... [--scram NAME=PASSWORD]

Each has a FOLDER with its server.properties; its process is in `pid` there. For tests that kill one: it is started again
once there is no file `down`. One that ends without such a file ends all.
"""
import argparse
import asyncio
import ctypes
import os
import signal
import sys

# Small and soon there: many tests and builds run beside them.
JAVA = ["java", "-Xmx256m", "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
# 16 bytes in base64, as Kafka wants it; there is no other cluster to tell it from.
CLUSTER = "AAAAAAAAAAAAAAAAAAAAAQ"
MECHANISMS = ("SCRAM-SHA-256", "SCRAM-SHA-512")


def ends_with_its_parent():
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


async def java(jars, *arguments):
    return await asyncio.create_subprocess_exec(
        *JAVA, "-cp", f"{jars}/*", *arguments, stdin=asyncio.subprocess.DEVNULL, preexec_fn=ends_with_its_parent
    )


async def keep(jars, folder, users):
    properties, down = f"{folder}/server.properties", f"{folder}/down"
    known = [f"{mechanism}=[name={name},password={password}]" for name, password in users for mechanism in MECHANISMS]
    scram = [argument for user in known for argument in ("--add-scram", user)]
    tool = await java(jars, "kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", properties, *scram)
    if await tool.wait():
        sys.exit(f"{folder} cannot be made a broker's, see above")
    while True:
        broker = await java(jars, "kafka.Kafka", properties)
        with open(f"{folder}/pid", "w") as pid:
            pid.write(str(broker.pid))
        try:
            await broker.wait()
        except asyncio.CancelledError:
            # Nobody needs its data any more.
            broker.kill()
            await broker.wait()
            raise
        if not os.path.exists(down):
            sys.exit(f"the broker of {folder} ended, see above")
        while os.path.exists(down):
            await asyncio.sleep(0.1)


async def main(options):
    users = [user.split("=", 1) for user in options.scram]
    brokers = asyncio.gather(*(keep(options.jars, folder, users) for folder in options.folder))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, brokers.cancel)
    try:
        await brokers
    except asyncio.CancelledError:
        pass


arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("jars")
arguments.add_argument("folder", nargs="+")
arguments.add_argument("--scram", action="append", default=[], metavar="NAME=PASSWORD")
asyncio.run(main(arguments.parse_args()))
