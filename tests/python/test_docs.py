"""The code blocks of the README and of the language's manual.

Blocks marked `python` of one file run one after another in one namespace. In a block, a line after
`>>> ` lines must be what they print; a block without prompts only has to run.
"""

import doctest
import pathlib
import re

import numfuse as nf
import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.mark.parametrize("file", ["README.md", "grammar/README.md"])
def test_code_blocks(file):
    text = (ROOT / file).read_text()
    blocks = list(BLOCK.finditer(text))
    assert blocks, f"{file} has no code blocks"
    namespace = {"np": np, "nf": nf, "__name__": "__main__"}
    failures = []
    for block in blocks:
        line = text.count("\n", 0, block.start(1))
        source = block.group(1)
        if ">>>" in source:
            parser = doctest.DocTestParser()
            test = parser.get_doctest(source, namespace, file, file, line)
            runner = doctest.DocTestRunner(optionflags=FLAGS)
            runner.run(test, out=failures.append, clear_globs=False)
            namespace.update(test.globs)
        else:
            exec(compile("\n" * line + source, str(ROOT / file), "exec"), namespace)
    assert not failures, "".join(failures)
