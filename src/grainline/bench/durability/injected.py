"""Running a change of a library in a process of its own under strace, which ends it, or lets a call fail, at one chosen system call.

Processes are forked from a server that has everything imported, so that a run costs little more than the change itself.
"""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from grainline.errors import StorageError
from grainline.store.database import FILE_NAME, MENDED_NAME

#: system calls that change what is on the disk, and those that make it last; "?" for those that a machine may not have
WRITES = ("write", "pwrite64", "writev", "pwritev", "?pwritev2", "ftruncate", "?fallocate")
SYNCS = ("fsync", "fdatasync", "?sync_file_range")
NAMES = ("?rename", "renameat", "renameat2", "?unlink", "unlinkat", "?link", "linkat", "?mkdir", "mkdirat", "?rmdir")
ENDINGS = ("", "-journal", "-wal", "-shm")
WAIT_SECONDS = 60.0
#: lets any process of the same user look on (prctl(2)); where that is not needed, it is not allowed either
PR_SET_PTRACER, ANY = 0x59616D61, 2**64 - 1


@dataclass(frozen=True)
class Ending:
    """How a run ended: `said` is what it reported when it was done, "" if it did not get there; `printed` is what it wrote."""

    said: str
    printed: str


def is_available() -> bool:
    """Whether there is an strace that can follow a process here."""
    if not shutil.which("strace") or "forkserver" not in multiprocessing.get_all_start_methods():
        return False
    return subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False).returncode == 0


def watched(folder: Path) -> list[Path]:
    """The paths below and of a library's folder that a change may touch; strace wants them one by one."""
    work = folder / f"{FILE_NAME}.mending"
    names = [f"{name}{end}" for name in (FILE_NAME, f"{FILE_NAME}.new", f"{FILE_NAME}.damaged-1") for end in ENDINGS]
    below = [f"{name}{end}" for name in (FILE_NAME, f"{FILE_NAME}.new") for end in ENDINGS]
    return [folder, folder / MENDED_NAME, *(folder / name for name in names), work, *(work / name for name in below)]


class Runner:
    """Runs commands of the command line, given as lists of arguments, in forked processes."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([__name__, "grainline.cli", "grainline.ingest", "grainline.doctor", "numpy"])

    def calls(self, folder: Path, arguments: list[str], among: tuple[str, ...]) -> Counter[str]:
        """How often a command makes each of these system calls on files of the library."""
        log = self._scratch / "calls"
        self.run(folder, arguments, ["-e", f"trace={','.join(among)}", "-o", str(log)])
        lines = log.read_text("utf-8", "replace").splitlines()
        return Counter(line.split("(")[0].split()[-1] for line in lines if "(" in line and " = " in line)

    def run(self, folder: Path, arguments: list[str], options: list[str]) -> Ending:
        """Run a command with strace looking on, with these options; raises `StorageError` if it does not end."""
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=serve, args=(theirs, arguments), daemon=True)
        process.start()
        theirs.close()
        paths = [option for path in watched(folder) for option in ("-P", str(path))]
        command = ["strace", "-f", "-q", "-p", str(process.pid), *paths, *options]
        tracer = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            ours.recv()  # it lets itself be traced now
            _until(lambda: tracer.poll() is not None or _tracer_of(process.pid) == tracer.pid)
            ours.send("go")
            return self._ending(ours)
        finally:
            process.kill()
            process.join(WAIT_SECONDS)
            tracer.wait(WAIT_SECONDS)
            ours.close()

    def _ending(self, pipe: Connection) -> Ending:
        try:
            if not pipe.poll(WAIT_SECONDS):
                raise StorageError("a command under strace does not end")
            said, printed = pipe.recv()
        except (EOFError, ConnectionResetError):
            return Ending("", "")
        return Ending(said, printed)


def serve(pipe: Connection, arguments: list[str]) -> None:
    """The forked process: wait until strace looks on, run the command, tell how it ended."""
    _let_trace()
    pipe.send("ready")
    pipe.recv()
    sys.argv = ["grainline", *arguments]
    (command,) = entry_points(group="console_scripts", name="grainline")
    run = command.load()
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            run()
            said = "exit 0"
        except SystemExit as ending:
            said = f"exit {ending.code or 0}"
        except Exception as error:  # a traceback, were it not caught here: that is what is looked for
            said = f"traceback: {type(error).__name__}: {error}"
    pipe.send((said, printed.getvalue()))


def _let_trace() -> None:
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PTRACER, ctypes.c_ulong(ANY), 0, 0, 0)


def _tracer_of(process: int | None) -> int:
    try:
        status = Path(f"/proc/{process}/status").read_text("ascii", "replace")
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("TracerPid:")), 0)


def _until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + WAIT_SECONDS
    while not condition():
        if time.monotonic() > end:
            raise StorageError("strace does not get hold of a process")
        time.sleep(0.001)


def points(calls: Counter[str]) -> Iterator[tuple[str, int]]:
    """(system call, how many-th) for every call counted."""
    for name, number in sorted(calls.items()):
        for place in range(1, number + 1):
            yield name, place
