"""Trained networks that are the machine's arithmetic."""
