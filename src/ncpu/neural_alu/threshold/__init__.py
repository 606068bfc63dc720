"""A CPU made of fixed threshold units, one forward pass a clock, with attention as memory."""
