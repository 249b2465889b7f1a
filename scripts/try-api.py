"""Bytes of recordings, for schemathesis; which scripts/try-api runs with it."""

import schemathesis


@schemathesis.serializer("video/mp4")
def recording(context, value):
    """What is made for a body may be anything; it is sent as bytes."""
    return {"data": value if isinstance(value, bytes) else str(value).encode()}
