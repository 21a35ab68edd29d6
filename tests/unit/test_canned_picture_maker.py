import pytest

from tests.contract.picture_maker_contract import PictureMakerContract
from tests.fakes.picture_maker import CannedPictureMaker


class TestCannedPictureMaker(PictureMakerContract):
    @pytest.fixture
    def maker(self) -> CannedPictureMaker:
        return CannedPictureMaker()
