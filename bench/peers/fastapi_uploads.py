"""FastAPI's way to take a file: `UploadFile`, then hashed and copied.

As its documentation says for work that blocks: a plain `def` on FastAPI's threads, and
the file object itself (https://fastapi.tiangolo.com/tutorial/request-files/).
"""

import hashlib
import os
import uuid
from pathlib import Path

from fastapi import FastAPI, UploadFile

CHUNK_BYTES = 1024 * 1024
FOLDER = Path(os.environ["UPLOADS"])
FSYNC = os.environ.get("FSYNC") == "on"

app = FastAPI()


@app.get("/ping/")
async def ping() -> dict[str, str]:
    return {"message": "pong"}


@app.post("/media/", status_code=201)
def upload(video: UploadFile) -> dict[str, str]:
    digest = hashlib.sha256()
    path = FOLDER / uuid.uuid4().hex
    with path.open("wb") as copy:
        while chunk := video.file.read(CHUNK_BYTES):
            digest.update(chunk)
            copy.write(chunk)
        if FSYNC:
            copy.flush()
            os.fsync(copy.fileno())
    return {"sha256": digest.hexdigest(), "path": str(path)}
