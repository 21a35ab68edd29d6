import pytest

from backend.domain.rights import BUILT_IN_ROLES
from backend.orm.models import Role

pytestmark = pytest.mark.usefixtures("clean_database")


class TestBuiltInRoles:
    def test_migrations_create_them_with_their_rights(self) -> None:
        stored = {role.name: set(role.rights) for role in Role.objects.all()}
        assert stored == {role.name: set(role.rights) for role in BUILT_IN_ROLES}
