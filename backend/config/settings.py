"""Django's settings: everything that may differ comes from `Environment`."""

import os
import sys
from datetime import timedelta
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from backend.config.environment import ConfigurationError, Environment
from backend.domain.accounts import PASSWORD_LEAST_CHARACTERS

try:
    ENVIRONMENT = Environment.load()
except ConfigurationError as error:
    # A wrong environment gives one sentence per variable, not a traceback. It
    # goes past the pipe that dramatiq puts in the place of stderr, and that loses what is
    # written last. The exit code says that a restart is useless.
    print(error, file=sys.__stderr__)
    raise SystemExit(os.EX_CONFIG) from None
BASE_DIR = Path(__file__).resolve().parents[2]

SECRET_KEY = ENVIRONMENT.secret_key.get_secret_value()
DEBUG = ENVIRONMENT.debug
ALLOWED_HOSTS = list(ENVIRONMENT.allowed_hosts)

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "backend.admin.apps.AdminPagesConfig",  # Its templates come before Django's.
    "django.contrib.admin.apps.SimpleAdminConfig",
    "ninja",
    "backend.orm",
    "backend.config",
]
# Of the admin site alone (`AdminPages`). The API needs none: what a middleware would do
# is done once, at the ASGI entry.
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
ROOT_URLCONF = "backend.config.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

_DATABASE = conninfo_to_dict(ENVIRONMENT.database_url.get_secret_value())
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _DATABASE.pop("dbname", "mediaproject"),
        "USER": _DATABASE.pop("user", ""),
        "PASSWORD": _DATABASE.pop("password", ""),
        "HOST": _DATABASE.pop("host", ""),
        "PORT": str(_DATABASE.pop("port", "")),
        # The threads of DatabaseThreads live as long as the process, and so do their
        # connections; each unit of work checks its connection first.
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            **_DATABASE,
            "connect_timeout": 3,
            # Only for statements that ask for it: the ORM's are not prepared at all.
            "prepare_threshold": 5,
            # Ends waits for a server that is up but does not answer.
            "tcp_user_timeout": 5_000,
            # The server gives up before its clients do: then nothing is unknown.
            "options": (
                "-c statement_timeout=3500 -c lock_timeout=3000 "
                "-c idle_in_transaction_session_timeout=10000"
            ),
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "orm.User"
AUTHENTICATION_BACKENDS = ["backend.admin.staff.StaffBackend"]
PASSWORD_HASHERS = ["backend.adapters.argon2.OwaspArgon2"]
_VALIDATION = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": f"{_VALIDATION}.MinimumLengthValidator",
        "OPTIONS": {"min_length": PASSWORD_LEAST_CHARACTERS},
    },
    {"NAME": f"{_VALIDATION}.CommonPasswordValidator"},
    {"NAME": f"{_VALIDATION}.NumericPasswordValidator"},
    {
        "NAME": f"{_VALIDATION}.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email",)},
    },
]

# The admin's; without a requested page a sign-in leads to its start.
LOGIN_REDIRECT_URL = "admin:index"
# `SecureAnswers` adds `Secure` where the request came by HTTPS.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SESSION_COOKIE_NAME = "admin_session"
SESSION_COOKIE_AGE = 8 * 3600
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = "/admin/"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Strict"
CSRF_COOKIE_NAME = "admin_csrf"
CSRF_COOKIE_HTTPONLY = True
# What `check --deploy` asks of middleware is done elsewhere, which
# tests/integration/test_admin_site.py proves.
SILENCED_SYSTEM_CHECKS = [
    # `RequestContext` sends nosniff, referrer policy and frame options with every answer,
    # not only with those that pass Django. TLS, its redirect and HSTS are the proxy's.
    "security.W001",
    "security.W002",
    # `SecureAnswers` makes both cookies `Secure` wherever the request came by HTTPS, so
    # that the admin can be tried on a machine without.
    "security.W012",
    "security.W016",
]

# Every option is set: what is left unset could be filled from the environment
# by ninja-jwt's own settings class, which reads names such as ISSUER or LEEWAY.
NINJA_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(seconds=ENVIRONMENT.access_token_seconds),
    "REFRESH_TOKEN_LIFETIME": timedelta(seconds=ENVIRONMENT.refresh_token_seconds),
    "ROTATE_REFRESH_TOKENS": False,
    "BLACKLIST_AFTER_ROTATION": False,
    "UPDATE_LAST_LOGIN": False,
    "ALGORITHM": "HS256",
    "SIGNING_KEY": ENVIRONMENT.jwt_signing_key.get_secret_value(),
    "VERIFYING_KEY": "",
    "AUDIENCE": "mediaproject",
    "ISSUER": "mediaproject",
    "JWK_URL": None,
    "LEEWAY": 0,
    "USER_ID_FIELD": "uuid",
    "USER_ID_CLAIM": "sub",
    "TOKEN_TYPE_CLAIM": "token_type",
    "JTI_CLAIM": "jti",
    "JSON_ENCODER": None,
    # Of parts that are not used.
    "USER_AUTHENTICATION_RULE": "ninja_jwt.authentication.default_user_authentication_rule",
    "TOKEN_USER_CLASS": "ninja_jwt.models.TokenUser",
    "AUTH_TOKEN_CLASSES": ["ninja_jwt.tokens.AccessToken"],
    "SLIDING_TOKEN_REFRESH_EXP_CLAIM": "refresh_exp",
    "SLIDING_TOKEN_LIFETIME": timedelta(seconds=1),
    "SLIDING_TOKEN_REFRESH_LIFETIME": timedelta(seconds=1),
    "TOKEN_OBTAIN_PAIR_INPUT_SCHEMA": "ninja_jwt.schema.TokenObtainPairInputSchema",
    "TOKEN_OBTAIN_PAIR_REFRESH_INPUT_SCHEMA": "ninja_jwt.schema.TokenRefreshInputSchema",
    "TOKEN_OBTAIN_SLIDING_INPUT_SCHEMA": "ninja_jwt.schema.TokenObtainSlidingInputSchema",
    "TOKEN_OBTAIN_SLIDING_REFRESH_INPUT_SCHEMA": "ninja_jwt.schema.TokenRefreshSlidingInputSchema",
    "TOKEN_BLACKLIST_INPUT_SCHEMA": "ninja_jwt.schema.TokenBlacklistInputSchema",
    "TOKEN_VERIFY_INPUT_SCHEMA": "ninja_jwt.schema.TokenVerifyInputSchema",
}

USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
DATETIME_FORMAT = "Y-m-d H:i:s"
STATIC_URL = "/static/"
# A JSON body, or a form of the admin site; multipart bodies are streamed and have limits
# of their own. The longest description takes 60 kB if each of its characters is escaped,
# and parsing blocks the event loop.
DATA_UPLOAD_MAX_MEMORY_SIZE = 128 * 1024
LOGGING_CONFIG = None
