"""Requests about tokens, accounts and roles that must be refused."""

from collections.abc import Iterator
from typing import Any

from tests.accounts import PASSWORD
from tests.e2e.http.bad_inputs.asked import SESAME, Asked
from tests.e2e.http.bad_inputs.row import (
    BUILT_IN,
    CREDENTIALS,
    INVALID,
    LARGE,
    LAST_ADMIN,
    NOBODY,
    RIGHT,
    SYNTAX,
    TOKEN,
    WEAK_PASSWORD,
    Refusal,
    Row,
)
from tests.e2e.raw_upload import RawUpload


class Tokens:
    """Some of the `Things`, where nobody may believe them."""

    FORGED = (
        ("B89", "unsigned"),
        ("B89", "foreign_key"),
        ("B91", "refresh"),
        ("B92", "other_audience"),
        ("B92", "other_issuer"),
        ("B92", "secret_key"),
        ("B94", "too_old"),
        ("B98", "ended_access"),
    )
    DEAD = (
        ("B91", "access"),
        ("B98", "spent"),
        ("B98", "ended"),
    )
    ODD = ("Bearer", "Bearer    ", "Basic dXNlcjpwYXNz", "Token <access>", "<access>")

    @classmethod
    def rows(cls) -> Iterator[Row]:
        for number, name in cls.FORGED:
            sent = Asked.by(f"Bearer <{name}>".encode())
            yield Row(f"{number} {name} as access", sent, TOKEN, role="")
        for number, name in cls.DEAD:
            sent = Asked.token("refresh", f"<{name}>")
            yield Row(f"{number} {name} as refresh", sent, TOKEN, role="")
        for value in cls.ODD:
            yield Row(f"B88 {value}", Asked.by(value.encode()), TOKEN, role="")


BEARERS = [
    Row("B88 no header", Asked.get("/auth/me/"), NOBODY, role=""),
    Row("B88 in the address", Asked.get("/auth/me/?token=<access>"), NOBODY, role=""),
    Row("B94 12 KiB", Asked.by(b"Bearer " + b"a" * 12 * 1024), TOKEN, role=""),
    Row("B94 NUL", Asked.by(b"Bearer a\0b"), SYNTAX, role=""),
    Row("B94 not ASCII", Asked.by(b"Bearer \xff\xfe"), TOKEN, role=""),
    Row(
        "B98 from before a new password",
        Asked.token("refresh", "<outdated>"),
        TOKEN,
        role="",
    ),
]
SIGN_INS = [
    Row(
        "B95 unknown",
        Asked.account("signin", email="nobody@example.org"),
        CREDENTIALS,
        role="",
    ),
    Row("B95 wrong", Asked.account("signin", email="<email>"), CREDENTIALS, role=""),
    Row(
        "B95 inactive",
        Asked.account("signin", email="<inactive>", password=PASSWORD),
        CREDENTIALS,
        role="",
    ),
]


class AccountFields:
    """What is wrong with one field of a form, for signing in and up."""

    EMAILS = {
        "missing": ...,
        "empty": "",
        "NUL": "ann\0@example.org",
        "right to left": "ann\u202e@example.org",
        "spaces": "a n n@example.org",
        "10,000": "a" * 10_000,
        "no address": "ann",
        "two": "ann@example.org,bob@example.org",
        "list": ["ann@example.org"],
    }
    PASSWORDS = {
        "missing": ...,
        "empty": "",
        "object": {"$ne": SESAME},
        "null": None,
        "NUL": f"{SESAME}\0",
        "1,025": SESAME * 100,
    }
    UNKNOWN = ("role", "is_staff", "is_superuser", "groups", "id", "uuid", "is_active")

    @classmethod
    def rows(cls) -> Iterator[Row]:
        for name in ("signin", "signup"):
            for field, number, values in (
                ("email", "B102", cls.EMAILS),
                ("password", "B96", cls.PASSWORDS),
            ):
                for kind, value in values.items():
                    sent = Asked.account(name, **{field: value})
                    id_ = f"{number} {name} {field} {kind}"
                    yield Row(id_, sent, INVALID, role="", field=field)
            large = Asked.account(name, password="x" * 1024**2)
            yield Row(f"B96 {name} 1 MiB", large, LARGE, role="")
        for field in cls.UNKNOWN:
            sent = Asked.account("signup", **{field: "admin"})
            yield Row(f"B99 {field}", sent, INVALID, role="", field=field)


WEAK = [
    Row(
        f"B101 {password}",
        Asked.account(
            "signup", email="annabelle.longname@example.org", password=password
        ),
        WEAK_PASSWORD,
        role="",
        field="password",
    )
    for password in ("password", "1234567", "annabelle.longname@example.org")
]


class Administration:
    """By those who may, and by those who may not."""

    @classmethod
    def rows(cls) -> Iterator[Row]:
        yield from cls._of_the_last_admin()
        yield from cls._of_nobodys_business()
        for name, role in {
            "unknown": "nope",
            "list": ["viewer"],
            "null": None,
            "no name": "'; DROP TABLE role",
        }.items():
            yield cls._row(
                f"B105 {name}", cls.user("PATCH", {"role": role}), INVALID, "role"
            )
        for name, body in {
            "unknown": ["fly"],
            "text": "media.read",
            "null": None,
        }.items():
            sent = Asked.said("POST", "/roles/", {"name": "new", "rights": body})
            yield cls._row(f"B105 rights {name}", sent, INVALID)
        for method in ("PATCH", "DELETE"):
            body = {"rights": ["media.read"]} if method == "PATCH" else None
            sent = cls._sent(method, "/roles/viewer/", body)
            yield cls._row(f"B105 {method} built in", sent, BUILT_IN)

    @classmethod
    def user(cls, method: str, body: Any = None) -> RawUpload:
        return cls._sent(method, "/users/<admin>/", body)

    @classmethod
    def _of_the_last_admin(cls) -> Iterator[Row]:
        for name, sent in {
            "demoted": cls.user("PATCH", {"role": "viewer"}),
            "deactivated": cls.user("PATCH", {"is_active": False}),
            # He owns media, which stands against it, too, unless somebody gets them.
            "deleted": Asked.bare("DELETE", "/users/<admin>/?transfer_to=<operator>"),
        }.items():
            yield cls._row(f"B103 {name}", sent, LAST_ADMIN)

    @classmethod
    def _of_nobodys_business(cls) -> Iterator[Row]:
        new = {"email": "new@example.org", "password": SESAME, "role": "admin"}
        for role in ("viewer", "media_operator"):
            for name, sent in {
                "list": Asked.get("/users/"),
                "make": Asked.said("POST", "/users/", new),
                "see": cls.user("GET"),
                "change": cls.user("PATCH", {"role": "viewer"}),
                "delete": cls.user("DELETE"),
                "roles": Asked.get("/roles/"),
            }.items():
                yield Row(f"B104 {name} by {role}", sent, RIGHT, role=role)

    @staticmethod
    def _sent(method: str, path: str, body: Any) -> RawUpload:
        if body is None:
            return Asked.bare(method, path)
        return Asked.said(method, path, body)

    @staticmethod
    def _row(id_: str, sent: RawUpload, refusal: Refusal, field: str = "") -> Row:
        return Row(id_, sent, refusal, role="admin", field=field)


ACCOUNTS = [
    *Tokens.rows(),
    *BEARERS,
    *SIGN_INS,
    *AccountFields.rows(),
    *WEAK,
    *Administration.rows(),
]
