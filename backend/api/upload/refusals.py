"""The refusals of receiving a file, for the document."""

from backend.api.document.operation import Refusal
from backend.api.http.refusals import MalformedMultipart
from backend.domain.errors import (
    ChecksumMismatch,
    CommitUnknown,
    EmptyFile,
    StagedFileGone,
    StagingAway,
    StorageFull,
    TooManyPixels,
    UnreadablePicture,
    UnsupportedMedia,
)

PICTURE_REFUSALS: tuple[Refusal, ...] = (
    MalformedMultipart,
    UnsupportedMedia,
    EmptyFile,
    UnreadablePicture,
    TooManyPixels,
    StorageFull,
    StagingAway,
    StagedFileGone,
    CommitUnknown,
)
VIDEO_REFUSALS: tuple[Refusal, ...] = (*PICTURE_REFUSALS, ChecksumMismatch)
