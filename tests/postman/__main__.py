"""`make postman`."""

import sys

from backend.embedded.console import Console
from tests.client_system import ClientProgram, System
from tests.postman.newman import Newman


class Postman:
    @staticmethod
    def run(console: Console, system: System) -> int:
        return Newman(console, system).execute()


if __name__ == "__main__":
    sys.exit(ClientProgram("postman", Postman.run).execute())
