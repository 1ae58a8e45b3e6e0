"""The process that is killed: adds files in many small commits and prints, as JSON lines, what is safe by then."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import grainline
from grainline.ingest import Options


def main(folder: str, sources: str, characters: str) -> None:
    """Add `sources` to the library in `folder`, committing after so many characters.

    Prints `{}` when it begins, and `{"sequence", "files", "documents"}` whenever a further commit is done.
    """
    with grainline.open(folder) as library:
        last = 0

        def tell(*_: object) -> None:
            """Print what is committed, if that is more than before."""
            nonlocal last
            with library.snapshot() as snapshot:
                held = snapshot.manifest
            if held.sequence > last:
                last = held.sequence
                print(json.dumps({"sequence": held.sequence, "files": held.files, "documents": held.documents}), flush=True)

        print("{}", flush=True)
        library.add([Path(sources)], Options(commit_characters=int(characters)), tell)
        tell()


if __name__ == "__main__":
    main(*sys.argv[1:])
