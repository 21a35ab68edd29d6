"""Creates the bucket and sets who may read it."""

import json
from typing import Any, Final

from backend.adapters.s3_connection import S3Connection, S3Errors


class S3Bucket:
    """The bucket: private, or with objects that anybody may read and nobody may list."""

    PUBLIC_PREFIXES: Final = ("videos", "miniatures")
    _SID: Final = "MediaProjectPublicRead"
    # The only region that must not be named when a bucket is created.
    _UNNAMED_REGION: Final = "us-east-1"

    def __init__(self, connection: S3Connection, public_read: bool) -> None:
        self._connection = connection
        self._public_read = public_read

    def prepare(self) -> None:
        """Raises `ObjectStoreAway` and `JobFailed` with `object_store_denied`."""
        with S3Errors.translated(f"preparing the bucket {self._connection.bucket}"):
            if not self.exists():
                self._create()
            self._set_policy()

    def exists(self) -> bool:
        from botocore.exceptions import ClientError

        try:
            self._connection.client.head_bucket(Bucket=self._connection.bucket)
        except ClientError as error:
            if S3Errors.is_absence(error):
                return False
            raise
        return True

    def _create(self) -> None:
        client = self._connection.client
        region = self._connection.region
        place: dict[str, Any] = {}
        if region != self._UNNAMED_REGION:
            place["CreateBucketConfiguration"] = {"LocationConstraint": region}
        # Another process may create it at the same time.
        taken = client.exceptions.BucketAlreadyOwnedByYou
        try:
            client.create_bucket(Bucket=self._connection.bucket, **place)
        except taken:
            return

    def _set_policy(self) -> None:
        """Write our statement or take it out; statements of others stay."""
        found = self._statements()
        wanted = [part for part in found if part.get("Sid") != self._SID]
        if self._public_read:
            wanted.append(self._public_statement)
        if wanted == found:
            return
        if wanted:
            policy = {"Version": "2012-10-17", "Statement": wanted}
            self._connection.client.put_bucket_policy(
                Bucket=self._connection.bucket, Policy=json.dumps(policy)
            )
        else:
            self._connection.client.delete_bucket_policy(Bucket=self._connection.bucket)

    @property
    def _public_statement(self) -> dict[str, Any]:
        bucket = self._connection.bucket
        return {
            "Sid": self._SID,
            "Effect": "Allow",
            "Principal": "*",
            "Action": ["s3:GetObject"],
            "Resource": [
                f"arn:aws:s3:::{bucket}/{prefix}/*" for prefix in self.PUBLIC_PREFIXES
            ],
        }

    def _statements(self) -> list[dict[str, Any]]:
        from botocore.exceptions import ClientError

        try:
            found = self._connection.client.get_bucket_policy(
                Bucket=self._connection.bucket
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchBucketPolicy":
                return []
            raise
        statements = json.loads(found["Policy"]).get("Statement", [])
        return [statements] if isinstance(statements, dict) else list(statements)
