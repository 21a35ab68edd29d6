"""All stores of a stack, looked at directly: no proxy stands between."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import boto3
import httpx
import psycopg
from psycopg.rows import dict_row
from pymongo import MongoClient

Row = dict[str, Any]


@dataclass(frozen=True)
class StoredItem:
    """An object as the bucket lists it. Single puts of the same bytes share an ETag."""

    key: str
    size_bytes: int
    etag: str
    changed: str


@dataclass
class Snapshot:
    """What all stores held at about the same moment."""

    blobs: list[Row] = field(default_factory=list)
    media: list[Row] = field(default_factory=list)
    miniatures: list[Row] = field(default_factory=list)
    urls: list[Row] = field(default_factory=list)
    jobs: list[Row] = field(default_factory=list)
    attempts: list[Row] = field(default_factory=list)
    documents: dict[UUID, str] = field(default_factory=dict)
    objects: dict[str, StoredItem] = field(default_factory=dict)
    unfinished: list[str] = field(default_factory=list)
    staged: set[str] = field(default_factory=set)

    def media_of(self, blob_id: UUID) -> str:
        """Any media of the blob, for messages."""
        found = [row["uuid"] for row in self.media if row["video_id"] == blob_id]
        found += [r["media_id"] for r in self.miniatures if r["blob_id"] == blob_id]
        return next(map(str, found), "")

    @property
    def blob_by_id(self) -> dict[UUID, Row]:
        return {row["uuid"]: row for row in self.blobs}

    @property
    def media_by_id(self) -> dict[UUID, Row]:
        return {row["uuid"]: row for row in self.media}


class Stores:
    """The rows, documents, objects and staged files of one stack.

    Files may be staged in folders, those of hosts below one of them, and in the bucket.
    """

    STAGED = "staging/"
    TABLES = {
        "blobs": "SELECT * FROM blob",
        "media": "SELECT * FROM media",
        "miniatures": "SELECT * FROM miniature",
        "urls": "SELECT * FROM url",
        "jobs": "SELECT *, lease_until < now() AS lease_is_over FROM job",
        "attempts": "SELECT * FROM job_attempt ORDER BY number",
    }

    def __init__(self, environment: Mapping[str, str], *folders: Path) -> None:
        self._folders = folders
        self.bucket = environment["S3_BUCKET"]
        self._database_url = environment["DATABASE_URL"]
        self._mongo_url = environment["MONGO_URL"]
        self._cdn = environment["CDN_BASE_URL"].rstrip("/")
        self._s3_settings = {
            "endpoint_url": environment["S3_ENDPOINT_URL"],
            "aws_access_key_id": environment["S3_ACCESS_KEY_ID"],
            "aws_secret_access_key": environment["S3_SECRET_ACCESS_KEY"],
            "region_name": environment["S3_REGION"],
        }

    @contextmanager
    def postgres(self) -> Iterator[psycopg.Connection[Row]]:
        with psycopg.connect(self._database_url, row_factory=dict_row) as connection:
            yield connection

    @contextmanager
    def documents(self) -> Iterator[Any]:
        """The collection of the MetadataDocuments."""
        with MongoClient[Any](self._mongo_url, uuidRepresentation="standard") as mongo:
            yield mongo.get_default_database("mediaproject")["metadata"]

    @contextmanager
    def s3(self) -> Iterator[Any]:
        with closing(boto3.client("s3", **self._s3_settings)) as client:
            yield client

    def rows(self, query: str, *values: object) -> list[Row]:
        with self.postgres() as connection:
            return connection.execute(query, values).fetchall()

    def sha256_at_the_cdn(self, key: str) -> str | None:
        """Of what anybody gets there; None if it is nothing."""
        digest = hashlib.sha256()
        with httpx.stream("GET", f"{self._cdn}/{key}", trust_env=False) as answer:
            if answer.status_code != httpx.codes.OK:
                return None
            for chunk in answer.iter_bytes():
                digest.update(chunk)
        return digest.hexdigest()

    def snapshot(self) -> Snapshot:
        """Rows last: what they do not name then had no owner before either."""
        staged = self.staged()
        documents, objects = self._documents(), self._objects()
        unfinished = self.unfinished()
        return Snapshot(
            **self._tables(),
            documents=documents,
            objects=objects,
            unfinished=unfinished,
            staged=staged,
        )

    def staged(self) -> set[str]:
        """The names of files that are received or wait, whole or not, wherever they are."""
        keys = (key for key in (*self._items(), *self._begun()) if self._is_staged(key))
        names = {key.removeprefix(self.STAGED) for key in keys}
        for folder in self._folders:
            names |= {path.name for path in folder.rglob("*") if path.is_file()}
        return names

    def unfinished(self) -> list[str]:
        """The keys of objects that are being put in parts."""
        return [key for key in self._begun() if not self._is_staged(key)]

    def _tables(self) -> dict[str, list[Row]]:
        with self.postgres() as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            return {
                name: connection.execute(query).fetchall()
                for name, query in self.TABLES.items()
            }

    def _documents(self) -> dict[UUID, str]:
        with self.documents() as collection:
            found = collection.find({}, {"sha256": 1})
            return {item["_id"]: item["sha256"] for item in found}

    def _objects(self) -> dict[str, StoredItem]:
        items = self._items().items()
        return {key: item for key, item in items if not self._is_staged(key)}

    def _items(self) -> dict[str, StoredItem]:
        with self.s3() as client:
            pages = client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
            items = [item for page in pages for item in page.get("Contents", [])]
        return {
            item["Key"]: StoredItem(
                item["Key"], item["Size"], item["ETag"], str(item["LastModified"])
            )
            for item in items
        }

    def _begun(self) -> list[str]:
        with self.s3() as client:
            found = client.list_multipart_uploads(Bucket=self.bucket)
        return [upload["Key"] for upload in found.get("Uploads", [])]

    @classmethod
    def _is_staged(cls, key: str) -> bool:
        return key.startswith(cls.STAGED)
