import base64
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
import pytest
from django.apps import apps
from django.conf import settings
from ninja_jwt import tokens
from ninja_jwt.tokens import AccessToken, RefreshToken, SlidingToken

from backend.adapters import jwt_token_issuer
from backend.adapters.jwt_token_issuer import JwtTokenIssuer
from backend.domain.accounts import AccessClaims
from backend.domain.errors import InvalidToken
from tests.uncovered import Uncovered

USER, SESSION = uuid4(), uuid4()
IN_AN_HOUR = datetime.now(UTC) + timedelta(hours=1)


class Forge:
    """Signs what the issuer never would, with the right key unless told otherwise."""

    @staticmethod
    def claims(**changed: Any) -> dict[str, Any]:
        now = datetime.now(UTC)
        claims = {
            "token_type": "access",
            "sub": str(USER),
            "sid": str(SESSION),
            "jti": "0" * 32,
            "iat": now,
            "exp": now + timedelta(minutes=1),
            "aud": "mediaproject",
            "iss": "mediaproject",
        } | changed
        return {name: value for name, value in claims.items() if value is not ...}

    @classmethod
    def token(
        cls,
        key: str = settings.NINJA_JWT["SIGNING_KEY"],
        algorithm: str = "HS256",
        headers: dict[str, Any] | None = None,
        **changed: Any,
    ) -> str:
        return jwt.encode(cls.claims(**changed), key, algorithm, headers)

    @staticmethod
    def segment(text: str) -> str:
        return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


@pytest.fixture
def issuer() -> JwtTokenIssuer:
    return JwtTokenIssuer()


class TestRememberedTokens:
    def test_one_that_has_expired_since_is_refused(
        self, issuer: JwtTokenIssuer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        text = Forge.token(exp=IN_AN_HOUR)
        assert issuer.read_access(text) == AccessClaims(USER, SESSION)
        later = IN_AN_HOUR + timedelta(seconds=1)
        monkeypatch.setattr(jwt_token_issuer.time, "time", later.timestamp)
        monkeypatch.setattr(tokens, "aware_utcnow", lambda: later)
        with pytest.raises(InvalidToken):
            issuer.read_access(text)

    def test_only_so_many_are_known_and_their_signatures_checked_once(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        issuer = JwtTokenIssuer(most_remembered=2)
        texts = [issuer.access(USER, SESSION) for _ in range(3)]
        for text in texts:
            issuer.read_access(text)
        checked = []

        class Checked(AccessToken):
            def __init__(self, token: Any) -> None:
                checked.append(token)
                super().__init__(token)

        monkeypatch.setattr(jwt_token_issuer, "AccessJwt", Checked)
        for text in reversed(texts):
            assert issuer.read_access(text) == AccessClaims(USER, SESSION)
        assert checked == [texts[0]]

    def test_what_was_refused_is_refused_again(self, issuer: JwtTokenIssuer) -> None:
        forged = Forge.token(key="x" * 40)
        for _ in range(2):
            with pytest.raises(InvalidToken):
                issuer.read_access(forged)


class TestJwtAccess:
    def test_it_is_read_back(self, issuer: JwtTokenIssuer) -> None:
        text = issuer.access(USER, SESSION)
        assert issuer.read_access(text) == AccessClaims(USER, SESSION)

    def test_it_has_these_claims_and_no_role(self, issuer: JwtTokenIssuer) -> None:
        payload = AccessToken(issuer.access(USER, SESSION)).payload
        assert set(payload) == set(Forge.claims())
        assert payload["exp"] - payload["iat"] == issuer.access_lifetime_seconds == 900
        assert (payload["aud"], payload["iss"]) == ("mediaproject", "mediaproject")

    def test_the_forge_is_right_where_it_changes_nothing(
        self, issuer: JwtTokenIssuer
    ) -> None:
        assert issuer.read_access(Forge.token()) == AccessClaims(USER, SESSION)

    @pytest.mark.parametrize(
        "changed",
        [
            {"token_type": "refresh"},
            {"token_type": "sliding"},
            {"token_type": ...},
            {"aud": "elsewhere"},
            {"aud": ...},
            {"iss": "elsewhere"},
            {"iss": ...},
            {"exp": 1},
            {"exp": ...},
            {"exp": "soon"},
            {"exp": 10**30},
            {"exp": float("nan")},
            {"exp": float("inf")},
            {"exp": [1]},
            pytest.param({"iat": IN_AN_HOUR}, id="{'iat': in an hour}"),
            pytest.param({"nbf": IN_AN_HOUR}, id="{'nbf': in an hour}"),
            {"jti": ...},
            {"sub": ...},
            {"sub": "1"},
            {"sub": 7},
            {"sub": None},
            {"sub": "\x00"},
            {"sid": ...},
            {"sid": "1"},
            {"sid": 7},
            {"sid": {"a": 1}},
            {"key": "k" * 32},
            pytest.param({"key": settings.SECRET_KEY}, id="{'key': SECRET_KEY}"),
            {"headers": {"crit": ["exp"]}},
            {"headers": {"kid": "../../dev/null"}, "key": "\0" * 32},
            {"headers": {"jku": "http://127.0.0.1:1/keys"}, "key": "k" * 32},
            {"padding": "x" * 12_288},
        ],
        ids=str,
    )
    def test_odd_claims_are_refused(
        self, issuer: JwtTokenIssuer, changed: dict[str, Any]
    ) -> None:
        with pytest.raises(InvalidToken):
            issuer.read_access(Forge.token(**changed))

    @pytest.mark.filterwarnings("ignore::jwt.InsecureKeyLengthWarning")
    def test_another_algorithm_is_refused(self, issuer: JwtTokenIssuer) -> None:
        with pytest.raises(InvalidToken):
            issuer.read_access(Forge.token(algorithm="HS512"))

    @pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE"])
    @pytest.mark.parametrize("signature", ["", "A" * 43])
    def test_an_unsigned_token_is_refused(
        self, issuer: JwtTokenIssuer, name: str, signature: str
    ) -> None:
        header = Forge.segment(json.dumps({"alg": name, "typ": "JWT"}))
        payload = Forge.token().split(".")[1]
        with pytest.raises(InvalidToken):
            issuer.read_access(f"{header}.{payload}.{signature}")

    @pytest.mark.parametrize(
        "text",
        [
            "",
            " ",
            ".",
            "..",
            "...",
            "a.b.c",
            "\x00",
            "é.é.é",
            "\ud800",
            "null",
            "a" * 12_288,
            f"{'a' * 6_000}.{'b' * 6_000}.{'A' * 43}",
            f"{Forge.segment('[' * 700)}.e30.{'A' * 43}",
            f"{Forge.segment('7')}.e30.{'A' * 43}",
            f"{Forge.segment('{')}.e30.{'A' * 43}",
        ],
        ids=range(15),
    )
    def test_what_is_no_token_is_refused(
        self, issuer: JwtTokenIssuer, text: str
    ) -> None:
        with pytest.raises(InvalidToken):
            issuer.read_access(text)
        with pytest.raises(InvalidToken):
            issuer.read_refresh(text)

    def test_a_header_too_deep_for_the_parser_is_refused(
        self, issuer: JwtTokenIssuer
    ) -> None:
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(500)
        try:
            with pytest.raises(InvalidToken):
                issuer.read_access(f"{Forge.segment('[' * 700)}.e30.{'A' * 43}")
        finally:
            sys.setrecursionlimit(limit)

    def test_it_has_one_spelling_only(self, issuer: JwtTokenIssuer) -> None:
        text = issuer.access(USER, SESSION)
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        last = alphabet.index(text[-1])
        others = [text[:-1] + alphabet[last + bits] for bits in (1, 2, 3)]
        others += [f"{text}\n", f"{text}=", f" {text}", f"{text[:-9]}\x00{text[-9:]}"]
        for other in others:
            with pytest.raises(InvalidToken):
                issuer.read_access(other)


class TestJwtRefresh:
    def test_it_is_read_back(self, issuer: JwtTokenIssuer) -> None:
        made = issuer.refresh(SESSION)
        assert issuer.read_refresh(made.text) == made
        assert made.session_id == SESSION
        assert made.digest == sha256(made.text.encode()).hexdigest()
        assert made.expires_at > datetime.now(UTC) + timedelta(days=29)

    def test_two_of_one_session_and_second_differ(self, issuer: JwtTokenIssuer) -> None:
        assert issuer.refresh(SESSION).digest != issuer.refresh(SESSION).digest

    def test_it_names_no_user(self, issuer: JwtTokenIssuer) -> None:
        payload = RefreshToken(issuer.refresh(SESSION).text).payload
        assert set(payload) == set(Forge.claims(sub=...))

    def test_access_and_refresh_do_not_stand_in_for_each_other(
        self, issuer: JwtTokenIssuer
    ) -> None:
        with pytest.raises(InvalidToken):
            issuer.read_refresh(issuer.access(USER, SESSION))
        with pytest.raises(InvalidToken):
            issuer.read_access(issuer.refresh(SESSION).text)

    def test_a_sliding_token_is_neither(self, issuer: JwtTokenIssuer) -> None:
        sliding = SlidingToken()
        sliding["sub"], sliding["sid"] = str(USER), str(SESSION)
        for read in (issuer.read_access, issuer.read_refresh):
            with pytest.raises(InvalidToken):
                read(str(sliding))

    @pytest.mark.parametrize("sid", [..., "1", 7, None])
    def test_odd_sessions_are_refused(self, issuer: JwtTokenIssuer, sid: Any) -> None:
        with pytest.raises(InvalidToken):
            issuer.read_refresh(Forge.token(token_type="refresh", sid=sid))


class TestJwtSettings:
    _PROGRAM = """
import sys, django
django.setup()
from uuid import UUID
from ninja_jwt.settings import NinjaJWTSettings, api_settings
from django.conf import settings
from backend.adapters.jwt_token_issuer import JwtTokenIssuer
from backend.domain.errors import InvalidToken
unset = set(NinjaJWTSettings.model_fields) - set(settings.NINJA_JWT)
assert not unset, unset
fresh, expired, foreign = sys.argv[1:]
issuer = JwtTokenIssuer()
print(issuer.read_access(fresh).user_id)
for text in (expired, foreign):
    try:
        issuer.read_access(text)
    except InvalidToken:
        print("refused")
print(issuer.access_lifetime_seconds)
"""

    def test_the_environment_changes_nothing_of_them(self) -> None:
        key = "environment-key-0123456789abcdefghij"
        changed = {
            "ISSUER": "elsewhere",
            "AUDIENCE": "elsewhere",
            "ALGORITHM": "HS512",
            "SIGNING_KEY": key,
            "VERIFYING_KEY": key,
            "LEEWAY": "99999",
            "JWK_URL": "http://127.0.0.1:1/keys",
            "ACCESS_TOKEN_LIFETIME": "99999",
            "TOKEN_TYPE_CLAIM": "kind",
            "JTI_CLAIM": "id",
        }
        expired = Forge.token(exp=datetime.now(UTC) - timedelta(seconds=5))
        foreign = Forge.token(key, iss="elsewhere", aud="elsewhere")
        ended = subprocess.run(
            [sys.executable, "-c", self._PROGRAM, Forge.token(), expired, foreign],
            cwd=Path(__file__).resolve().parents[2],
            env=Uncovered.environment(**changed),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ended.stderr == ""
        assert ended.stdout.split() == [str(USER), "refused", "refused", "900"]

    def test_the_key_is_neither_short_nor_the_secret_of_django(self) -> None:
        assert len(settings.NINJA_JWT["SIGNING_KEY"].encode()) >= 32
        assert settings.NINJA_JWT["SIGNING_KEY"] != settings.SECRET_KEY

    def test_no_table_comes_with_the_library(self) -> None:
        labels = {model._meta.app_label for model in apps.get_models()}
        assert labels <= {"orm", "auth", "contenttypes", "sessions", "admin"}
