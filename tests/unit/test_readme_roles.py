"""The table of roles in the README says what `backend/domain/rights.py` says."""

import re
from pathlib import Path

from backend.domain.rights import BUILT_IN_ROLES

README = Path(__file__).resolve().parents[2] / "README.md"


class RolesTable:
    """The first table under the heading "Roles": rights in rows, roles in columns."""

    def __init__(self, text: str) -> None:
        section = text.partition("\n## Roles\n")[2].partition("\n## ")[0]
        rows = [
            [cell.strip() for cell in line.strip("|").split("|")]
            for line in section.splitlines()
            if line.startswith("|")
        ]
        self.roles = rows[0][1:]
        self._rows = rows[2:]

    def rights(self, role: str) -> list[str]:
        column = 1 + self.roles.index(role)
        return [
            right
            for row in self._rows
            if row[column] == "yes"
            for right in re.findall(r"`([^`]+)`", row[0])
        ]


class TestReadmeRoles:
    def test_every_role_has_its_rights_there(self) -> None:
        table = RolesTable(README.read_text())
        written = {role: sorted(table.rights(role)) for role in table.roles}
        assert written == {role.name: sorted(role.rights) for role in BUILT_IN_ROLES}
