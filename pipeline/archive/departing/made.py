"""Sequences that hold nothing: each element is made of something else whenever somebody looks at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar, overload

S = TypeVar("S")
T = TypeVar("T")


class Made(Sequence[T], Generic[S, T]):
    """What a function makes of each element of a sequence that does not change; equal to a tuple of the same.

    What a task moves, and what it reads, follows from a session's files: of a million files it is not kept beside them.
    """

    __slots__ = ("_make", "_of")

    def __init__(self, of: Sequence[S], make: Callable[[S], T]) -> None:
        self._of, self._make = of, make

    def __len__(self) -> int:
        return len(self._of)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...
    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        if isinstance(index, slice):
            return Made(self._of[index], self._make)
        return self._make(self._of[index])

    def __iter__(self) -> Iterator[T]:
        return map(self._make, self._of)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (tuple, Made)):
            return NotImplemented
        return len(self) == len(other) and all(one == two for one, two in zip(self, other, strict=True))

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"Made of {len(self)}"
