"""How an expert gets into a model: one adapter for Flax NNX decoders, one for Linen ones."""
