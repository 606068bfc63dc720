"""A graph of Python objects as JSON, and back: each object once, by number, with its fields.

Only classes of a registry are written or made; a class there names every field, so that one that
is added to the kernel and not here is an error when a machine is saved, never a silent loss.
Nothing is called while a graph is read but `Kind.new` and `Kind.fill` of those classes.

Values in JSON: null, booleans, integers and strings are themselves, a list is a list; the rest is
an object of one key:

    {"tuple": [...]}, {"deque": [...]}, {"set": [...]}
    {"dict": [[key, value], ...]}, {"counter": [[key, count], ...]}
    {"bytes": B}, {"bytearray": B}   B is Latin-1 text, or [offset, length] in the array `bytes`
    {"object": n}                    the n-th object
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ncpu.machine.errors import SnapshotError
from ncpu.machine.linux.snapshot.arrays import ArrayReader, ArrayWriter

INLINE = 64  # bytes up to which a byte string stands in the JSON
Json = Any


@dataclass(frozen=True)
class Kind:
    """A class that may be saved.

    Attributes:
      cls: the class.
      fields: attributes that are saved.
      made: attributes that are left out: whoever restores the graph makes them again.
      extra: further values, of the object and the arrays, by name.
      fill: gives a new object the values of its fields, and of `extra`.
      new: makes the object that `fill` fills; a bare one when left out.
    """

    cls: type
    fields: tuple[str, ...]
    made: tuple[str, ...] = ()
    extra: Callable[[Any, ArrayWriter], dict[str, Any]] | None = None
    fill: Callable[[Any, dict[str, Any], ArrayReader], None] | None = None
    new: Callable[[], Any] | None = None

    @property
    def name(self) -> str:
        """What it is called in JSON."""
        return self.cls.__name__

    def values(self, obj: Any, arrays: ArrayWriter) -> dict[str, Any]:
        """What is saved of an object."""
        surplus = sorted(vars(obj).keys() - {*self.fields, *self.made} if self.fields else ())
        if surplus:
            raise SnapshotError(f"{self.name}.{surplus[0]} is in no list of what is saved")
        found = {name: getattr(obj, name) for name in self.fields}
        return found | (self.extra(obj, arrays) if self.extra else {})


class Registry:
    """The classes of a graph.

    Args:
      kinds: the classes.
      substitutes: objects of these classes are saved as what the function makes of them.
      refused: objects of these classes cannot be saved, for the reason given.
    """

    def __init__(
        self,
        kinds: Iterable[Kind],
        substitutes: Mapping[type, Callable[[Any], Any]],
        refused: Mapping[type, str],
    ) -> None:
        self.kinds = {kind.cls: kind for kind in kinds}
        self.names = {kind.name: kind for kind in self.kinds.values()}
        self.substitutes, self.refused = substitutes, refused

    def schema(self) -> dict[str, list[str]]:
        """The fields of each class, by name: what a reader must agree on."""
        return {name: list(kind.fields) for name, kind in sorted(self.names.items())}

    # -- writing --------------------------------------------------------------------------------

    def describe(self, root: Any, arrays: ArrayWriter) -> list[Json]:
        """All objects that can be reached from `root`, which is the first.

        Raises:
          SnapshotError: one of them cannot be saved; says which and why.
        """
        return _Describer(self, arrays).run(root)

    # -- reading --------------------------------------------------------------------------------

    def build(self, described: list[Json], arrays: ArrayReader) -> Any:
        """The first object of a description, with all it leads to.

        Raises:
          SnapshotError: the description is not one that `describe` writes.
        """
        made: list[Any] = []
        try:
            for row in described:
                kind = self.names[row["class"]]
                made.append(kind.new() if kind.new else object.__new__(kind.cls))
            for row, obj in zip(described, made, strict=True):
                kind = self.names[row["class"]]
                found = {n: _value(v, made, arrays) for n, v in row["fields"].items()}
                wrong = set(kind.fields) - found.keys() or (
                    found.keys() - set(kind.fields) if kind.fill is None else ()
                )
                if wrong:
                    raise SnapshotError(f"{kind.name}.{min(wrong)} is missing, or one too many")
                (kind.fill or _fill)(obj, found, arrays)
            return made[0]
        except (SnapshotError, *_DAMAGE) as error:
            for obj in made:  # half-made ones would be taken for whole when they go
                getattr(obj, "__dict__", {}).clear()
            if isinstance(error, SnapshotError):
                raise
            raise SnapshotError(
                f"its description is damaged ({type(error).__name__}: {error})"
            ) from error


_DAMAGE = (
    *(KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError),
    RecursionError,
)


def _fill(obj: Any, values: dict[str, Any], _: ArrayReader) -> None:
    vars(obj).update(values)


class _Describer:
    def __init__(self, registry: Registry, arrays: ArrayWriter) -> None:
        self.registry, self.arrays = registry, arrays
        self.numbers: dict[int, int] = {}
        self.objects: list[Any] = []
        self.kept: list[Any] = []  # so that no two objects have one id
        self.seen: set[int] = set()

    def run(self, root: Any) -> list[Json]:
        self.reference(root)
        rows = []
        for obj in self.objects:  # grows meanwhile
            kind = self.registry.kinds[type(obj)]
            values = kind.values(obj, self.arrays)
            try:
                fields = {name: self.value(value) for name, value in values.items()}
            except _Unknown as error:
                raise SnapshotError(f"{kind.name}: {error}") from None
            rows.append({"class": kind.name, "fields": fields})
        return rows

    def value(self, value: Any) -> Json:
        if value is None or isinstance(value, bool | str):
            return value
        if isinstance(value, int):
            return int(value)
        if isinstance(value, bytes | bytearray):
            return self.binary(value)
        if type(value) in _CONTAINERS:
            if not isinstance(value, tuple):
                self.once(value)
            return self.container(value)
        return self.reference(value)

    def once(self, value: Any) -> None:
        """What can change is saved by value: it must have one owner."""
        if id(value) in self.seen:
            raise _Unknown(f"a {type(value).__name__} has two owners")
        self.seen.add(id(value))
        self.kept.append(value)

    def binary(self, value: bytes | bytearray) -> Json:
        if isinstance(value, bytearray):
            self.once(value)
        data = bytes(value)
        key = "bytearray" if isinstance(value, bytearray) else "bytes"
        return {key: data.decode("latin-1") if len(data) <= INLINE else self.arrays.bytes(data)}

    def container(self, value: Any) -> Json:
        if isinstance(value, dict):
            key = "counter" if isinstance(value, Counter) else "dict"
            return {key: [[self.value(k), self.value(v)] for k, v in value.items()]}
        items = [self.value(v) for v in (sorted(value) if isinstance(value, set) else value)]
        return items if isinstance(value, list) else {type(value).__name__: items}

    def reference(self, obj: Any) -> Json:
        if id(obj) not in self.numbers:
            kept = self.substitute(obj)
            if kept is None:
                return None
            self.numbers[id(obj)] = len(self.objects)
            self.objects.append(kept)
            self.kept.append(obj)
        return {"object": self.numbers[id(obj)]}

    def substitute(self, obj: Any) -> Any:
        kept = self.registry.substitutes.get(type(obj), lambda same: same)(obj)
        if kept is None or type(kept) in self.registry.kinds:
            return kept
        reason = self.registry.refused.get(type(kept))
        raise _Unknown(reason or f"a {type(kept).__name__} cannot be saved")


class _Unknown(SnapshotError):
    """What cannot be saved, before it is said whose it is."""


_CONTAINERS = (tuple, list, dict, deque, set, Counter)


def _value(value: Json, made: list[Any], arrays: ArrayReader) -> Any:
    """A value from its JSON."""
    if isinstance(value, list):
        return [_value(v, made, arrays) for v in value]
    if not isinstance(value, dict):
        if isinstance(value, float):
            raise TypeError("a number that is no integer")
        return value
    ((key, inner),) = value.items()
    if key == "object":
        if not isinstance(inner, int) or inner < 0:
            raise IndexError(inner)
        return made[inner]
    if key in ("bytes", "bytearray"):
        data = inner.encode("latin-1") if isinstance(inner, str) else arrays.bytes(*inner)
        return data if key == "bytes" else bytearray(data)
    if key in ("dict", "counter"):
        pairs = [(_value(k, made, arrays), _value(v, made, arrays)) for k, v in inner]
        return Counter(dict(pairs)) if key == "counter" else dict(pairs)
    makers: dict[str, Callable[[list[Any]], Any]] = {"tuple": tuple, "deque": deque, "set": set}
    return makers[key]([_value(v, made, arrays) for v in inner])
