"""The machine: fetch, decode, execute, commit, and what stands directly on them."""
