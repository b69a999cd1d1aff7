"""Finds the SQL that code puts together, and what is put into it."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

HOLE = "\0"
_SQL = re.compile(
    r"\s*(?:SELECT\s|INSERT\s+INTO\s|UPDATE\s.*\sSET\s|DELETE\s+FROM\s|WITH\s.*\sAS\s|CREATE\s+\w+\s|DROP\s+\w+\s|"
    r"ALTER\s+\w+\s|SET\s+(?:SESSION|lock_|GLOBAL)|GRANT\s|REVOKE\s|LOCK\s+TABLE|COPY\s|PRAGMA\s|BEGIN\b)",
    re.DOTALL,
)
_QUOTING = {"quote_identifier", "quote", "make_full_table_name", "utc_now_sql", "version_table"}


@dataclass(frozen=True)
class Hole:
    """One expression in the text of a statement: where it stands, in which function, and its source."""

    file: str
    function: str
    source: str
    line: int

    @property
    def key(self) -> tuple[str, str, str]:
        """What an exception of the rule names: lines move, this stays."""
        return self.file, self.function, self.source


def holes(tree: ast.Module, file: str) -> Iterator[Hole]:
    """Yield every expression in a text of SQL that is not plainly a name of ours, or marks for values."""
    module = _Names(tree)
    for function, node in _nodes(tree):
        put_in = _put_in(node)
        local = _Names(function) if function is not None and put_in else module
        name = "" if function is None else function.name
        for expression in put_in:
            if not _harmless(expression, local, module):
                yield Hole(file, name, ast.unparse(expression), expression.lineno)


def _nodes(tree: ast.AST, function: ast.FunctionDef | None = None) -> Iterator[tuple[ast.FunctionDef | None, ast.AST]]:
    for child in ast.iter_child_nodes(tree):
        inner = child if isinstance(child, ast.FunctionDef) and function is None else function
        yield inner, child
        yield from _nodes(child, inner)


def _put_in(node: ast.AST) -> list[ast.expr]:
    """Return what a node puts into the text of a statement; nothing when it is no such text."""
    if isinstance(node, ast.JoinedStr):
        text = "".join(part.value if isinstance(part, ast.Constant) else HOLE for part in node.values)
        inside = [part.value for part in node.values if isinstance(part, ast.FormattedValue)]
        return inside if _SQL.match(text) else []
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd) and isinstance(node.right, ast.JoinedStr):
        return [part.value for part in node.right.values if isinstance(part, ast.FormattedValue)]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod | ast.Add) and _is_sql(node.left):
        return [node.right]
    is_format = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format"
    if is_format and _is_sql(node.func.value):
        return [*node.args, *(each.value for each in node.keywords)]
    return []


def _is_sql(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(_SQL.match(node.value))


class _Names:
    """What names stand for in a function or at the top of a module: all that is ever assigned to them."""

    def __init__(self, scope: ast.AST) -> None:
        self.values: dict[str, list[ast.expr]] = {}
        whole = isinstance(scope, ast.FunctionDef)
        for node in ast.walk(scope) if whole else ast.iter_child_nodes(scope):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    self._bind(target, node.value)
            elif isinstance(node, ast.AugAssign | ast.AnnAssign) and node.value is not None:
                self._bind(node.target, node.value)
            elif isinstance(node, ast.comprehension | ast.For):
                self._bind(node.target, node.iter)

    def _bind(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self.values.setdefault(target.id, []).append(value)
        elif isinstance(target, ast.Tuple):
            parts = value.elts if isinstance(value, ast.Tuple) and len(value.elts) == len(target.elts) else None
            if isinstance(value, ast.IfExp):  # a, b = (x, y) if ... else (p, q)
                self._bind(target, value.body)
                self._bind(target, value.orelse)
                return
            for index, each in enumerate(target.elts):
                self._bind(each, value if parts is None else parts[index])


def _harmless(node: ast.expr, local: _Names, module: _Names, seen: frozenset[str] = frozenset()) -> bool:
    """Say whether an expression is a quoted name, SQL that was written in the code, or marks for values."""

    def fine(*nodes: ast.expr) -> bool:
        return all(_harmless(each, local, module, seen) for each in nodes)

    match node:
        case ast.Constant():
            return True
        case ast.Attribute(attr="full_table_name"):
            return True
        case ast.Name(id=name) if name.isupper() and name not in local.values:
            return True  # a constant: of this module, or of the one from which it was imported
        case ast.Name(id=name):
            values = local.values.get(name) or module.values.get(name)
            again = seen | {name}
            return name in seen or bool(values and all(_harmless(each, local, module, again) for each in values))
        case ast.JoinedStr(values=parts):
            return fine(*(part.value for part in parts if isinstance(part, ast.FormattedValue)))
        case ast.FormattedValue(value=value):
            return fine(value)
        case ast.List(elts=elements) | ast.Tuple(elts=elements) | ast.Set(elts=elements):
            return fine(*elements)
        case ast.IfExp(body=body, orelse=orelse):
            return fine(body, orelse)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return fine(left, right)
        case ast.BinOp(left=left, op=ast.Mult()):
            return fine(left)
        case ast.GeneratorExp(elt=element) | ast.ListComp(elt=element):
            return fine(element)
        case ast.Call(func=ast.Attribute(attr="join"), args=[joined]):
            return fine(joined)
        case ast.Call(func=ast.Attribute(attr=name)) | ast.Call(func=ast.Name(id=name)) if name in _QUOTING:
            return True
    return False
