"""FastAPI with SQLAlchemy's asyncio ORM over asyncpg, on the tables that are ours.

As their documentation says: a session per request, `selectinload` for collections, a pool,
asyncpg's prepared statements, AUTOCOMMIT where nothing is written, which saves a read the
round trips of BEGIN and ROLLBACK; a bearer token checked by PyJWT, and its user's row.
"""

import os
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import jwt
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict
from sqlalchemy import DateTime, ForeignKey, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    joinedload,
    mapped_column,
    relationship,
)

SECRET = os.environ["PEER_SECRET"]
SHOWN = ("pending", "processing", "ready", "failed")
engine = create_async_engine(
    os.environ["PEER_DATABASE"],
    pool_size=10,
    max_overflow=10,
    isolation_level="AUTOCOMMIT",
)
sessions = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    type_annotation_map = {dict[str, Any]: JSONB, datetime: DateTime(timezone=True)}


class User(Base):
    __tablename__ = "user"
    uuid: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str]


class Blob(Base):
    __tablename__ = "blob"
    uuid: Mapped[UUID] = mapped_column(primary_key=True)
    sha256: Mapped[str]
    size_bytes: Mapped[int]
    media_type: Mapped[str]


class Media(Base):
    __tablename__ = "media"
    uuid: Mapped[UUID] = mapped_column(primary_key=True)
    title: Mapped[str]
    description: Mapped[str]
    file_name: Mapped[str]
    owner_id: Mapped[UUID]
    video_id: Mapped[UUID] = mapped_column(ForeignKey("blob.uuid"))
    status: Mapped[str]
    technical: Mapped[dict[str, Any] | None]
    duration_seconds: Mapped[float | None]
    revision: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    video: Mapped[Blob] = relationship()

    @property
    def owner(self) -> UUID:
        return self.owner_id

    @property
    def duration(self) -> float | None:
        return self.duration_seconds

    @property
    def size(self) -> int:
        return self.video.size_bytes

    @property
    def media_type(self) -> str:
        return self.video.media_type

    @property
    def sha256(self) -> str:
        return self.video.sha256


class SummaryOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    uuid: UUID
    title: str
    status: str
    owner: UUID
    size: int
    media_type: str
    duration: float | None
    created_at: datetime
    updated_at: datetime


class MediaOut(SummaryOut):
    description: str
    sha256: str
    file_name: str
    revision: int
    technical: dict[str, Any] | None


class PageOut(BaseModel):
    items: list[SummaryOut]


async def session() -> AsyncIterator[AsyncSession]:
    async with sessions() as opened:
        yield opened


Session = Annotated[AsyncSession, Depends(session)]
Token = Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]


async def current_user(token: Token, database: Session) -> User:
    try:
        claims = jwt.decode(token.credentials, SECRET, algorithms=["HS256"])
    except jwt.InvalidTokenError as error:
        raise HTTPException(401) from error
    user = await database.get(User, UUID(claims["sub"]))
    if user is None:
        raise HTTPException(401)
    return user


SignedIn = Annotated[User, Depends(current_user)]
app = FastAPI()
_SHOWN = select(Media).options(joinedload(Media.video, innerjoin=True))
_NEWEST = _SHOWN.where(Media.status.in_(SHOWN)).order_by(
    Media.created_at.desc(), Media.uuid.desc()
)


@app.get("/ping/")
async def ping() -> dict[str, str]:
    return {"message": "pong"}


@app.get("/media/{identity}/", response_model=MediaOut)
async def one(identity: UUID, database: Session, user: SignedIn) -> Media:
    media = await database.scalar(_SHOWN.where(Media.uuid == identity))
    if media is None:
        raise HTTPException(404)
    return media


@app.get("/media/", response_model=PageOut)
async def page(
    database: Session,
    user: SignedIn,
    created_after: datetime | None = None,
    created_before: datetime | None = None,
    limit: int = 20,
) -> dict[str, Any]:
    query = _NEWEST.limit(limit)
    if created_after is not None:
        query = query.where(Media.created_at >= created_after)
    if created_before is not None:
        query = query.where(Media.created_at < created_before)
    return {"items": (await database.scalars(query)).all()}


@app.get("/search", response_model=PageOut)
async def search(
    database: Session, user: SignedIn, title: str, limit: int = 20
) -> dict[str, Any]:
    query = _NEWEST.where(Media.title.ilike(f"%{title}%")).limit(limit)
    return {"items": (await database.scalars(query)).all()}
