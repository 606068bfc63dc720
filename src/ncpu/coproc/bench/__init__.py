"""A language model on tasks with and without its coprocessor, counted fairly."""
