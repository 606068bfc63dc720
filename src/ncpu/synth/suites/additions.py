"""Ten problems from games and machines, beside the two suites."""

from __future__ import annotations

from itertools import accumulate, pairwise
from random import Random

from ncpu.synth.suites.domains import Arrays, Integers, Parameters
from ncpu.synth.suites.family import each, families, row

Array = tuple[int, ...]

COUNTS = Integers(0, 200)
EVEN_LENGTH = Arrays(range(0, 11, 2), 0, 20)
GRID = Integers(-3, 20)
SIZE = Integers(1, 20)


def _change(paid: int, price: int) -> int:
    if paid < price:
        return -1
    coins, rest = 0, paid - price
    for coin in (25, 10, 5, 1):
        coins += rest // coin
        rest %= coin
    return coins


def _phases(rng: Random) -> Parameters:
    return rng.randint(20, 40), rng.randint(3, 8), rng.randint(15, 40)


def _phase(second: int, green: int, yellow: int, red: int) -> int:
    place = second % (green + yellow + red)
    return (place >= green) + (place >= green + yellow)


def _pop(a: Array) -> Array:
    at = a.index(max(a))
    return a[:at] + a[at + 1 :]


def _fall(height: int, velocity: int, steps: int, gravity: int) -> int:
    for _ in range(steps):
        velocity -= gravity
        height += velocity
        if height <= 0:
            return 0
    return height


FAMILIES = families(
    "additions",
    score_tracker=row(
        "A->I",
        lambda a: [*accumulate(a, lambda score, x: max(0, score + x), initial=0)][-1],
        cases=each((5, -9, 3), (-1,), (), (4, 4, -3)),
        note="The score after all points; it never falls below 0.",
    ),
    vending_change=row(
        "(I,I)->I",
        _change,
        COUNTS,
        COUNTS,
        cases=[(100, 58), (50, 50), (10, 20), (25, 0), (99, 0), (9, 0)],
        note="(paid, price): coins of 25, 10, 5, 1 that make the change; -1 if too little.",
    ),
    combat_resolve=row(
        "(I,I,I)->I",
        lambda health, attack, defence: max(0, health - max(0, attack - defence)),
        COUNTS,
        COUNTS,
        COUNTS,
        cases=[(10, 5, 3), (10, 3, 5), (2, 9, 1), (5, 5, 0)],
        note="(health, attack, defence): what health is left, neither harmed nor healed below 0.",
    ),
    traffic_light_phase=row(
        "I->I",
        _phase,
        Integers(0, 1000),
        draw=_phases,
        cases=lambda g, y, r: each(0, g - 1, g, g + y - 1, g + y, g + y + r - 1, g + y + r, 2 * g),
        note="Second to 0 green, 1 yellow, 2 red; how long each lasts is drawn.",
    ),
    run_length_decode_sum=row(
        "A->I",
        lambda a: sum(count * value for count, value in zip(a[::2], a[1::2], strict=True)),
        EVEN_LENGTH,
        cases=each((3, 5), (2, 7, 0, 9), ()),
        note="Sum of what (count, value, count, value, ...) stands for.",
    ),
    count_adjacent_diff=row(
        "A->I",
        lambda a: sum(x != y for x, y in pairwise(a)),
        special=lambda rng, _: (tuple(rng.choices(range(2), k=rng.randrange(9))),),
        cases=each((1, 1, 2), (1, 2, 1), (3, 3, 3), ()),
        note="Neighbours that differ.",
    ),
    priority_pop=row(
        "A->A",
        _pop,
        Arrays(range(1, 11)),
        cases=each((1, 9, 2), (9, 1, 9), (4,), (1, 2, 3)),
        note="The array without its first largest element.",
    ),
    turn_order_rotate=row(
        "(I,I,I)->I",
        lambda players, player, turns: (player + turns) % players,
        SIZE,
        Integers(0, lambda earlier, _: earlier[0] - 1),
        Integers(-50, 50),
        cases=[(4, 3, 1), (4, 0, -1), (5, 2, 10), (3, 1, -7)],
        note="(players, who plays, turns on or back): who plays then; never negative.",
    ),
    grid_bounds_check=row(
        "(I,I,I,I)->B",
        lambda x, y, width, height: 0 <= x < width and 0 <= y < height,
        GRID,
        GRID,
        SIZE,
        SIZE,
        cases=[
            (0, 0, 1, 1),
            (1, 0, 1, 1),
            (0, 1, 1, 1),
            (-1, 0, 2, 2),
            (0, -1, 2, 2),
            (4, 2, 5, 3),
        ],
        note="(x, y, width, height)",
    ),
    simulate_gravity=row(
        "(I,I,I)->I",
        _fall,
        COUNTS,
        Integers(-20, 40),
        Integers(0, 30),
        draw=lambda rng: (rng.randint(1, 5),),
        cases=[(10, 0, 1), (10, 0, 2), (100, 10, 5), (10, 0, 9), (7, 3, 0)],
        note="(height, velocity, steps), gravity drawn: each step velocity falls, then height "
        "changes by it; on the ground, 0, it stays.",
    ),
)
