"""Celery doing what our two actors do to a media, on our stores and tables.

As its documentation says: small messages of ids, results ignored, prefetching for short
tasks, no gossip between workers, clients that live as long as the process. It is also
given what it does not need by itself: pools, prepared statements, one transaction at the
start of a task and one at its end.

    python celery_media.py <ids     sends both tasks of each media
"""

import base64
import hashlib
import json
import os
import sys
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import boto3
import celery_rows
from botocore.config import Config
from celery import Celery
from psycopg.rows import namedtuple_row
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool
from pymediainfo import MediaInfo
from pymongo import MongoClient

# What both make of MediaInfo's report; standard library only.
from backend.adapters.media_info_report import ReportTrimmer
from backend.domain.technical import TechnicalSummary

UPLOAD, EXTRACT = "upload_to_cdn", "extract_metadata"
ABSENT = ("404", "NoSuchKey")
BUFFER_BYTES = 256 * 1024
BUCKET = os.environ["S3_BUCKET"]
STAGING = Path(os.environ["STAGING_DIR"])
THREADS = int(os.environ["THREADS"])

app = Celery("celery_media", broker=os.environ["BROKER_URL"])
app.conf.update(
    task_ignore_result=True,
    worker_prefetch_multiplier=64,
    worker_send_task_events=False,
    broker_connection_retry_on_startup=True,
)


@cache
def pool() -> ConnectionPool[Any]:
    return ConnectionPool(
        os.environ["DATABASE_URL"],
        min_size=THREADS,
        max_size=THREADS,
        kwargs={"row_factory": namedtuple_row, "prepare_threshold": 2},
    )


@cache
def documents() -> Any:
    client: MongoClient[Any] = MongoClient(
        os.environ["MONGO_URL"],
        w="majority",
        journal=True,
        uuidRepresentation="standard",
        tz_aware=True,
    )
    return client.get_default_database("mediaproject")["metadata"]


@cache
def storage() -> Any:
    config = Config(
        max_pool_connections=THREADS,
        s3={"addressing_style": "path", "payload_signing_enabled": False},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return boto3.session.Session().client(
        "s3",
        endpoint_url=os.environ["S3_ENDPOINT_URL"],
        region_name=os.environ["S3_REGION"],
        aws_access_key_id=os.environ["S3_ACCESS_KEY_ID"],
        aws_secret_access_key=os.environ["S3_SECRET_ACCESS_KEY"],
        config=config,
    )


def begin(media: UUID, kind: str) -> tuple[Any, Any] | None:
    """The job and the blob, or None if the job is not there."""
    with pool().connection() as database:
        job = database.execute(celery_rows.CLAIM, [media, kind]).fetchone()
        if job is None:
            return None
        worker = f"celery:{os.getpid()}"
        database.execute(celery_rows.ATTEMPT, [job.uuid, job.attempt, worker])
        found = database.execute(celery_rows.PROCESSING, [media]).fetchone()
        blob = database.execute(celery_rows.BLOB, [found.video_id]).fetchone()
        return job, blob


def end(database: Any, job: Any, blob: Any) -> bool:
    """In the transaction that ends a job: whether the staged file may go."""
    if database.execute(celery_rows.SUCCEED, [job.uuid, job.fence]).rowcount != 1:
        raise RuntimeError("somebody else has the job")
    database.execute(celery_rows.END, [job.uuid, job.attempt])
    return not database.execute(celery_rows.OPEN, [blob.uuid]).fetchone().any


def put(blob: Any) -> None:
    name = {"Bucket": BUCKET, "Key": blob.object_key}
    with (STAGING / str(blob.staged_name)).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        if digest.hexdigest() != blob.sha256:
            raise RuntimeError("the staged file has other bytes")
        file.seek(0)
        checksum = base64.b64encode(digest.digest()).decode()
        storage().put_object(
            **name,
            Body=file,
            ContentLength=blob.size_bytes,
            ContentType=blob.media_type,
            CacheControl="public, max-age=31536000, immutable",
            Metadata={"sha256": blob.sha256},
            ChecksumSHA256=checksum,
        )
    head = storage().head_object(**name, ChecksumMode="ENABLED")
    if (head["ContentLength"], head.get("ChecksumSHA256", checksum)) != (
        blob.size_bytes,
        checksum,
    ):
        raise RuntimeError("other bytes are stored")


def is_stored(blob: Any) -> bool:
    try:
        head = storage().head_object(Bucket=BUCKET, Key=blob.object_key)
    except storage().exceptions.ClientError as error:
        if error.response["Error"]["Code"] not in ABSENT:
            raise
        storage().head_bucket(Bucket=BUCKET)
        return False
    return bool(head["Metadata"].get("sha256") == blob.sha256)


def report(blob: Any) -> dict[str, Any]:
    with (STAGING / str(blob.staged_name)).open("rb") as file:
        text = MediaInfo.parse(
            file, output="JSON", cover_data=False, buffer_size=BUFFER_BYTES
        )
    found = json.loads(str(text), strict=False)
    library = found.get("creatingLibrary") or {}
    trimmer = ReportTrimmer()
    return {
        "_id": blob.uuid,
        "sha256": blob.sha256,
        "extractor": str(library.get("name")),
        "extractor_version": str(library.get("version")),
        "extracted_at": datetime.now(UTC),
        "tracks": trimmer.tracks((found.get("media") or {}).get("track")),
        "truncated": trimmer.truncated,
        "libraries": {},
    }


@app.task(name=UPLOAD)
def upload_to_cdn(media_id: str) -> None:
    media = UUID(media_id)
    if (begun := begin(media, UPLOAD)) is None:
        return
    job, blob = begun
    if not is_stored(blob):
        put(blob)
    with pool().connection() as database:
        database.execute(celery_rows.LOCK, [media])
        database.execute(celery_rows.STORED, [blob.uuid])
        database.execute(celery_rows.URL, [media, blob.object_key])
        database.execute(celery_rows.PUBLISHED, [media])
        is_over = end(database, job, blob)
    if is_over:
        (STAGING / str(blob.staged_name)).unlink(missing_ok=True)


@app.task(name=EXTRACT)
def extract_metadata(media_id: str) -> None:
    media = UUID(media_id)
    if (begun := begin(media, EXTRACT)) is None:
        return
    job, blob = begun
    known = documents().find_one({"_id": blob.uuid})
    if known is None or known["sha256"] != blob.sha256:
        known = report(blob)
        documents().replace_one({"_id": blob.uuid}, known, upsert=True)
    summary = TechnicalSummary.of_tracks(known["tracks"])
    with pool().connection() as database:
        database.execute(celery_rows.LOCK, [media])
        values = [Jsonb(summary.as_dict()), summary.duration, media]
        database.execute(celery_rows.DESCRIBED, values)
        is_over = end(database, job, blob)
    if is_over:
        (STAGING / str(blob.staged_name)).unlink(missing_ok=True)


if __name__ == "__main__":
    for line in sys.stdin:
        upload_to_cdn.delay(line.strip())
        extract_metadata.delay(line.strip())
