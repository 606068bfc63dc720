"""The network inside the machine."""


def forward(kernel, host, guest):
    pass
