"""What a terminal shows while an answer is on its way: a line of seconds, gone before anything else is printed, then its pieces."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

import click

#: seconds before it appears, and between two of its states
PATIENCE, BEAT = 2.0, 1.0
ERASE = "\r\x1b[K"


class Waiting:
    """A line of seconds on the terminal, by a thread of its own; `end` takes it away, and may be called more than once."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._start = perf_counter()
        self._shown = False
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Take the line away; nothing is written afterwards."""
        with self._lock:
            self._ended.set()
            if self._shown:
                self._write(ERASE)
                self._shown = False
        self._thread.join()

    def _run(self) -> None:
        pause = PATIENCE
        while not self._ended.wait(pause):
            pause = BEAT
            with self._lock:
                if not self._ended.is_set():
                    self._shown = True
                    self._write(f"{ERASE}{self._label} ({perf_counter() - self._start:.0f} s)")

    @staticmethod
    def _write(text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()


class Heard:
    """Prints the pieces of an answer as they come; `text` is all that was printed."""

    def __init__(self, line: Waiting | None) -> None:
        """`line` is ended before anything is printed."""
        self.text = ""
        self._line = line

    def __call__(self, piece: str) -> None:
        """Print a further piece."""
        if self._line and not self.text:
            self._line.end()
        self.text += piece
        click.echo(piece, nl=False)
        sys.stdout.flush()


@contextmanager
def busy(label: str) -> Iterator[Waiting | None]:
    """A line for as long as the context lasts, or until it is ended; None where there is no terminal to show it on."""
    line = Waiting(label) if sys.stderr.isatty() else None
    try:
        yield line
    finally:
        if line:
            line.end()
