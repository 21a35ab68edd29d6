import sys
import threading
from pathlib import Path
from typing import TextIO


class Console:
    """Sentences for a person: one line each, and a line that changes in place on a terminal."""

    CLEAR = "\r\x1b[K"

    def __init__(self, stream: TextIO = sys.stdout) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._lock = threading.Lock()
        self._progress = ""

    def say(self, sentence: str) -> None:
        with self._lock:
            self._write(f"{self._clear()}{sentence}\n")
            self._progress = ""

    def progress(self, state: str) -> None:
        """Show a state; without a terminal it is a line whenever it has changed."""
        with self._lock:
            if state == self._progress:
                return
            self._write(
                f"{self._clear()}{state}" if self._is_terminal else f"{state}\n"
            )
            self._progress = state

    def _clear(self) -> str:
        return self.CLEAR if self._is_terminal and self._progress else ""

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            return  # The terminal has gone; what is under way still ends in order.


class LogFollower:
    """Copies what a process adds to its log to the console, each line with the process's name."""

    LOOK_SECONDS = 0.2

    def __init__(self, name: str, log: Path, console: Console) -> None:
        self._name = name
        self._log = log
        self._console = console
        self._position = log.stat().st_size if log.exists() else 0
        self._ending = threading.Event()
        self._thread = threading.Thread(
            target=self._follow, name=f"log-{name}", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join()

    def _follow(self) -> None:
        while not self._ending.wait(self.LOOK_SECONDS):
            self._copy()
        self._copy()

    def _copy(self) -> None:
        """Whole lines only; a log that was begun anew is read from its beginning."""
        if not self._log.exists():
            return
        if self._log.stat().st_size < self._position:
            self._position = 0
        with self._log.open("rb") as log:
            log.seek(self._position)
            whole, newline, _ = log.read().rpartition(b"\n")
        self._position += len(whole) + len(newline)
        for line in whole.splitlines():
            self._console.say(f"{self._name:>6} | {line.decode(errors='replace')}")
