import subprocess
import sys

import pytest


class TestLightImports:
    """The API process builds the adapters and must not load what it does not need."""

    @pytest.mark.parametrize(
        ("module", "heavy"),
        [
            ("backend.adapters.s3_object_storage", ("boto3", "botocore")),
            ("backend.adapters.cdn_addresses", ("boto3", "botocore")),
            ("backend.adapters.media_info_extractor", ("pymediainfo", "PIL", "av")),
            ("backend.adapters.pyav_picture_maker", ("pymediainfo", "PIL", "av")),
        ],
    )
    def test_an_adapter_loads_nothing_heavy(
        self, module: str, heavy: tuple[str, ...]
    ) -> None:
        program = (
            f"import sys, {module}; print(sorted(set({heavy}) & set(sys.modules)))"
        )
        said = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        )
        assert said.stdout.strip() == "[]"

    def test_an_address_is_signed_without_boto3(self) -> None:
        program = (
            "import sys; from backend.adapters.cdn_addresses import SignedCdnAddresses;"
            "print(SignedCdnAddresses('http://s3', 'b', 'r', 'k', 's').address('a/b.c'));"
            "print('boto3' in sys.modules or 'botocore.client' in sys.modules)"
        )
        said = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        )
        address, loaded = said.stdout.split()
        assert address.startswith("http://s3/b/a/b.c?X-Amz-Algorithm=AWS4-HMAC-SHA256")
        assert loaded == "False"

    def test_an_object_is_asked_for_without_boto3(self) -> None:
        program = (
            "import sys; from backend.adapters.s3_object_probe import S3ObjectProbe;"
            "from backend.adapters.s3_connection import S3Settings;"
            "from backend.adapters.stoppable_threads import StoppableThreads;"
            "settings = S3Settings('http://s3', 'b', 'r', 'k', 's');"
            "S3ObjectProbe(settings, StoppableThreads('s3', 1))._signed('/a');"
            "print('boto3' in sys.modules or 'botocore.client' in sys.modules)"
        )
        said = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        )
        assert said.stdout.strip() == "False"

    def test_settings_and_repositories_open_no_connection(self) -> None:
        program = (
            "import threading;"
            "from backend.odm.connection import MongoConnection, MongoSettings;"
            "from backend.odm.metadata_repository import MongoMetadataStore;"
            "MongoMetadataStore(MongoConnection(MongoSettings('mongodb://nowhere/x')));"
            "print(threading.active_count())"
        )
        said = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        )
        assert said.stdout.strip() == "1"
