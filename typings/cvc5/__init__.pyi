# cvc5 re-exports its extension module without names.
from typing import Any

def __getattr__(name: str) -> Any: ...
