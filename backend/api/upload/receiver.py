"""Receives a video upload: from the unread request to a file in staging."""

import asyncio
from dataclasses import dataclass
from uuid import UUID

from backend.api.schemas.upload import MINIATURE_FIELD, VIDEO_FIELD, UploadForm
from backend.api.upload.multipart_reader import Boundary, MultipartReader, PartHead
from backend.api.upload.part_feed import Part, PartFeed
from backend.api.upload.picture_part import PicturePart, ReceivedPicture
from backend.api.upload.request_body import BodyLimits, RequestBody, UnreadRequest
from backend.api.upload.video_part import VideoPart
from backend.domain.containers import ContainerSniffer
from backend.domain.errors import ChecksumMismatch, Invalid
from backend.domain.media import Caller, Container, FileName, NewMedia, StagedFile
from backend.domain.pictures import PictureInspector
from backend.use_cases.declared_upload import DeclaredUpload
from backend.use_cases.ports import IncomingFile, Staging

MEBIBYTE = 1024**2


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """Limits of size and speed, and batch sizes, of an upload."""

    most_video_bytes: int
    most_picture_bytes: int = 10 * MEBIBYTE
    # Room for the rest of the form: fields, headers and boundaries.
    most_form_bytes: int = MEBIBYTE
    most_field_bytes: int = 64 * 1024
    batch_bytes: int = 256 * 1024
    receive_seconds: float = 30.0
    least_bytes_per_second: float = 1024.0

    @property
    def body(self) -> BodyLimits:
        return self._body(self.most_video_bytes + self.most_picture_bytes)

    @property
    def miniature_body(self) -> BodyLimits:
        return self._body(self.most_picture_bytes)

    def picture_part(
        self, staging: Staging, inspector: PictureInspector
    ) -> PicturePart:
        return PicturePart(
            staging, inspector, self.most_picture_bytes, self.batch_bytes
        )

    def _body(self, most_file_bytes: int) -> BodyLimits:
        return BodyLimits(
            most_file_bytes + self.most_form_bytes,
            self.receive_seconds,
            self.least_bytes_per_second,
        )


@dataclass(frozen=True, slots=True)
class ReceivedUpload:
    """A video in staging with its form; its holder ends the files."""

    title: str
    description: str
    file_name: str
    container: Container
    incoming: IncomingFile
    file: StagedFile
    picture: ReceivedPicture | None = None

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
            picture=self.picture.file if self.picture else None,
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


class DeclaredMediaFound(Exception):
    """The owner has a live media of the declared bytes, which need not be received."""

    def __init__(self, media_id: UUID) -> None:
        super().__init__(str(media_id))
        self.media_id = media_id


class FormParts:
    """The parts of one upload; `begin` refuses what the form does not have.

    `declared_sha256` is what was declared before the video began.
    """

    _CHARSETS = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})

    def __init__(
        self, limits: UploadLimits, video: VideoPart, picture: PicturePart
    ) -> None:
        self._limits = limits
        self._video = video
        self._picture = picture
        self._fields: dict[str, str] = {}
        self._begun: set[str] = set()
        self._file_name = ""
        self.declared_sha256: str | None = None

    def begin(self, head: PartHead) -> Part:
        """Raises `Invalid`; before a file also for the fields received so far."""
        if head.name in self._begun:
            raise self._refused(head, "Must be given once")
        self._begun.add(head.name)
        if head.name == VIDEO_FIELD:
            return self._begin_video(head)
        if head.name == MINIATURE_FIELD:
            UploadForm.read(self._fields)
            return self._picture.begin(head)
        if head.name in UploadForm.model_fields:
            return self._text(head)
        raise self._refused(head, "Unknown field")

    def finish(self) -> tuple[UploadForm, str]:
        """The fields and the name of the file. Raises `Invalid`."""
        if VIDEO_FIELD not in self._begun:
            raise Invalid(problems={VIDEO_FIELD: "Field required"})
        return UploadForm.read(self._fields), self._file_name

    def _begin_video(self, head: PartHead) -> VideoPart:
        if head.file_name is None:
            raise self._refused(head, "Must be a file with a file name")
        self.declared_sha256 = UploadForm.read(self._fields).sha256
        self._file_name = FileName.shown(head.file_name)
        return self._video

    def _text(self, head: PartHead) -> TextPart:
        if head.file_name is not None:
            raise self._refused(head, "Must be text, not a file")
        if head.charset not in self._CHARSETS:
            raise self._refused(head, "Must be UTF-8 text")
        return TextPart(head.name, self._fields, self._limits.most_field_bytes)

    def _refused(self, head: PartHead, problem: str) -> Invalid:
        return Invalid(problems={head.shown_name: problem})


class Reception:
    """One upload on its way in."""

    def __init__(
        self,
        body: RequestBody,
        reader: MultipartReader,
        limits: UploadLimits,
        video: VideoPart,
        picture: PicturePart,
        declared: DeclaredUpload,
    ) -> None:
        self._feed = PartFeed(body, reader, self._begin)
        self._video = video
        self._picture = picture
        self._declared = declared
        self._form = FormParts(limits, video, picture)

    async def run(self) -> ReceivedUpload:
        await self._feed.run()
        return await self._received()

    async def _begin(self, head: PartHead) -> Part:
        part = self._form.begin(head)
        if part is self._video:
            await self._look_for_declared()
        return part

    async def _look_for_declared(self) -> None:
        """Raises `DeclaredMediaFound`."""
        sha256 = self._form.declared_sha256
        found = await self._declared.media_of(sha256) if sha256 else None
        if found is not None:
            raise DeclaredMediaFound(found)

    async def _received(self) -> ReceivedUpload:
        form, file_name = self._form.finish()
        incoming, file, container = self._video.received()
        if form.sha256 not in (None, file.sha256):
            raise ChecksumMismatch(f"The received bytes have the sha256 {file.sha256}.")
        return ReceivedUpload(
            form.title_for(file_name),
            form.description,
            file_name,
            container,
            incoming,
            file,
            await self._picture.seal(),
        )


class UploadReceiver:
    """Streams `multipart/form-data` into staging; a refused upload leaves nothing."""

    def __init__(
        self,
        staging: Staging,
        limits: UploadLimits,
        sniffer: ContainerSniffer | None = None,
        inspector: PictureInspector | None = None,
    ) -> None:
        self._staging = staging
        self._limits = limits
        self._sniffer = sniffer or ContainerSniffer()
        self._inspector = inspector or PictureInspector()

    async def receive(
        self, request: UnreadRequest, declared: DeclaredUpload
    ) -> ReceivedUpload:
        """Raises `UnsupportedType`, `MalformedMultipart`, `TooLarge`, `StorageFull`
        (before a byte is read), `Invalid`, `UnsupportedMedia`, `EmptyFile`,
        `UnreadablePicture`, `TooManyPixels`, `ChecksumMismatch`, `SlowBody`,
        `ClientDisconnected`, `StagingAway`.

        Raises `DeclaredMediaFound` and `DatabaseAway` where the video would begin. What
        is left of the body in the first case is read once that has been answered: most
        clients send all of it before they look, and take a closed connection ill.
        """
        reader = MultipartReader(
            Boundary.declared_by(request.headers.get("content-type", ""))
        )
        body = RequestBody(request, self._limits.body)
        body.check_declared()
        await self._staging.check_room(body.declared_bytes or 0)
        try:
            return await self._receive(body, reader, declared)
        except DeclaredMediaFound:
            request.after_answer(body.discard)
            raise

    async def _receive(
        self, body: RequestBody, reader: MultipartReader, declared: DeclaredUpload
    ) -> ReceivedUpload:
        video = VideoPart(
            self._staging,
            self._sniffer,
            self._limits.most_video_bytes,
            self._limits.batch_bytes,
        )
        picture = self._limits.picture_part(self._staging, self._inspector)
        try:
            parts = video, picture
            return await Reception(body, reader, self._limits, *parts, declared).run()
        except BaseException:
            # Also when the request was cancelled, and even if it is once more.
            both = asyncio.gather(video.abandon(), picture.abandon())
            await asyncio.shield(both)
            raise
