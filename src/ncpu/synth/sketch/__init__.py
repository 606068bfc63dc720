"""Loops by sketches: the form is given, the expressions in it are enumerated in batch.

- `reduce`: an accumulator over an array, a counter, digits, bits or characters, with a test, a
  mapped value and an expression of the accumulator at the end;
- `carry`: an accumulator whose step is any small expression of itself and the element, or one of
  two by a test, over arrays and over all their suffixes;
- `pipeline`, `text`: loops with given bodies as operators of arrays and of strings, composed;
- `tables`: dynamic programs, over two sequences, over items and a capacity, over all before;
- `registers`: one or two registers stepped a number of times, or while a guard holds.
"""
