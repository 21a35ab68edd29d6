import time
from typing import Any
from uuid import uuid4

import pytest
from pydantic import BaseModel, ValidationError

from backend.adapters.jwt_token_issuer import JwtTokenIssuer
from backend.api.schemas.accounts import (
    RefreshIn,
    SignInIn,
    SignOutIn,
    SignUpIn,
    TokensOut,
)
from backend.domain.accounts import Credentials, EmailAddress, Tokens

PASSWORD = "correct horse battery"


class TestEmailAddress:
    @pytest.mark.parametrize(
        "text",
        ["a@" + "\u0301" * 8_000 + "\u0323" * 8_000, "a@" + "b." * 8_000 + "org"],
    )
    def test_one_without_end_is_refused_at_once(self, text: str) -> None:
        """The form of the admin site has no limit of its own."""
        began = time.thread_time()
        with pytest.raises(ValueError, match="too long"):
            EmailAddress.folded(text)
        assert time.thread_time() - began < 0.05  # The marks took 300 ms.

    def test_one_that_folding_makes_too_long(self) -> None:
        with pytest.raises(ValueError, match="too long"):
            EmailAddress.folded("ß" * 200 + "@example.org")


class TestSignUpIn:
    @pytest.mark.parametrize(
        ("text", "email"),
        [
            ("ann@example.org", "ann@example.org"),
            ("  Ann.Smith+x@EXAMPLE.Org\n", "ann.smith+x@example.org"),
            ("ann@Bücher.example", "ann@xn--bcher-kva.example"),
            ("ann@localhost", "ann@localhost"),
            ("a" * 64 + "@example.org", "a" * 64 + "@example.org"),
        ],
    )
    def test_an_address_is_folded(self, text: str, email: str) -> None:
        assert SignUpIn(email=text, password=PASSWORD).email == email

    @pytest.mark.parametrize(
        "email",
        [
            "",
            "ann",
            "@example.org",
            "ann@",
            "ann@@example.org",
            "ann@example..org",
            "an n@example.org",
            "ann@exa mple.org",
            "ann@example.org\x00",
            "a\x00nn@example.org",
            '"a\x01b"@example.org',
            '"a\\\tb"@example.org',
            "ann@example.org\ud800",
            "ann\u202e@example.org",
            "änn@example.org",
            "İ@example.org",
            "ann@" + "ü" * 60 + ".org",
            "a" * 10_000,
            "a@" + "b." * 5_000 + "org",
            "a" * 250 + "@b.org",
            None,
            7,
            ["ann@example.org"],
            {"a": 1},
            b"ann@example.org\xff",
        ],
        ids=range(25),
    )
    def test_what_is_no_address_is_refused(self, email: Any) -> None:
        with pytest.raises(ValidationError) as refused:
            SignUpIn(email=email, password=PASSWORD)
        assert [error["loc"] for error in refused.value.errors()] == [("email",)]

    @pytest.mark.parametrize(
        "password",
        ["", "x" * 1_025, "x" * 2**20, "nul\x00" * 3, "\ud800" * 9, {}, [], None, 7],
        ids=range(9),
    )
    @pytest.mark.parametrize("schema", [SignUpIn, SignInIn])
    def test_a_password_that_cannot_be_is_refused(
        self, schema: type[BaseModel], password: Any
    ) -> None:
        with pytest.raises(ValidationError) as refused:
            schema.model_validate({"email": "ann@example.org", "password": password})
        assert [error["loc"] for error in refused.value.errors()] == [("password",)]

    @pytest.mark.parametrize("field", ["email", "password"])
    def test_every_field_is_needed(self, field: str) -> None:
        given = {"email": "ann@example.org", "password": PASSWORD}
        del given[field]
        with pytest.raises(ValidationError):
            SignUpIn.model_validate(given)

    @pytest.mark.parametrize(
        "field", ["role", "is_staff", "is_superuser", "groups", "id", "is_active"]
    )
    def test_nobody_gives_himself_a_role(self, field: str) -> None:
        with pytest.raises(ValidationError):
            SignUpIn.model_validate(
                {"email": "ann@example.org", "password": PASSWORD, field: "admin"}
            )

    def test_spaces_of_a_password_stay(self) -> None:
        assert SignUpIn(email="ann@example.org", password=" a ").password == " a "


class TestTokenBodies:
    @pytest.mark.parametrize("schema", [RefreshIn, SignOutIn])
    def test_what_is_no_text_is_refused(self, schema: type[BaseModel]) -> None:
        for refresh in (None, 7, {}, ["a"], "a" * 16_385):
            with pytest.raises(ValidationError):
                schema.model_validate({"refresh": refresh})
        with pytest.raises(ValidationError):
            schema.model_validate({"refresh": "a", "more": 1})
        assert schema.model_validate({"refresh": "a" * 12_288})


class TestSecrecy:
    def test_no_body_shows_a_secret_in_a_log(self) -> None:
        bodies = [
            SignUpIn(email="ann@example.org", password=PASSWORD),
            SignInIn(email="ann@example.org", password=PASSWORD),
            RefreshIn(refresh="eyJ"),
            SignOutIn(refresh="eyJ"),
            TokensOut(access="eyJ", refresh="eyJ", expires_in=1),
            Tokens("eyJ", "eyJ", 1),
            Credentials(uuid4(), PASSWORD, True),
            JwtTokenIssuer().refresh(uuid4()),
        ]
        for shown in map(repr, bodies):
            assert PASSWORD not in shown
            assert "eyJ" not in shown
