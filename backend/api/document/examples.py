"""One example of every body that is sent or answered, by the name of its schema.

Together they tell one story: an operator sends `my-holiday.mp4` and looks after it.
"""

from typing import Any

from backend.api.document.problem_example import EXAMPLE_NAME, EXAMPLE_UUID

_MEDIA_UUID = str(EXAMPLE_UUID)
_USER_UUID = "5d0a1f0e-6f3c-4d53-8a52-2f6a6f0f8f11"
_SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_ORIGIN = "http://127.0.0.1:8333/media"
_VIDEO_URL = f"{_ORIGIN}/videos/7c9e6679-7425-40de-944b-e07fc1f90ae7.mp4"
_MINIATURE_URL = f"{_ORIGIN}/miniatures/16fd2706-8baf-433b-82eb-8c7fada847da.jpg"
# Long enough to look like tokens, but not real ones.
_ACCESS = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ1c2VyIjoiLi4uIn0.c2lnbmF0dXJl"
_REFRESH = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJmYW1pbHkiOiIuLi4ifQ.c2lnbmF0dXJl"

_CREDENTIALS = {"email": "ada@example.org", "password": "a long pass phrase"}
_TOKENS = {
    "access": _ACCESS,
    "refresh": _REFRESH,
    "token_type": "Bearer",
    "expires_in": 900,
}
_USER = {
    "uuid": _USER_UUID,
    "email": "ada@example.org",
    "role": "viewer",
    "rights": ["job.read", "media.read"],
    "is_active": True,
    "created_at": "2026-07-01T09:30:00.000000Z",
}
_SUMMARY = {
    "uuid": _MEDIA_UUID,
    "title": "My holiday",
    "status": "ready",
    "owner": _USER_UUID,
    "size": 509868,
    "media_type": "video/mp4",
    "duration": 10.0,
    "miniature_url": _MINIATURE_URL,
    "created_at": "2026-07-01T09:31:00.000000Z",
    "updated_at": "2026-07-01T09:31:04.250000Z",
}
_MEDIA: dict[str, Any] = {
    **_SUMMARY,
    "description": "Two weeks at the sea",
    "sha256": _SHA256,
    "file_name": "my-holiday.mp4",
    "revision": 3,
    "urls": {"video": _VIDEO_URL, "miniature": _MINIATURE_URL},
    "technical": {
        "container": "MPEG-4",
        "duration": 10.0,
        "bit_rate": 407000,
        "video": {"codec": "AVC", "width": 640, "height": 272, "frame_rate": 25.0},
        "audio": {"codec": "AAC", "channels": 2, "sample_rate": 48000},
    },
    "jobs": {
        "upload_to_cdn": "succeeded",
        "extract_metadata": "succeeded",
        "make_miniature": "succeeded",
    },
    "failure": None,
}
_NEW_MEDIA = {
    **_MEDIA,
    "status": "pending",
    "revision": 1,
    "duration": None,
    "miniature_url": None,
    "urls": {"video": None, "miniature": None},
    "technical": None,
    "jobs": {
        "upload_to_cdn": "queued",
        "extract_metadata": "queued",
        "make_miniature": "queued",
    },
    "updated_at": "2026-07-01T09:31:00.000000Z",
    "deduplicated": False,
    "healed": False,
}
# The two ways in which an upload finds an existing media, by name.
FOUND_MEDIA: dict[str, Any] = {
    "duplicate": {
        "summary": "What was stored is there",
        "value": {**_MEDIA, "deduplicated": True, "healed": False},
    },
    "healed": {
        "summary": "What was stored was gone: it is stored again",
        "value": {
            **_MEDIA,
            "status": "processing",
            "revision": 4,
            "jobs": {**_MEDIA["jobs"], "upload_to_cdn": "queued"},
            "deduplicated": True,
            "healed": True,
        },
    },
}
_JOB = {
    "uuid": "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
    "kind": "extract_metadata",
    "status": "succeeded",
    "progress": 100,
    "queued_at": "2026-07-01T09:31:00.000000Z",
    "run_after": None,
    "started_at": "2026-07-01T09:31:01.000000Z",
    "finished_at": "2026-07-01T09:31:02.500000Z",
    "failure": None,
    "attempts": [
        {
            "number": 1,
            "worker": "worker-1:4711",
            "started_at": "2026-07-01T09:31:01.000000Z",
            "ended_at": "2026-07-01T09:31:02.500000Z",
            "outcome": "succeeded",
            "code": None,
            "message": None,
        }
    ],
}
_ROLE = {
    "name": EXAMPLE_NAME,
    "built_in": False,
    "rights": ["job.read", "media.read", "media.update_any"],
}
_PAGE_END = {"next": None, "total": 1, "total_is_exact": True}

EXAMPLES: dict[str, Any] = {
    "PingOut": {"message": "pong"},
    "VersionOut": {"version": "0.1.0"},
    "HealthOut": {"status": "ok"},
    "ReadyOut": {
        "status": "degraded",
        "checks": {
            "postgres": "ok",
            "mongo": "ok",
            "redis": "away",
            "s3": "ok",
            "staging": "ok",
        },
        "oldest_queued_seconds": None,
        "last_worker_heartbeat": "2026-07-01T09:30:00Z",
    },
    "SignUpIn": {**_CREDENTIALS, "email": "ann@example.com"},
    "SignInIn": _CREDENTIALS,
    "RefreshIn": {"refresh": _REFRESH},
    "SignOutIn": {"refresh": _REFRESH},
    "TokensOut": _TOKENS,
    "UserOut": _USER,
    "MediaOut": _MEDIA,
    "IngestedMediaOut": _NEW_MEDIA,
    "MediaPageOut": {"items": [_SUMMARY], **_PAGE_END},
    "MetadataOut": {
        "media": _MEDIA_UUID,
        "sha256": _SHA256,
        "extractor": "MediaInfoLib",
        "extractor_version": "24.12",
        "extracted_at": "2026-07-01T09:31:02.400000Z",
        "tracks": [
            {"type": "General", "format": "MPEG-4", "duration": 10000},
            {"type": "Video", "format": "AVC", "width": 640, "height": 272},
            {"type": "Audio", "format": "AAC", "channel_s": 2},
        ],
        "truncated": False,
    },
    "JobIn": {"kind": "extract_metadata"},
    "JobOut": _JOB,
    "JobListOut": {"items": [_JOB]},
    "PasswordIn": {
        "old": "a long pass phrase",
        "new": "another, even longer pass phrase",
    },
    "MediaPatchIn": {"title": "Our holiday"},
    "UserIn": {**_CREDENTIALS, "role": "media_operator"},
    "UserPatchIn": {"role": "media_operator"},
    "UserPageOut": {"items": [_USER], **_PAGE_END},
    "RoleIn": {"name": EXAMPLE_NAME, "rights": _ROLE["rights"]},
    "RolePatchIn": {"rights": ["job.read", "media.read"]},
    "RoleOut": _ROLE,
    "RoleListOut": {"items": [_ROLE]},
    "ConsistencyOut": {
        "started_at": "2026-07-01T09:40:00.000000Z",
        "finished_at": "2026-07-01T09:40:01.250000Z",
        "findings": [
            {
                "kind": "object_missing",
                "store": "object_store",
                "key": "videos/7c9e6679-7425-40de-944b-e07fc1f90ae7.mp4",
                "media": _MEDIA_UUID,
                "action": "store it again from its staged file",
                "applied": True,
            }
        ],
    },
}
