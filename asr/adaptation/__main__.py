"""``python -m asr.adaptation MODEL HOME FOLDER``: prints the adapted model's folder, or ends with 1 and the reason.

A process of its own gives back what the work needs, most of a gigabyte for some seconds.
"""

from __future__ import annotations

import sys
from pathlib import Path

from asr.adaptation.graph import GraphError
from asr.adaptation.model import adapted
from asr.lexicon import Lexicon, LexiconError


def main() -> int:
    model, home, folder = map(Path, sys.argv[1:])
    try:
        print(adapted(model, Lexicon.of_home(home), folder))
    except (GraphError, LexiconError, OSError, MemoryError) as error:
        print(str(error) or type(error).__name__, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
