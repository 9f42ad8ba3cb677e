"""Code in the documents that is meant to be run: fences marked `run`, like ```sh run."""

import re
from dataclasses import dataclass

_FENCE = re.compile(r"^```(\w+) run([^\n]*)\n(.*?)^```$", re.M | re.S)


@dataclass
class Sample:
    document: str
    number: int
    language: str
    argument: str  # what stands behind `run`, for example a file name
    text: str

    def __str__(self):
        return f"{self.document}:{self.number}"


def samples(path, root):
    """The runnable samples of one document, in order."""
    name = str(path.relative_to(root))
    return [Sample(name, number, language, argument.strip(), text)
            for number, (language, argument, text) in enumerate(_FENCE.findall(path.read_text()), 1)]
