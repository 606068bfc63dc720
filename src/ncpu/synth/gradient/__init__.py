"""Programs found by gradient descent on the machine."""
