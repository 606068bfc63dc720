"""Neural-physical chain of thought: hidden states that call verified array programs."""
