#!/usr/bin/env python3
"""Makes the container `vault` at an endpoint with the account's key, and prints what tests need to know.

prepare.py ENDPOINT KEY

https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key, …/create-service-sas
"""

import base64
import hashlib
import hmac
import sys
import urllib.error
import urllib.parse
import urllib.request
from email.utils import formatdate

ENDPOINT, KEY = sys.argv[1:]
ACCOUNT = ENDPOINT.rsplit("/", 1)[1]
CONTAINER, VERSION = "vault", "2022-11-02"


def sign(text):
    return base64.b64encode(hmac.new(base64.b64decode(KEY), text.encode(), hashlib.sha256).digest()).decode()


def make_container():
    date = formatdate(usegmt=True)
    resource = f"/{ACCOUNT}/{ACCOUNT}/{CONTAINER}\nrestype:container"
    signature = sign("PUT" + "\n" * 12 + f"x-ms-date:{date}\nx-ms-version:{VERSION}\n{resource}")
    headers = {"x-ms-date": date, "x-ms-version": VERSION, "Authorization": f"SharedKey {ACCOUNT}:{signature}"}
    request = urllib.request.Request(f"{ENDPOINT}/{CONTAINER}?restype=container", method="PUT", headers=headers)
    try:
        urllib.request.urlopen(request, timeout=5)
    except urllib.error.HTTPError as error:
        if error.code != 409:  # there already
            raise


def token(permissions, expiry="2099-01-01T00:00:00Z"):
    resource = f"/blob/{ACCOUNT}/{CONTAINER}"
    fields = [permissions, "", expiry, resource, "", "", "", VERSION, "c", "", "", "", "", "", "", ""]
    pairs = {"sv": VERSION, "sr": "c", "sp": permissions, "se": expiry, "sig": sign("\n".join(fields))}
    return urllib.parse.urlencode(pairs)


make_container()
for name, value in {
    "ENDPOINT": ENDPOINT,
    "ACCOUNT": ACCOUNT,
    "CONTAINER": CONTAINER,
    "KEY": KEY,
    "SAS": token("racwdl"),
    "READER_SAS": token("rl"),
    "WRITER_SAS": token("racwl"),
    "EXPIRED_SAS": token("racwdl", "2020-01-01T00:00:00Z"),
}.items():
    print(f"VAULT_TEST_AZURE_{name}='{value}'")
