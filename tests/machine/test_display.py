"""States as text and HTML."""

from __future__ import annotations

from html.parser import HTMLParser

import jax
import jax.numpy as jnp
import numpy as np

from ncpu.machine import display
from ncpu.machine.asm import assemble
from ncpu.machine.coverage import coverage, isa_markdown
from ncpu.machine.isa import TABLE
from ncpu.machine.program import Program
from ncpu.machine.state import State, Status, V, new_state


def example() -> State:
    made = assemble("nop\nmov x1, #0x10\nloop: subs x1, x1, #1\nb.ne loop\nbrk #0", base=0x1000)
    state = made.state(stack=4096)
    regs = np.array(state.regs)
    regs[1], regs[V + 6] = (0xDEADBEEF, 1), (5, 0)
    return state.replace(
        regs=jnp.asarray(regs),
        pc=jnp.array([0x1008, 0], jnp.uint32),
        flags=jnp.uint32(0x60000000),
        retired=jnp.array([3, 1], jnp.uint32),
    )


class Tags(HTMLParser):
    """Checks that tags nest, and collects their names."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def check_html(text: str) -> None:
    tags = Tags()
    tags.feed(text)
    assert not tags.open and tags.seen <= {"table", "tr", "td", "span", "pre"}


def test_one_lane() -> None:
    text = repr(example())
    assert " x1 00000001deadbeef" in text and " sp 0000000000003000" in text
    assert "flags nZCv" in text and "RUNNING" in text and "retired 4294967299" in text
    assert " v3 00000000000000000000000000000005" in text and " v4 " not in text
    lines = text.splitlines()
    assert "=>         1008  f1000421  subs x1, x1, #1" in lines
    assert "           1000  d503201f  nop" in lines
    assert "           100c  54ffffe1  b.ne #0x1008" in lines
    check_html(example()._repr_html_())
    assert "subs x1, x1, #1" in example()._repr_html_()


def test_pc_outside_memory() -> None:
    state = new_state(size=4096, pc=0xFFFF_FFFF_FFFF_FFFC)
    assert "=>" not in repr(state)
    check_html(state._repr_html_())
    assert "=>" not in repr(new_state(size=4096, pc=0, perm=0))


def test_instructions_from_a_program() -> None:
    program = Program.from_words([0xD503201F, 0xD65F03C0], 0x8000)
    text = display.text(new_state(size=4096, pc=0x8004), program)
    assert "=>         8004  d65f03c0  ret" in text.splitlines()
    assert "           8000  d503201f  nop" in text.splitlines()
    assert "=>" not in display.text(new_state(size=4096, pc=0x8002), program)


def test_batch() -> None:
    state = jax.tree.map(lambda leaf: jnp.stack([leaf] * 3), example())
    state = state.replace(status=jnp.array([0, Status.EXITED, Status.EXITED], jnp.int32))
    state = state.replace(retired=jnp.array([[1, 0], [5, 0], [7, 0]], jnp.uint32))
    text = repr(state)
    assert "3 lanes: 1 RUNNING, 2 EXITED; retired 1 / 5 / 7" in text
    check_html(state._repr_html_())


def test_fault_and_unknown_status() -> None:
    state = example().replace(
        status=jnp.int32(Status.DATA_FAULT), fault=jnp.array([16, 0], jnp.uint32)
    )
    assert "DATA_FAULT at 0x10" in repr(state)
    assert "status 77" in repr(example().replace(status=jnp.int32(77)))


def test_traced_values_show_shapes() -> None:
    seen = []

    def look(state: State) -> jax.Array:
        seen.append((repr(state), state._repr_html_()))
        return state.pc

    jax.jit(look)(example())
    jax.vmap(look)(jax.tree.map(lambda leaf: leaf[None], example()))
    jax.eval_shape(look, example())
    for text, html in seen:
        assert "regs: uint32[104, 2]" in text
        check_html(html)
    assert "regs" in repr(jax.tree.map(lambda leaf: None, example()))
    assert "regs" in repr(jax.eval_shape(lambda s: s, example()))


def test_coverage_and_page() -> None:
    found = coverage()
    assert sum(group.rows for group in found) == len(TABLE)
    page = isa_markdown()
    assert "| `add Rd\\|SP, Rn\\|SP, #imm12{, lsl #12}` |" in page
    assert all(f"## {group.group}" in page for group in found)
