"""Solve, verify, store, reuse: programming tasks, a model, a sandbox and a signed store.

`task` reads HumanEval and MBPP files, `judge` runs candidates, `propose` and `compose` make them,
`store` keeps what passed, `loop` puts them together and counts.
"""
