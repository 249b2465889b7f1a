"""Uploads with tuspy: reads a job as JSON from standard input, and says where each upload is."""

import json
import sys

from tusclient import client
from tusclient.exceptions import TusCommunicationError

job = json.load(sys.stdin)
tus = client.TusClient(job["endpoint"], headers=job["headers"])
urls = []
for file in job["files"]:
    uploader = tus.uploader(
        file["path"],
        url=file.get("url"),
        metadata=file["said"],
        chunk_size=job["chunk_size"],
        upload_checksum=job["checksum"],
        retries=job["retries"],
        retry_delay=0.05,
    )
    # tuspy repeats what brings bytes, a creation it does not.
    for _ in range(job["retries"]):
        try:
            if not uploader.url:
                uploader.set_url(uploader.create_url())
                uploader.offset = 0
            break
        except TusCommunicationError:
            continue
    uploader.upload(stop_at=file.get("stop_at"))
    urls.append(uploader.url)
json.dump(urls, sys.stdout)
