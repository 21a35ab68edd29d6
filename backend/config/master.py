"""`python -m backend.config.master`: dramatiq's command line, with log lines like ours.

Its master has a form of its own for them, which no collector of JSON could read.
"""

import os
import sys

from dramatiq.cli import main

from backend.config.logs import Logs

if __name__ == "__main__":
    # The workers say what is wrong with the environment; this one needs no more of it.
    Logs("json" if os.environ.get("LOG_FORMAT") == "json" else "console").configure()
    sys.argv.append("--skip-logging")
    sys.exit(main())  # type: ignore[no-untyped-call]
