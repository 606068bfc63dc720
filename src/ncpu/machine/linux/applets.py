"""A root file system made of BusyBox alone: one file and a link for each applet."""

from __future__ import annotations

import io

from ncpu.machine.linux.files import Files
from ncpu.machine.linux.launch import Session

PASSWD = b"root:x:0:0:root:/root:/bin/sh\n"
# An applet run by name needs no file; a list needs them all.
FOLDERS = ("/root", "/etc", "/var/tmp", "/usr/bin", "/sbin")


def busybox_root(binary: bytes, *, memory_size: int) -> Files:
    """A tree with BusyBox in /bin, a link for each of its applets, and an empty /root.

    Args:
      binary: a static BusyBox, which is run once to list its applets.
      memory_size: bytes of memory for that run.
    """
    out = io.BytesIO()
    Session(binary, ["busybox", "--list"], stdout=out, memory_size=memory_size).run()
    files = Files()
    files.add_file("/bin/busybox", binary, 0o755)
    for name in out.getvalue().split():
        if name != b"busybox":
            files.add_symlink(b"/bin/" + name, "busybox")
    for folder in FOLDERS:
        files.make_directory(folder)
    files.add_file("/etc/passwd", PASSWD)
    files.add_file("/etc/group", b"root:x:0:\n")
    files.add_file("/etc/hosts", b"127.0.0.1 localhost\n")
    return files
