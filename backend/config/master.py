"""`python -m backend.config.master`: dramatiq's command line, with log lines like ours.

Its master has its own log format, which JSON collectors cannot read.
"""

import os
import sys

from dramatiq.cli import main

from backend.config.logs import Logs

if __name__ == "__main__":
    # The workers report what is wrong with the environment; the master need not.
    Logs("json" if os.environ.get("LOG_FORMAT") == "json" else "console").configure()
    sys.argv.append("--skip-logging")
    sys.exit(main())  # type: ignore[no-untyped-call]
