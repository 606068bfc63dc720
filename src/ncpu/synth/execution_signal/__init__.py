"""Execution as a training signal: a model trained with what its programs compute, or without."""

from ncpu.synth.execution_signal.train import ARMS, Arm, make_world, score, split_problems, train

__all__ = ["ARMS", "Arm", "make_world", "score", "split_problems", "train"]
