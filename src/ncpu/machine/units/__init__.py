"""The units of `execute`: each computes one kind of instruction from its operands."""
