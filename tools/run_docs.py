"""Run the examples of a page of the docs, top to bottom in one folder, and compare what they print with what the page says.

| block | what happens |
|---|---|
| ``python`` | executed; all blocks of a page share their names. A ``text`` block right below is what it prints |
| ``console`` | lines after ``$ `` are commands; what stands below one is what it prints to stdout |
| any with ``file=NAME`` | written to that file |
| any with ``needs=NAME`` | skipped where that file is not in the folder |

Other blocks are left alone. ``overflight`` by itself runs in this process, anything else in bash. A command without output in the page
may print what it likes. In outputs ``[…]`` stands for anything; words must be the same, and numbers with decimals to 1 %: processors
differ in the last bits. ``python -m tools.run_docs PAGE… [elements=FILE] --write`` takes over what they print now, where no ``[…]`` stands.
"""

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

RELATIVE_TOLERANCE = 0.01
ANYTHING = "[…]"

_FENCE = re.compile(r"^(`{3,})([^`\n]*)\n(.*?)^\1[ \t]*$", re.DOTALL | re.MULTILINE)
_TOKEN = re.compile(r"\[…\]|[-+−]?\d[\d,]*\.\d+|\d+|[^\W\d]+|[^\s\w]", re.UNICODE)
_SHELL_SIGNS = set("|<>$`;&*~\\")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a page: its language, its options, its text, and where that stands."""

    language: str
    options: dict[str, str]
    text: str
    line: int
    follows: bool
    """Whether nothing but blank space separates it from the block before."""


def find_blocks(page: str) -> list[Block]:
    """List the fenced blocks of a page of Markdown."""
    blocks: list[Block] = []
    end = 0
    for fence in _FENCE.finditer(page):
        language, *words = fence[2].split() or [""]
        options = dict(word.split("=", 1) for word in words if "=" in word)
        line = page.count("\n", 0, fence.start()) + 1
        blocks.append(Block(language, options, fence[3], line, bool(blocks) and not page[end : fence.start()].strip()))
        end = fence.end()
    return blocks


def run_page(path: Path, folder: Path, *, write: bool = False) -> list[str]:
    """Run a page's examples in a folder and list what does not hold; `write` puts what they print into the page instead."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    problems, changes = [], []
    with contextlib.chdir(folder):
        for output in _run_blocks(find_blocks("".join(lines)), str(path)):
            where = f"{path.name}:{output.line}: '{output.of}'"
            if output.code:
                problems.append(f"{where}: exit code {output.code}: {output.told}")
            elif output.expected and not agrees(output.expected, output.printed):
                if write and ANYTHING not in output.expected:
                    changes.append(output)
                else:
                    problems.append(f"{where}: the page says\n{output.expected}\nbut it prints\n{output.printed}")
    for output in reversed(changes):
        lines[output.line - 1 : output.line - 1 + output.expected.count("\n")] = [output.printed.rstrip() + "\n"]
    if changes:
        path.write_text("".join(lines), encoding="utf-8")
    return problems


@dataclass(frozen=True, slots=True)
class _Output:
    """What an example printed, and what the page says from a line on that it prints (empty: anything)."""

    of: str
    line: int
    expected: str
    printed: str
    told: str = ""
    code: int = 0


def _run_blocks(blocks: list[Block], source: str) -> Iterator[_Output]:
    names: dict[str, Any] = {"__name__": "example"}
    for number, block in enumerate(blocks):
        if "needs" in block.options and not Path(block.options["needs"]).exists():
            continue
        if "file" in block.options:
            Path(block.options["file"]).write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            code = compile("\n" * block.line + block.text, source, "exec")
            printed, _ = _capture(partial(exec, code, names))
            below = blocks[number + 1] if number + 1 < len(blocks) else block
            said = below.text if below.language == "text" and below.follows else ""
            yield _Output("python", below.line + 1, said, printed)
        elif block.language == "console":
            for line, command, said in _commands(block):
                printed, told, exit_code = _run_command(command)
                yield _Output(command, line, said, printed, told, exit_code)


def agrees(expected: str, output: str) -> bool:
    """Whether an output is the one expected: the same words, the same numbers but for their last figures, anything for ``[…]``."""
    wanted, found = _TOKEN.findall(expected), _TOKEN.findall(output)
    row = column = 0
    wildcard, resume = -1, 0
    while column < len(found):
        if row < len(wanted) and wanted[row] == ANYTHING:
            wildcard, resume = row, column
            row += 1
        elif row < len(wanted) and _same(wanted[row], found[column]):
            row, column = row + 1, column + 1
        elif wildcard >= 0:
            resume += 1
            row, column = wildcard + 1, resume
        else:
            return False
    return all(token == ANYTHING for token in wanted[row:])


def _same(wanted: str, found: str) -> bool:
    if wanted == found:
        return True
    if "." not in wanted or "." not in found:
        return False
    with contextlib.suppress(ValueError):
        a, b = (float(token.replace(",", "").replace("−", "-")) for token in (wanted, found))
        return abs(a - b) <= RELATIVE_TOLERANCE * max(abs(a), abs(b))
    return False


def _commands(block: Block) -> Iterator[tuple[int, str, str]]:
    """Commands of a console block: the line of the output, the command, the output."""
    parts = re.split(r"^(?=\$ )", block.text, flags=re.MULTILINE)
    line = block.line + 1 + parts[0].count("\n")
    for part in parts[1:]:
        found = re.match(r"\$ ((?:[^\n]*\\\n)*[^\n]*)\n", part)
        assert found is not None
        yield line + found[0].count("\n"), found[1].replace("\\\n", " "), part[found.end() :]
        line += part.count("\n")


def _run_command(command: str) -> tuple[str, str, int]:
    """What a command prints to stdout and stderr, and its exit code."""
    words = shlex.split(command)
    if words[0] == "overflight" and not _SHELL_SIGNS & set(command):
        from overflight.cli import main

        code = 0

        def call() -> None:
            nonlocal code
            try:
                main(words[1:])
            except SystemExit as stop:
                code = int(stop.code or 0)

        return *_capture(call), code
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, env=environment)
    return done.stdout, done.stderr, done.returncode


def _capture(work: Callable[[], None]) -> tuple[str, str]:
    """What a piece of work writes to stdout and to stderr."""
    stdout, stderr = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        work()
    for stream in (stdout, stderr):
        stream.seek(0)
    return stdout.read(), stderr.read()


def main(arguments: list[str]) -> int:
    """Run pages from the command line; ``elements=FILE`` gives them that file as ``starlink.tle``."""
    problems = []
    elements = [Path(argument.removeprefix("elements=")).resolve() for argument in arguments if argument.startswith("elements=")]
    for page in (Path(argument).resolve() for argument in arguments if argument.endswith(".md")):
        with tempfile.TemporaryDirectory() as folder:
            for file in elements:
                (Path(folder) / "starlink.tle").symlink_to(file)
            problems += run_page(page, Path(folder), write="--write" in arguments)
    print("\n".join(problems) or "the examples hold")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
