"""What a comparison of the stores has found."""

from datetime import datetime
from typing import Self
from uuid import UUID

from ninja import Schema
from pydantic import Field

from backend.orm.models import ConsistencyReport


class FindingOut(Schema):
    """Something that one store has and another lacks."""

    kind: str = Field(description="What is wrong.")
    store: str = Field(description="The store in which it is, or is missing.")
    key: str = Field(description="Its name in that store.")
    media: UUID | None = Field(
        description="One of the media concerned, if there is any."
    )
    action: str = Field(description="What is done about it.")
    applied: bool = Field(description="Whether that has been done.")


class ConsistencyOut(Schema):
    started_at: datetime
    finished_at: datetime
    findings: list[FindingOut]

    @classmethod
    def of(cls, report: ConsistencyReport) -> Self:
        return cls(
            started_at=report.started_at,
            finished_at=report.finished_at,
            findings=[FindingOut.model_validate(found) for found in report.findings],
        )
