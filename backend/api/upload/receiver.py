"""Receives a video upload: from the unread request to a sealed file in staging."""

import asyncio
from dataclasses import dataclass

from backend.api.schemas.upload import VIDEO_FIELD, UploadForm
from backend.api.upload.multipart_reader import (
    Boundary,
    MultipartReader,
    PartEvent,
    PartHead,
)
from backend.api.upload.request_body import BodyLimits, RequestBody, UnreadRequest
from backend.api.upload.video_part import VideoPart
from backend.domain.containers import ContainerSniffer
from backend.domain.errors import ChecksumMismatch, Invalid
from backend.domain.media import Caller, Container, FileName, NewMedia, StagedFile
from backend.use_cases.ports import IncomingFile, Staging

MEBIBYTE = 1024**2


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """How much, how fast and in what batches an upload may come."""

    most_video_bytes: int
    # What the form may need besides the video: fields, headers and boundaries.
    most_form_bytes: int = MEBIBYTE
    most_field_bytes: int = 64 * 1024
    batch_bytes: int = MEBIBYTE
    receive_seconds: float = 30.0
    least_bytes_per_second: float = 1024.0

    @property
    def body(self) -> BodyLimits:
        return BodyLimits(
            self.most_video_bytes + self.most_form_bytes,
            self.receive_seconds,
            self.least_bytes_per_second,
        )


@dataclass(frozen=True, slots=True)
class ReceivedUpload:
    """A video in staging with its validated fields; who has it ends `incoming`."""

    title: str
    description: str
    file_name: str
    container: Container
    incoming: IncomingFile
    file: StagedFile

    def new_media(self, caller: Caller, request_id: str) -> NewMedia:
        return NewMedia(
            owner_id=caller.user_id,
            session_id=caller.session_id,
            title=self.title,
            description=self.description,
            file_name=self.file_name,
            container=self.container,
            file=self.file,
            request_id=request_id,
        )


class TextPart:
    """One text field on its way in."""

    def __init__(self, name: str, fields: dict[str, str], most_bytes: int) -> None:
        self._name = name
        self._fields = fields
        self._most_bytes = most_bytes
        self._value = bytearray()

    async def add(self, piece: bytes) -> None:
        self._value += piece
        if len(self._value) > self._most_bytes:
            raise Invalid(problems={self._name: "Is too long"})

    async def end(self) -> None:
        try:
            self._fields[self._name] = self._value.decode()
        except UnicodeDecodeError:
            raise Invalid(problems={self._name: "Must be UTF-8 text"}) from None


class FormParts:
    """The parts of one upload; `begin` refuses what the form does not have."""

    _CHARSETS = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
    _MOST_NAME_CHARACTERS = 64

    def __init__(self, limits: UploadLimits, video: VideoPart) -> None:
        self._limits = limits
        self._video = video
        self._fields: dict[str, str] = {}
        self._begun: set[str] = set()
        self._file_name = ""

    def begin(self, head: PartHead) -> TextPart | VideoPart:
        """Raises `Invalid`; before a video also for the fields that came so far."""
        if head.name != VIDEO_FIELD and head.name not in UploadForm.model_fields:
            raise self._refused(head, "Unknown field")
        if head.name in self._begun:
            raise self._refused(head, "Must be given once")
        self._begun.add(head.name)
        return self._begin_video(head) if head.name == VIDEO_FIELD else self._text(head)

    def finish(self) -> tuple[UploadForm, str]:
        """The fields and the name of the file. Raises `Invalid`."""
        if VIDEO_FIELD not in self._begun:
            raise Invalid(problems={VIDEO_FIELD: "Field required"})
        return UploadForm.read(self._fields), self._file_name

    def _begin_video(self, head: PartHead) -> VideoPart:
        if head.file_name is None:
            raise self._refused(head, "Must be a file with a file name")
        UploadForm.read(self._fields)
        self._file_name = FileName.shown(head.file_name)
        return self._video

    def _text(self, head: PartHead) -> TextPart:
        if head.file_name is not None:
            raise self._refused(head, "Must be text, not a file")
        if head.charset not in self._CHARSETS:
            raise self._refused(head, "Must be UTF-8 text")
        return TextPart(head.name, self._fields, self._limits.most_field_bytes)

    def _refused(self, head: PartHead, problem: str) -> Invalid:
        return Invalid(problems={head.name[: self._MOST_NAME_CHARACTERS]: problem})


class Reception:
    """One upload on its way in."""

    def __init__(
        self,
        body: RequestBody,
        reader: MultipartReader,
        limits: UploadLimits,
        video: VideoPart,
    ) -> None:
        self._body = body
        self._reader = reader
        self._video = video
        self._form = FormParts(limits, video)
        self._part: TextPart | VideoPart | None = None

    async def run(self) -> ReceivedUpload:
        while piece := await self._body.read():
            for event in self._reader.parse(piece):
                await self._take(event)
        self._reader.finish()
        return await self._received()

    async def _take(self, event: PartEvent) -> None:
        if isinstance(event, PartHead):
            self._part = self._form.begin(event)
        elif self._part is None:
            raise RuntimeError("Bytes of a part came before its head")
        elif event is None:
            await self._part.end()
        else:
            await self._part.add(event)

    async def _received(self) -> ReceivedUpload:
        form, file_name = self._form.finish()
        incoming, file, container = await self._video.seal()
        if form.sha256 not in (None, file.sha256):
            raise ChecksumMismatch(f"The received bytes have the sha256 {file.sha256}.")
        title = form.title_for(file_name)
        return ReceivedUpload(
            title, form.description, file_name, container, incoming, file
        )


class UploadReceiver:
    """Streams `multipart/form-data` into staging; a refused upload leaves nothing."""

    def __init__(
        self,
        staging: Staging,
        limits: UploadLimits,
        sniffer: ContainerSniffer | None = None,
    ) -> None:
        self._staging = staging
        self._limits = limits
        self._sniffer = sniffer or ContainerSniffer()

    async def receive(self, request: UnreadRequest) -> ReceivedUpload:
        """Raises `UnsupportedType`, `MalformedMultipart`, `TooLarge`, `StorageFull`
        (before a byte is read), `Invalid`, `UnsupportedMedia`, `EmptyFile`,
        `ChecksumMismatch`, `SlowBody`, `ClientDisconnected`, `StagingAway`.
        """
        reader = MultipartReader(
            Boundary.declared_by(request.headers.get("content-type", ""))
        )
        body = RequestBody(request, self._limits.body)
        body.check_declared()
        await self._staging.check_room(body.declared_bytes or 0)
        return await self._receive(body, reader)

    async def _receive(
        self, body: RequestBody, reader: MultipartReader
    ) -> ReceivedUpload:
        video = VideoPart(
            self._staging,
            self._sniffer,
            self._limits.most_video_bytes,
            self._limits.batch_bytes,
        )
        try:
            return await Reception(body, reader, self._limits, video).run()
        except BaseException:
            # Also when the request was cancelled, and even if it is once more.
            await asyncio.shield(video.abandon())
            raise
