"""Fill README with what its commands print and with the tables of results/.

    python -m grainline.bench.readme README.md

Each `$ grainline ...` line of the first console block is run in a folder that holds a copy of docs/, and what it prints is put
below it; the first text block gets what the first python block prints; between the two marks of a results file stands its table.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

MARKED = re.compile(r"(<!-- (results/[\w.]+) -->).*?(<!-- end -->)", re.S)


def block(kind: str) -> re.Pattern[str]:
    """The fenced blocks of a kind."""
    return re.compile(rf"(```{kind}\n)(.*?)(```)", re.S)


def printed(words: list[str], folder: Path) -> str:
    """What a command of ours prints on standard output; raises `CalledProcessError` if it fails."""
    done = subprocess.run([sys.executable, *words], cwd=folder, capture_output=True, encoding="utf-8", check=True)
    return done.stdout.rstrip() + "\n"


def filled(readme: str, root: Path) -> str:
    """The text of README with its blocks and tables brought up to date."""
    run = ["-c", "from grainline.cli import run; run()"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(root / "docs", folder / "docs")
        commands = re.findall(r"^\$ grainline (.*)$", block("console").search(readme)[2], re.M)  # type: ignore[index]
        shown = "\n".join(f"$ grainline {command}\n{printed([*run, *shlex.split(command)], folder)}" for command in commands)
        readme = block("console").sub(lambda match: match[1] + shown + match[3], readme, count=1)
        code = block("python").search(readme)[2]  # type: ignore[index]
        output = printed(["-c", code], folder)
        readme = block("text").sub(lambda match: match[1] + output + match[3], readme, count=1)
    return MARKED.sub(lambda match: f"{match[1]}\n{(root / match[2]).read_text(encoding='utf-8').strip()}\n{match[3]}", readme)


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(filled(path.read_text(encoding="utf-8"), path.resolve().parent), encoding="utf-8")
