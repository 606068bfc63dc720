"""`JEWorldModel`: encode a state, encode an instruction, predict the next latent.

A latent keeps the shape of what it stands for: 34 words of 64 bits, a small vector each.
The decoded instruction says which words are read and written, as it does to the machine;
what becomes of them (values, flags, the next pc) is learned, with weights shared over bit
positions and a scan that carries from each position to the next.

Sources: LeCun, "A Path Towards Autonomous Machine Intelligence" (2022), section 4.4, for the
architecture.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from ncpu.jepa.action import FEATURES, NONE, Action, action, checked
from ncpu.jepa.errors import ViewError
from ncpu.jepa.layers import Block, Mix, Shifter, neighbours, position_features
from ncpu.jepa.view import BITS, NZCV, PC, REGISTERS, WORDS, Bus, View, to_bits, view
from ncpu.machine.instr import Instr, Unit
from ncpu.machine.state import State

FLAG_BITS = 5  # positions of the flags' word that a flag or its neighbour can reach
OUTPUTS = 5  # result, second result, base, pc, flags


@dataclass(frozen=True)
class Config:
    """Sizes of the model.

    Attributes:
      latent: dimensions of a bit.
      encoder: hidden units of the encoder.
      width: dimensions of a position in the predictor.
      carry: dimensions that a scan carries.
      condition: dimensions of an instruction.
      blocks: scans over the operands; those over pc are `pc_blocks`.
    """

    latent: int = 4
    encoder: int = 16
    width: int = 32
    carry: int = 16
    condition: int = 32
    blocks: int = 3
    pc_blocks: int = 2

    def as_dict(self) -> dict[str, int]:
        """For a manifest."""
        return asdict(self)


class Encoder(nnx.Module):
    """Words to latents: each bit with its two neighbours, the same weights everywhere."""

    def __init__(self, config: Config, *, rngs: nnx.Rngs) -> None:
        """Sizes from `config`."""
        self.inner = nnx.Linear(3, config.encoder, rngs=rngs)
        self.outer = nnx.Linear(config.encoder, config.latent, rngs=rngs)

    def __call__(self, bits: jax.Array) -> jax.Array:
        """`f32[..., 64]` of 0 and 1 to `f32[..., 64, d]`."""
        return self.outer(jax.nn.relu(self.inner(neighbours(bits[..., None] * 2 - 1))))


class Predictor(nnx.Module):
    """Latents of the operands to latents of everything the instruction writes."""

    def __init__(self, config: Config, *, rngs: nnx.Rngs) -> None:
        """Sizes from `config`."""
        d, w, h, c = config.latent, config.width, config.carry, config.condition
        place = position_features().shape[1] + 1
        self.instruction = nnx.Linear(FEATURES, 2 * c, rngs=rngs)
        self.instruction_out = nnx.Linear(2 * c, c, rngs=rngs)
        self.flags_in = nnx.Linear(c + FLAG_BITS * d, c, rngs=rngs)
        self.flags_out = nnx.Linear(c, c, rngs=rngs)
        self.shifter = Shifter(d, c, rngs=rngs)
        self.enter = Mix(8 * d + 1 + place, w, c, rngs=rngs)
        self.blocks = nnx.List([Block(w, h, c, rngs=rngs) for _ in range(config.blocks)])
        self.decide = nnx.Linear(c + config.blocks * h + w, 2 * c, rngs=rngs)
        self.decide_out = nnx.Linear(2 * c, c, rngs=rngs)
        self.values = nnx.Linear(3 * w, 2 * w, rngs=rngs)
        self.values_film = nnx.Linear(c, 2 * w, rngs=rngs)
        self.values_out = nnx.Linear(2 * w, 3 * d, rngs=rngs)
        self.flags_new = nnx.Linear(c, FLAG_BITS * d, rngs=rngs)
        self.flags_keep = nnx.Linear(c, 1, rngs=rngs)
        half = w // 2
        self.pc_enter = Mix(3 * d + place, half, c, rngs=rngs)
        pcs = [Block(half, h // 2, c, rngs=rngs) for _ in range(config.pc_blocks)]
        self.pc_blocks = nnx.List(pcs)
        self.pc_out = nnx.Linear(3 * half, d, rngs=rngs)

    def __call__(self, tokens: dict[str, jax.Array], zero: jax.Array, act: Action) -> jax.Array:
        """Operands' latents to `f32[n, 5, 64, d]`: result, second result, base, pc, flags.

        Args:
          tokens: a, b, c, imm, low, high (halves of the bus), pc, flags: `f32[n, 64, d]`.
          zero: latent of a zero bit among zeros, `f32[d]`.
          act: the instruction.
        """
        flags = tokens["flags"]
        near = flags[:, :FLAG_BITS].reshape(len(flags), -1)
        code = self.instruction_out(jax.nn.relu(self.instruction(act.features)))
        mixed = jax.nn.relu(self.flags_in(jnp.concatenate([code, near], -1)))
        state = code + self.flags_out(mixed)
        moved = self.shifter(tokens["a"], tokens["b"], zero, act.amounts, code)
        place = self._place(act)
        names = ("a", "b", "c", "imm", "low", "high", "pc")
        x = [tokens[name] for name in names] + [moved, place]
        x = self.enter(jnp.concatenate(x, axis=-1), state)
        carries = []
        for block in self.blocks:
            x, carry = block(x, state)
            carries.append(carry)
        summary = jnp.concatenate([state, *carries, jnp.max(x, axis=1)], axis=-1)
        decision = state + self.decide_out(jax.nn.relu(self.decide(summary)))
        inner = self.values(neighbours(x)) * (1 + self.values_film(decision))[:, None]
        values = jnp.split(self.values_out(jax.nn.relu(inner)), 3, axis=-1)
        pc = self._pc(tokens, place, decision)
        return jnp.stack([*values, pc, self._flags(flags, decision)], axis=1)

    def _place(self, act: Action) -> jax.Array:
        """Where each position is, and whether `arg` names it."""
        place = jnp.asarray(position_features())
        hit = jnp.all(act.amounts[:, 2, None] == place[None, :, :6], axis=-1)
        place = jnp.broadcast_to(place, (len(hit), *place.shape))
        return jnp.concatenate([place, hit[..., None].astype(jnp.float32)], axis=-1)

    def _pc(self, tokens: dict[str, jax.Array], place: jax.Array, decision: jax.Array) -> jax.Array:
        parts = [tokens["pc"], tokens["imm"], tokens["a"], place]
        x = self.pc_enter(jnp.concatenate(parts, axis=-1), decision)
        for block in self.pc_blocks:
            x, _ = block(x, decision)
        return self.pc_out(neighbours(x))

    def _flags(self, flags: jax.Array, decision: jax.Array) -> jax.Array:
        """New flags where the instruction sets them, the old ones elsewhere."""
        new = self.flags_new(decision).reshape(len(flags), FLAG_BITS, -1)
        keep = jax.nn.sigmoid(self.flags_keep(decision))[:, None]
        low = keep * flags[:, :FLAG_BITS] + (1 - keep) * new
        return jnp.concatenate([low, flags[:, FLAG_BITS:]], axis=1)


class InverseHead(nnx.Module):
    """Inverse dynamics: which unit led from one latent to the next."""

    def __init__(self, config: Config, *, rngs: nnx.Rngs) -> None:
        """Sizes from `config`."""
        self.inner = nnx.Linear(3 * 8 * config.latent, config.width, rngs=rngs)
        self.outer = nnx.Linear(2 * config.width, len(Unit), rngs=rngs)

    def __call__(self, operands: jax.Array, results: jax.Array) -> jax.Array:
        """`f32[n, 3, 64, d]` (a, b, c) and `f32[n, 5, 64, d]` to logits `f32[n, units]`."""
        both = jnp.concatenate([operands, results], axis=1)
        flat = both.transpose(0, 2, 1, 3).reshape(len(both), BITS, -1)
        x = jax.nn.relu(self.inner(neighbours(flat)))
        return self.outer(jnp.concatenate([x.mean(1), x.max(1)], axis=-1))


class JEWorldModel(nnx.Module):
    """A joint-embedding predictive model of the machine.

    Args:
      config: its sizes.
      seed: of its random weights.
    """

    def __init__(self, config: Config | None = None, *, seed: int = 0) -> None:
        """New and untrained; `ncpu.jepa.checkpoint.load` gives the trained one."""
        rngs = nnx.Rngs(seed)
        self.config = config or Config()
        self.encoder = Encoder(self.config, rngs=rngs)
        self.predictor = Predictor(self.config, rngs=rngs)
        self.inverse = InverseHead(self.config, rngs=rngs)

    def encode_state(self, state: State | View) -> jax.Array:
        """A state, or a batch of them, as `f32[..., 34, 64, d]`.

        Raises:
          ViewError: a state of another machine.
        """
        seen = view(state) if isinstance(state, State) else state
        if not isinstance(seen, View) or jnp.shape(seen.words)[-2:] != (WORDS, 2):
            shape = jnp.shape(seen.words) if isinstance(seen, View) else type(seen).__name__
            raise ViewError(f"{shape} is no view: a State or a View of u32[..., {WORDS}, 2]")
        return self.encoder(to_bits(jnp.asarray(seen.words)))

    def encode_action(self, instr: Instr | Any, bus: Bus | None = None) -> Action:
        """Instructions of any batch shape, with what they read from memory (zeros if None).

        Raises:
          ActionError: an instruction outside the model.
        """
        return action(checked(instr), bus)

    def predict_next_latent(self, latent: jax.Array, act: Action) -> jax.Array:
        """The latent after each action, `f32[..., 34, 64, d]`, batch shapes as given.

        Raises:
          ViewError: a latent of another shape.
        """
        d = self.config.latent
        shape = jnp.shape(act.immediate)
        if jnp.shape(latent) != (*shape, WORDS, BITS, d):
            raise ViewError(
                f"a latent of shape {jnp.shape(latent)} with actions of shape {shape}: "
                f"[..., {WORDS}, {BITS}, {d}] over the same batch is taken"
            )
        z = latent.reshape(-1, WORDS, BITS, d)
        act = jax.tree.map(lambda x: x.reshape(len(z), *x.shape[len(shape) :]), act)
        new = self.outputs(self.operands(z, act), act)
        return self._placed(z, new, act).reshape(latent.shape)

    def operands(self, z: jax.Array, act: Action) -> dict[str, jax.Array]:
        """The latents that an action reads, from latents `f32[n, 34, 64, d]`."""
        blank = jnp.broadcast_to(self.encoder(jnp.zeros(BITS)), (len(z), 1, *z.shape[2:]))
        full = jnp.concatenate([z, blank], axis=1)
        read = jnp.take_along_axis(full, act.reads[..., None, None], axis=1)
        return self._named(read, self.encoder(to_bits(act.words)), z[:, PC], z[:, NZCV], act)

    def operands_of(self, words: jax.Array, act: Action) -> dict[str, jax.Array]:
        """The same from words `u32[n, 34, 2]`, encoding no more than is read."""
        full = jnp.pad(words, ((0, 0), (0, 1), (0, 0)))
        read = jnp.take_along_axis(full, act.reads[..., None], axis=1)
        needed = jnp.concatenate([read, act.words, words[:, PC:]], axis=1)
        z = self.encoder(to_bits(needed))
        return self._named(z[:, :3], z[:, 3:6], z[:, 6], z[:, 7], act)

    def _named(
        self, read: jax.Array, given: jax.Array, pc: jax.Array, flags: jax.Array, act: Action
    ) -> dict[str, jax.Array]:
        b = jnp.where(act.immediate[:, None, None], given[:, 0], read[:, 1])
        names = ("a", "b", "c", "imm", "low", "high", "pc", "flags")
        parts = (read[:, 0], b, read[:, 2], given[:, 0], given[:, 1], given[:, 2], pc, flags)
        return dict(zip(names, parts, strict=True))

    def outputs(self, tokens: dict[str, jax.Array], act: Action) -> jax.Array:
        """Latents of what is written, `f32[n, 5, 64, d]`; see `Predictor`."""
        return self.predictor(tokens, self.encoder(jnp.zeros(BITS))[1], act)

    def _placed(self, z: jax.Array, new: jax.Array, act: Action) -> jax.Array:
        registers = z[:, :REGISTERS]
        for k in range(3):
            hit = act.writes[:, k, None] == jnp.arange(REGISTERS)
            registers = jnp.where(hit[..., None, None], new[:, k, None], registers)
        return jnp.concatenate([registers, new[:, 3:4], new[:, 4:5]], axis=1)


__all__ = ["NONE", "Config", "JEWorldModel"]
