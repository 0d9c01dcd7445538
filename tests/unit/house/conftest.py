import ast
from pathlib import Path

import pytest

ROOMS = ("schemas", "migrations", "apps", "services", "templates", "tests")
SCRIPTS = ("deploy.py", "inventory.py")


class House:
    """The files of a checkout, and what its Python imports."""

    def __init__(self, root):
        self.root = root

    def files(self, *places, suffixes=(".py",)):
        """Files below rooms or scripts; a room that does not exist yet holds none."""
        for place in places:
            path = self.root / place
            for file in [path] if path.is_file() else sorted(path.rglob("*")):
                wanted = file.suffix in suffixes or file.name in suffixes
                if wanted and file.is_file() and "__pycache__" not in file.parts:
                    yield file

    def name(self, file):
        """The path as one types it."""
        return str(file.relative_to(self.root))

    def tree(self, file):
        """The file, parsed."""
        return ast.parse(file.read_text(encoding="utf-8"), str(file))

    def imports(self, file):
        """Line and full name of everything imported, wherever in the file."""
        package = list(file.relative_to(self.root).with_suffix("").parts)
        for node in ast.walk(self.tree(file)):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                before = package[: -node.level] if node.level else []
                origin = ".".join([*before, *([node.module] if node.module else [])])
                yield from ((node.lineno, f"{origin}.{alias.name}") for alias in node.names)


@pytest.fixture
def house():
    """Our own checkout."""
    return House(Path(__file__).parents[3])


@pytest.fixture
def shed(tmp_path):
    """An empty house, to put something wrong into."""

    def _shed(**files):
        for name, text in files.items():
            file = tmp_path / name.replace("__", "/").replace("_py", ".py")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return House(tmp_path)

    return _shed
