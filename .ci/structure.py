"""What holds of every room of the house: small functions, small files, no private names of others.

- A function has at most 40 lines, its docstring not counted.
- A file has at most 400 lines of code: docstrings, comments and blank lines are not counted.
- No module imports a module or a name with a leading underscore from another package or module.

Prints what breaks a rule and ends with 1 if anything does. Run it from the root of the project.
"""

from __future__ import annotations

import ast
import re
import sys
import tokenize
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_FUNCTION_LINES, MOST_FILE_LINES = 40, 400
FOLDERS = ("python", "src", "cpp", "tests", "benchmarks", ".ci")
PYTHON, CPP = {".py"}, {".cpp", ".hpp", ".cu", ".h"}

# Functions that may be longer, each with the reason; fewer than ten.
LONG_FUNCTIONS: dict[str, str] = {}

_Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Offence:
    """Where a rule is broken, and how."""

    path: Path
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"


def main() -> int:
    """Check all files; return the exit status."""
    offences = [offence for path in sources() for offence in check(path)]
    if len(LONG_FUNCTIONS) >= 10:
        offences.append(Offence(Path(__file__), 1, "ten or more functions are excepted"))
    for offence in offences:
        sys.stdout.write(f"{offence}\n")
    return 1 if offences else 0


def sources() -> list[Path]:
    """Return the files that the rules are about."""
    found = [path for folder in FOLDERS for path in Path(folder).rglob("*")]
    return sorted(path for path in found if path.suffix in PYTHON | CPP and path.is_file())


def check(path: Path) -> Iterator[Offence]:
    """Yield what breaks a rule in a file."""
    text = path.read_text(encoding="utf-8")
    file = PythonFile(path, text) if path.suffix in PYTHON else CppFile(text)
    if len(file.code) > MOST_FILE_LINES:
        yield Offence(path, 1, f"{len(file.code)} lines of code, more than {MOST_FILE_LINES}")
    for name, line, length in file.functions():
        if length > MOST_FUNCTION_LINES and f"{path}:{name}" not in LONG_FUNCTIONS:
            yield Offence(path, line, f"{name} has {length} lines, more than {MOST_FUNCTION_LINES}")
    for line, what in file.private_imports():
        yield Offence(path, line, what)


class PythonFile:
    """Python code, as its own parser sees it."""

    def __init__(self, path: Path, text: str) -> None:
        self.path, self.tree = path, ast.parse(text)
        documents: set[int] = set()
        for node in ast.walk(self.tree):
            documents.update(docstring_lines(node))
        with path.open("rb") as file:
            tokens = [t for t in tokenize.tokenize(file.readline) if t.type not in _NO_CODE]
        lines = {n for t in tokens for n in range(t.start[0], t.end[0] + 1)}
        self.code = lines - documents

    def functions(self) -> Iterator[tuple[str, int, int]]:
        """Yield name, first line and length of each function."""
        for node in ast.walk(self.tree):
            if isinstance(node, _Function):
                length = (node.end_lineno or 0) - node.lineno + 1 - len(docstring_lines(node))
                yield node.name, node.lineno, length

    def private_imports(self) -> Iterator[tuple[int, str]]:
        """Yield where private names of other modules are used."""
        package = ".".join(self.path.parent.parts[1:])
        modules: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom):
                modules.update(alias.asname or alias.name for alias in node.names)
                yield from self._private(node, package)
            elif isinstance(node, ast.Import):
                modules.update((alias.asname or alias.name).split(".")[0] for alias in node.names)
                for name in (alias.name for alias in node.names):
                    yield from self._elsewhere(node.lineno, name, package)
        for node in ast.walk(self.tree):
            match node:
                case ast.Attribute(value=ast.Name(id=owner), attr=name) if owner in modules:
                    if is_private(name):
                        yield node.lineno, f"uses {owner}.{name} of another module"

    def _private(self, node: ast.ImportFrom, package: str) -> Iterator[tuple[int, str]]:
        owner = node.module or ""
        yield from self._elsewhere(node.lineno, owner, package)
        if owner != package:  # otherwise the names are modules of its own package
            for alias in filter(lambda alias: is_private(alias.name), node.names):
                yield node.lineno, f"imports {alias.name} from {owner}"

    @staticmethod
    def _elsewhere(line: int, module: str, package: str) -> Iterator[tuple[int, str]]:
        if any(map(is_private, module.split("."))) and module.rpartition(".")[0] != package:
            yield line, f"imports {module} of another package"


_NO_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
_NO_CODE |= {tokenize.ENCODING, tokenize.ENDMARKER}


def docstring_lines(node: ast.AST) -> range:
    """Return the lines of a docstring."""
    if isinstance(node, ast.Module | ast.ClassDef | _Function):
        match node.body:
            case [ast.Expr(value=ast.Constant(value=str())) as first, *_]:
                return range(first.lineno, (first.end_lineno or first.lineno) + 1)
    return range(0)


def is_private(name: str) -> bool:
    """Whether a name is for its own module only; the compiled core has a rule of its own."""
    return name.startswith("_") and not name.startswith("__") and name != "_core"


class CppFile:
    """C++ and CUDA code, by its braces."""

    def __init__(self, text: str) -> None:
        self.text = _SILENT.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
        # Lines of macros may hold braces that do not match.
        self.text = _DIRECTIVE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), self.text)
        without_comments = _COMMENT.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
        self.code = {n for n, line in enumerate(without_comments.split("\n")) if line.strip()}

    def functions(self) -> Iterator[tuple[str, int, int]]:
        """Yield name, first line and length of each function outside of functions."""
        start, inner = 0, 0  # of the statement; braces within the function that is being read
        header = None
        for found in re.finditer(r"[{};]", self.text):
            at, mark = found.start(), found[0]
            if header is not None:
                inner += {"{": 1, "}": -1, ";": 0}[mark]
                if inner == 0:
                    first = self.text.count("\n", 0, header[1]) + 1
                    yield header[0], first, self.text.count("\n", header[1], at) + 1
                    header = None
            elif mark == "{" and (name := function_name(self.text[start:at])):
                header, inner = (name, at - len(self.text[start:at].lstrip())), 1
            start = at + 1

    def private_imports(self) -> Iterator[tuple[int, str]]:
        """Yield nothing: the areas of the core say what they include elsewhere."""
        yield from ()


_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_SILENT = re.compile(
    r"""//[^\n]*|/\*.*?\*/|R"\((?:.*?)\)"|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+'""", re.DOTALL
)
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)


def function_name(header: str) -> str | None:
    """Return the name of the function whose body follows, None if what follows is none."""
    header = re.sub(r"^\s*(?:(?:public|private|protected)\s*:\s*)+", "", header.strip())
    header = re.sub(r"^template\s*<[^{]*?>\s*(?=\w)", "", header)
    if re.match(r"(?:namespace|class|struct|union|enum)\b", header):
        return None
    found = re.search(r"([\w:~]+|operator\s*\S+?)\s*\(", header)
    return found[1] if found else None


if __name__ == "__main__":
    sys.exit(main())
