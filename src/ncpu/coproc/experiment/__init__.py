"""The coprocessor measured from scratch: small decoders trained here on generated text.

text.py, chatter.py   lines to train on, each character labelled
heldout.py            templates, negatives and seeds that training code never imports
data.py               lines packed into sequences; positions
model.py              a decoder whose last MLP shares its place with the condition's unit
conditions.py         what is compared, with the same parameters, data and steps
train.py, evaluate.py, report.py
"""
