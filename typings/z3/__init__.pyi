# z3's own annotations give every operator the union of all its sorts, which no arithmetic passes.
from typing import Any

def __getattr__(name: str) -> Any: ...
