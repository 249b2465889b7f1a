#!/usr/bin/env python3
"""What Google asks for, in front of fake-gcs-server, which asks for nothing.

gcs_gate.py LISTEN_PORT SERVER_PORT MODULUS_FILE PROGRAM

Starts PROGRAM (fake-gcs-server) on SERVER_PORT and makes the bucket `vault`. POST /token checks a service account's
assertion (RS256, RFC 7523) and hands out a token; every other request needs one, or a V4 signature in its address, and
is answered 401 or 403 in Google's words otherwise. Account `reader` may not write, `writer` may not delete. What is to be
new (`ifGenerationMatch=0`) is answered 412 if something has its name.
"""

import base64
import datetime
import hashlib
import http.client
import json
import secrets
import signal
import subprocess
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LISTEN_PORT, SERVER_PORT = int(sys.argv[1]), int(sys.argv[2])
MODULUS = int(open(sys.argv[3]).read(), 16)
PROGRAM = sys.argv[4]
ACCOUNTS = {f"{name}@test.iam.gserviceaccount.com": name for name in ("vault", "reader", "writer")}
MAY_NOT = {"reader": ("POST", "PUT", "PATCH", "DELETE"), "writer": ("DELETE",)}
SHA256_PREFIX = bytes.fromhex("3031300d060960864801650304020105000420")
HOP_BY_HOP = ("transfer-encoding", "content-length", "connection", "date", "server")

tokens = {}
# One at a time, so that of several new objects of one name one is stored.
storing_new = threading.Lock()
server_ready = threading.Event()


def verifies(message, signature):
    """RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, 8.2.2); the public exponent is 65537."""
    length = (MODULUS.bit_length() + 7) // 8
    digest = SHA256_PREFIX + hashlib.sha256(message).digest()
    expected = b"\x00\x01" + b"\xff" * (length - len(digest) - 3) + b"\x00" + digest
    found = pow(int.from_bytes(signature, "big"), 65537, MODULUS).to_bytes(length, "big")
    return len(signature) == length and secrets.compare_digest(found, expected)


def from_base64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Refused(Exception):
    pass


def account_of(assertion):
    """Who an assertion is by, if it is in order."""
    try:
        signed, signature = assertion.rsplit(".", 1)
        header, claims = (json.loads(from_base64url(part)) for part in signed.split("."))
    except ValueError:
        raise Refused("Invalid JWT: malformed")
    if header.get("alg") != "RS256" or not verifies(signed.encode(), from_base64url(signature)):
        raise Refused("Invalid JWT Signature.")
    if claims.get("iss") not in ACCOUNTS:
        raise Refused("Invalid grant: account not found")
    if claims.get("aud") != f"http://127.0.0.1:{LISTEN_PORT}/token" or "devstorage" not in claims.get("scope", ""):
        raise Refused("Invalid JWT: audience or scope")
    now = time.time()
    if not now - 3900 < claims["iat"] < now + 300 or not now < claims["exp"] < now + 3900:
        raise Refused("Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.")
    return ACCOUNTS[claims["iss"]]


def signature_holds(host, url):
    """V4 signatures: https://cloud.google.com/storage/docs/access-control/signed-urls"""
    pairs = [pair.split("=", 1) for pair in url.query.split("&")]
    given = {name: urllib.parse.unquote(value) for name, value in pairs}
    query = "&".join(sorted(f"{name}={value}" for name, value in pairs if name != "X-Goog-Signature"))
    request = f"GET\n{url.path}\n{query}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD"
    stamp = given["X-Goog-Date"]
    email, scope = given["X-Goog-Credential"].split("/", 1)
    message = f"GOOG4-RSA-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    signed_at = datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    age = time.time() - signed_at.timestamp()
    return (
        email in ACCOUNTS
        and scope == f"{stamp[:8]}/auto/storage/goog4_request"
        and -900 < age < int(given["X-Goog-Expires"]) <= 604800
        and verifies(message.encode(), bytes.fromhex(given["X-Goog-Signature"]))
    )


class Gate(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def handle_any(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:  # the connection was cut: nothing of it is kept
            self.close_connection = True
            return
        url = urllib.parse.urlsplit(self.path)
        if url.path == "/ready":
            self.answer(200 if server_ready.is_set() else 503, b"")
        elif url.path == "/token":
            self.hand_out_token(body)
        elif "X-Goog-Signature=" in url.query:
            if self.command == "GET" and signature_holds(self.headers["Host"], url):
                self.pass_on(body)
            else:
                self.answer(403, b"<?xml version='1.0'?><Error><Code>SignatureDoesNotMatch</Code></Error>", "text/xml")
        else:
            token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
            account = tokens.get(token)
            if account is None:
                self.refuse(401, "authError", "Invalid Credentials")
            elif self.command in MAY_NOT.get(account, ()):
                self.refuse(403, "forbidden", f"{account} does not have storage.objects access to the object.")
            elif self.command == "POST" and urllib.parse.parse_qs(url.query).get("ifGenerationMatch") == ["0"]:
                with storing_new:
                    if self.is_there(url):
                        self.refuse(412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.")
                    else:
                        self.pass_on(body)
            else:
                self.pass_on(body)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = handle_any

    def hand_out_token(self, body):
        form = urllib.parse.parse_qs(body.decode())
        try:
            account = account_of(form.get("assertion", [""])[0])
        except Refused as refused:
            self.answer_json(400, {"error": "invalid_grant", "error_description": str(refused)})
            return
        token = "ya29." + secrets.token_urlsafe(24)
        tokens[token] = account
        self.answer_json(200, {"access_token": token, "expires_in": 3599, "token_type": "Bearer"})

    def is_there(self, url):
        """Whether something has the name of what an upload, or a composition, is to store."""
        named = urllib.parse.parse_qs(url.query).get("name")
        name = urllib.parse.quote(named[0], safe="") if named else url.path.removesuffix("/compose").rsplit("/o/", 1)[1]
        server = http.client.HTTPConnection("127.0.0.1", SERVER_PORT)
        server.request("GET", f"/storage/v1/b/vault/o/{name}")
        response = server.getresponse()
        response.read()
        server.close()
        return response.status == 200

    def pass_on(self, body):
        server = http.client.HTTPConnection("127.0.0.1", SERVER_PORT)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
        server.request(self.command, self.path, body, headers)
        response = server.getresponse()
        content = response.read()
        kind = response.headers.get("Content-Type") or "application/json"
        others = [(n, v) for n, v in response.headers.items() if n.lower() not in (*HOP_BY_HOP, "content-type")]
        self.answer(response.status, content, kind, others)
        server.close()

    def refuse(self, status, reason, message):
        error = {"code": status, "message": message, "errors": [{"domain": "global", "reason": reason, "message": message}]}
        self.answer_json(status, {"error": error})

    def answer_json(self, status, content):
        self.answer(status, json.dumps(content).encode(), "application/json")

    def answer(self, status, content, kind="text/plain", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def make_bucket():
    for _ in range(600):
        try:
            server = http.client.HTTPConnection("127.0.0.1", SERVER_PORT)
            headers = {"Content-Type": "application/json"}
            server.request("POST", "/storage/v1/b?project=test", json.dumps({"name": "vault"}), headers)
            if server.getresponse().status == 200:
                server_ready.set()
                return
        except OSError:
            time.sleep(0.1)


def main():
    address = f"127.0.0.1:{LISTEN_PORT}"
    server = subprocess.Popen([
        PROGRAM, "-host", "127.0.0.1", "-port", str(SERVER_PORT), "-scheme", "http", "-backend", "memory",
        "-external-url", f"http://{address}", "-public-host", address, "-log-level", "warn",
    ])  # fmt: skip
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        threading.Thread(target=make_bucket, daemon=True).start()
        ThreadingHTTPServer(("127.0.0.1", LISTEN_PORT), Gate).serve_forever()
    finally:
        server.terminate()
        server.wait()


main()
