"""A Kafka broker for tests: noida-db, which knows neither SASL nor TLS, and gates before it that do.

Each gate authenticates (PLAIN, SCRAM-SHA-256, SCRAM-SHA-512) where its protocol says so, in the words of Kafka's own
brokers, and is a transparent pipe from then on. Only the broker's address in answers is replaced by the gate's.
Ends with the broker, and ends the broker when it is told to end.
"""
import argparse
import asyncio
import base64
import ctypes
import hashlib
import hmac
import os
import signal
import ssl
import struct

import noida_db

MECHANISMS = {"PLAIN": None, "SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}
API_VERSIONS, SASL_HANDSHAKE, SASL_AUTHENTICATE = 18, 17, 36
# Metadata, FindCoordinator, DescribeCluster
ANSWERS_WITH_ADDRESSES = (3, 10, 60)
UNSUPPORTED_SASL_MECHANISM, SASL_AUTHENTICATION_FAILED = 33, 58
LARGEST_FRAME = 100 << 20


async def read_frame(reader):
    (size,) = struct.unpack(">i", await reader.readexactly(4))
    # Something else than Kafka, such as the beginning of a TLS handshake.
    if not 8 <= size <= LARGEST_FRAME:
        raise ConnectionError("not a Kafka frame")
    return await reader.readexactly(size)


def write_frame(writer, frame):
    writer.write(struct.pack(">i", len(frame)) + frame)


class Request:
    """The header of a request, and where its body begins."""

    def __init__(self, frame):
        self.frame = frame
        self.key, self.version, self.correlation = struct.unpack(">hhi", frame[:8])
        (client_id,) = struct.unpack(">h", frame[8:10])
        self.body = 10 + max(client_id, 0)


class Plain:
    """RFC 4616."""

    def __init__(self, users):
        self.users = users

    def step(self, token):
        _, user, password = token.split(b"\0")
        known = self.users.get(user.decode())
        if known is None or not hmac.compare_digest(known.encode(), password):
            raise ValueError("wrong credentials")
        return b"", True


class Scram:
    """RFC 5802."""

    ITERATIONS = 4096

    def __init__(self, users, algorithm):
        self.users, self.algorithm, self.first = users, algorithm, None

    def step(self, token):
        return self.challenge(token.decode()) if self.first is None else self.verify(token.decode())

    def challenge(self, message):
        _, _, self.first = message.partition(",,")
        given = dict(part.split("=", 1) for part in self.first.split(","))
        self.password = self.users[given["n"].replace("=2C", ",").replace("=3D", "=")].encode()
        self.salt = os.urandom(16)
        self.nonce = given["r"] + base64.b64encode(os.urandom(18)).decode()
        self.challenged = f"r={self.nonce},s={base64.b64encode(self.salt).decode()},i={self.ITERATIONS}"
        return self.challenged.encode(), False

    def verify(self, message):
        unproven, _, proof = message.rpartition(",p=")
        if dict(part.split("=", 1) for part in unproven.split(","))["r"] != self.nonce:
            raise ValueError("another nonce")
        salted = hashlib.pbkdf2_hmac(self.algorithm, self.password, self.salt, self.ITERATIONS)
        sign = lambda key, data: hmac.new(key, data, self.algorithm).digest()
        client_key = sign(salted, b"Client Key")
        signed = f"{self.first},{self.challenged},{unproven}".encode()
        signature = sign(hashlib.new(self.algorithm, client_key).digest(), signed)
        expected = bytes(a ^ b for a, b in zip(client_key, signature))
        if not hmac.compare_digest(expected, base64.b64decode(proof)):
            raise ValueError("wrong proof")
        return b"v=" + base64.b64encode(sign(sign(salted, b"Server Key"), signed)), True


def handshake_answer(request, users):
    (length,) = struct.unpack(">h", request.frame[request.body : request.body + 2])
    name = request.frame[request.body + 2 : request.body + 2 + length].decode()
    names = b"".join(struct.pack(">h", len(known)) + known.encode() for known in MECHANISMS)
    error = 0 if name in MECHANISMS else UNSUPPORTED_SASL_MECHANISM
    answer = struct.pack(">ihi", request.correlation, error, len(MECHANISMS)) + names
    if error:
        return answer, None, name
    algorithm = MECHANISMS[name]
    return answer, Scram(users, algorithm) if algorithm else Plain(users), name


def varint(number):
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    return bytes(encoded + bytes([number]))


def read_varint(frame, offset):
    value = shift = 0
    while True:
        byte = frame[offset]
        offset += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, offset


def token_of(request):
    """The SASL token; from version 2 on in Kafka's compact encoding, after (no) header tags."""
    offset = request.body
    if request.version >= 2:
        _, offset = read_varint(request.frame, offset)
        length, offset = read_varint(request.frame, offset)
        return request.frame[offset : offset + length - 1]
    (length,) = struct.unpack(">i", request.frame[offset : offset + 4])
    return request.frame[offset + 4 : offset + 4 + length]


def authenticate_answer(request, error, words, token):
    words = words.encode()
    if request.version >= 2:
        text = varint(len(words) + 1) + words if words else b"\0"
        body = b"\0" + struct.pack(">h", error) + text + varint(len(token) + 1) + token + struct.pack(">q", 0) + b"\0"
    else:
        text = struct.pack(">h", len(words)) + words if words else struct.pack(">h", -1)
        lifetime = struct.pack(">q", 0) if request.version == 1 else b""
        body = struct.pack(">h", error) + text + struct.pack(">i", len(token)) + token + lifetime
    return struct.pack(">i", request.correlation) + body


class Gate:
    def __init__(self, port, broker_port, users):
        self.port, self.broker_port, self.users = port, broker_port, users

    async def serve(self, reader, writer):
        broker_writer = None
        try:
            broker_reader, broker_writer = await asyncio.open_connection("127.0.0.1", self.broker_port)
            if self.users is None or await self.authenticated(reader, writer, broker_reader, broker_writer):
                await self.pipe(reader, writer, broker_reader, broker_writer)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            for open_writer in filter(None, (writer, broker_writer)):
                open_writer.close()

    async def authenticated(self, reader, writer, broker_reader, broker_writer):
        exchange = name = None
        while True:
            request = Request(await read_frame(reader))
            if request.key == API_VERSIONS:
                write_frame(broker_writer, request.frame)
                write_frame(writer, await read_frame(broker_reader))
            elif request.key == SASL_HANDSHAKE:
                answer, exchange, name = handshake_answer(request, self.users)
                write_frame(writer, answer)
            elif request.key == SASL_AUTHENTICATE and exchange:
                try:
                    token, done = exchange.step(token_of(request))
                except (ValueError, KeyError):
                    words = f"Authentication failed during authentication due to invalid credentials with SASL mechanism {name}"
                    write_frame(writer, authenticate_answer(request, SASL_AUTHENTICATION_FAILED, words, b""))
                    await writer.drain()
                    return False
                write_frame(writer, authenticate_answer(request, 0, "", token))
                if done:
                    await writer.drain()
                    return True
            else:
                # Like Kafka, which hangs up on whoever asks for anything before authenticating.
                return False
            await writer.drain()

    async def pipe(self, reader, writer, broker_reader, broker_writer):
        with_addresses = set()
        # Of the same length, so that the frame keeps its size.
        theirs = b"127.0.0.1" + struct.pack(">i", self.broker_port)
        ours = b"127.0.0.1" + struct.pack(">i", self.port)

        async def upstream():
            while True:
                request = Request(await read_frame(reader))
                if request.key in ANSWERS_WITH_ADDRESSES:
                    with_addresses.add(request.correlation)
                write_frame(broker_writer, request.frame)
                await broker_writer.drain()

        async def downstream():
            while True:
                frame = await read_frame(broker_reader)
                (correlation,) = struct.unpack(">i", frame[:4])
                if correlation in with_addresses:
                    with_addresses.remove(correlation)
                    frame = frame.replace(theirs, ours)
                write_frame(writer, frame)
                await writer.drain()

        directions = [asyncio.ensure_future(upstream()), asyncio.ensure_future(downstream())]
        await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        for direction in directions:
            direction.cancel()
        await asyncio.gather(*directions, return_exceptions=True)


def ends_with_its_parent():
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


async def main(options):
    program = os.path.join(os.path.dirname(noida_db.__file__), "noida-db")
    broker = await asyncio.create_subprocess_exec(
        program, "start", "--data-dir", options.data, "--host", "127.0.0.1",
        "--only", "kafka", "--kafka-port", str(options.plaintext),
        preexec_fn=ends_with_its_parent,
    )  # fmt: skip
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, broker.terminate)
    users = dict(user.split("=", 1) for user in options.user)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(options.certificate, options.key)
    for port, users_of_port, tls_of_port in (
        (options.sasl_plaintext, users, None),
        (options.ssl, None, tls),
        (options.sasl_ssl, users, tls),
    ):
        gate = Gate(port, options.plaintext, users_of_port)
        await asyncio.start_server(gate.serve, "127.0.0.1", port, ssl=tls_of_port)
    await broker.wait()


arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("--data", required=True)
for name in ("--plaintext", "--sasl-plaintext", "--ssl", "--sasl-ssl"):
    arguments.add_argument(name, type=int, required=True)
arguments.add_argument("--certificate", required=True)
arguments.add_argument("--key", required=True)
arguments.add_argument("--user", action="append", default=[], metavar="NAME=PASSWORD")
asyncio.run(main(arguments.parse_args()))
