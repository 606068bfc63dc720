"""BusyBox's applets give byte-identical output to qemu-user, on real files."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import pytest

import corpus
from ncpu.machine.linux.launch import Session

TEXT = b"""the quick brown fox jumps over the lazy dog
pack my box with five dozen liquor jugs
Sphinx of black quartz, judge my vow
1 one
10 ten
2 two
2 two
the end
"""

# Arguments after `busybox`; {d} is a folder with files, ~ a blank; a second item is standard input.
COMMANDS: list[tuple[str, bytes]] = [
    ("echo hello world", b""),
    ("echo -e a\\tb\\n", b""),
    ("printf %05d|%x|%s\\n 42 255 end", b""),
    ("cat {d}/text {d}/numbers", b""),
    ("tac {d}/text", b""),
    ("rev {d}/text", b""),
    ("nl {d}/text", b""),
    ("ls {d}", b""),
    ("ls -1a {d}/sub", b""),
    ("sort {d}/text", b""),
    ("sort -n {d}/numbers", b""),
    ("sort -rn -k1 {d}/numbers", b""),
    ("uniq -c {d}/text", b""),
    ("cut -d~ -f2 {d}/text", b""),
    ("cut -c1-5 {d}/text", b""),
    ("head -n 3 {d}/text", b""),
    ("tail -n 2 {d}/text", b""),
    ("wc {d}/text", b""),
    ("wc -c {d}/text {d}/numbers", b""),
    ("grep -n the {d}/text", b""),
    ("grep -c o {d}/text", b""),
    ("egrep ^[0-9]+ {d}/text", b""),
    ("fgrep -v two {d}/text", b""),
    ("sed s/o/0/g {d}/text", b""),
    ("sed -n 2,4p {d}/text", b""),
    ("sed -e /two/d -e y/abc/ABC/ {d}/text", b""),
    ("awk {{print~NR,NF,$1}} {d}/text", b""),
    ("awk {{s+=$1}}END{{print~s,s/NR,sqrt(s)}} {d}/numbers", b""),
    ("tr a-z A-Z", TEXT),
    ("tr -d aeiou", TEXT),
    ("tr -s l", b"hello all\n"),
    ("find {d} -name one.txt", b""),
    ("find {d} -type d", b""),
    ("sha1sum {d}/text", b""),
    ("sha256sum {d}/text", b""),
    ("sha512sum {d}/text", b""),
    ("sha3sum {d}/text", b""),
    ("md5sum {d}/text", b""),
    ("cksum {d}/text", b""),
    ("sum {d}/text", b""),
    ("crc32 {d}/text", b""),
    ("base64 {d}/text", b""),
    ("base64 -d", b"aGVsbG8gd29ybGQK"),
    ("od -c {d}/numbers", b""),
    ("hexdump -C {d}/numbers", b""),
    ("xxd {d}/numbers", b""),
    ("gzip -c {d}/text", b""),
    ("gunzip -c {d}/text.gz", b""),
    ("bzip2 -c {d}/text", b""),
    ("bzcat {d}/text.bz2", b""),
    ("xzcat {d}/text.xz", b""),
    ("tar -tf {d}/some.tar", b""),
    ("tar -xOf {d}/some.tar text", b""),
    ("cpio -o -H newc", b""),
    ("bc -l", b"scale=10\n4*a(1)\n2^100\n"),
    ("dc", b"16 o 255 p 3 4 5 * + p\n"),
    ("expr 6 * 7", b""),
    ("seq 1 3 20", b""),
    ("factor 360 97 1000000007", b""),
    ("basename /usr/lib/libc.so .so", b""),
    ("dirname /usr/lib/libc.so", b""),
    ("realpath {d}/sub/../text", b""),
    ("readlink {d}/link", b""),
    ("stat -c %n~%s~%F {d}/text", b""),
    ("cmp {d}/text {d}/numbers", b""),
    ("diff {d}/text {d}/other", b""),
    ("comm {d}/left {d}/right", b""),
    ("join {d}/left {d}/right", b""),
    ("paste {d}/left {d}/right", b""),
    ("fold -w 20 {d}/text", b""),
    ("expand {d}/numbers", b""),
    ("unexpand -a {d}/numbers", b""),
    ("split -l 3 {d}/text {w}/piece", b""),
    ("strings {d}/some.tar", b""),
    ("tee {w}/copy", TEXT),
    ("dd bs=10 count=3 status=none", TEXT),
    ("env", b""),
    ("true", b""),
    ("false", b""),
    ("test 3 -lt 4", b""),
    ("cal 2 2024", b""),
    ("date -u -d @86400 +%Y-%m-%d", b""),
    ("ed -s {d}/text", b"2p\n$=\nq\n"),
    ("vi -R -c :q {d}/text", b""),
    ("uuencode name", TEXT),
    ("ascii", b""),
    ("pwd", b""),
    ("shuf -i 1-1", b""),
    ("sleep 0", b""),
    ("uname -s", b""),
    ("id -u", b""),
    ("ash -c for~i~in~1~2~3;do~echo~$((i*i));done", b""),
    ("ash -c x=abc;echo~${{x#a}}~${{#x}};case~$x~in~a*)echo~yes;;esac", b""),
    ("ash {d}/script", b""),
]
SCRIPT = b"""f() { if [ "$1" -le 1 ]; then r=1; else f $(($1 - 1)); r=$((r * $1)); fi; }
f 10
echo $r
set -- a b c
while [ $# -gt 0 ]; do printf '%s ' "$1"; shift; done
echo
read line < DATA/numbers
echo "first: $line"
test -f DATA/text && echo exists
"""


def words(command: str, folder: Path, scratch: Path) -> list[str]:
    """Arguments of a command: split at blanks, `~` is a blank inside one argument."""
    return [w.format(d=folder, w=scratch).replace("~", " ") for w in command.split(" ")]


@pytest.fixture(scope="module")
def busybox() -> bytes:
    from ncpu.machine.debian import DebianError, fetch

    if reason := corpus.have_qemu():
        pytest.skip(reason)
    try:
        return (fetch("busybox-static") / "bin" / "busybox").read_bytes()
    except DebianError as error:
        pytest.skip(f"BusyBox cannot be fetched: {error}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import bz2
    import gzip
    import lzma
    import tarfile

    root = tmp_path_factory.mktemp("data")
    (root / "sub").mkdir()
    contents = {
        "text": TEXT,
        "other": TEXT.replace(b"fox", b"cat"),
        "numbers": b"10\t3\n9\t1\n-5\t2\n100\t7\n",
        "left": b"a 1\nb 2\nd 4\n",
        "right": b"a x\nc y\nd z\n",
        "sub/one.txt": b"1\n",
        "sub/two.txt": b"22\n",
        "text.gz": gzip.compress(TEXT, mtime=0),
        "text.bz2": bz2.compress(TEXT),
        "text.xz": lzma.compress(TEXT, check=lzma.CHECK_CRC32),
        "script": SCRIPT.replace(b"DATA", str(root).encode()),
    }
    for name, data in contents.items():
        (root / name).write_bytes(data)
    (root / "link").symlink_to("text")
    with tarfile.open(root / "some.tar", "w") as archive:
        archive.add(root / "text", "text")
        archive.add(root / "sub", "sub")
    return root


def reference(binary: bytes, args: list[str], stdin: bytes, path: Path) -> tuple[bytes, bytes, int]:
    program = path / "busybox"
    if not program.exists():
        program.write_bytes(binary)
        program.chmod(0o755)
    command = ["qemu-aarch64-static", "-cpu", "cortex-a53", "-0", "busybox", str(program), *args]
    done = subprocess.run(command, input=stdin, capture_output=True, env={}, cwd="/", timeout=120)
    return done.stdout, done.stderr, done.returncode


@pytest.mark.parametrize("command, stdin", COMMANDS, ids=[c.split(" {")[0] for c, _ in COMMANDS])
def test_applet(
    command: str,
    stdin: bytes,
    busybox: bytes,
    folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    ours, theirs = tmp_path_factory.mktemp("ours"), tmp_path_factory.mktemp("theirs")
    out, err = io.BytesIO(), io.BytesIO()
    session = Session(
        busybox,
        ["busybox", *words(command, folder, ours)],
        mounts=[(folder, str(folder), False), (ours, str(ours), True)],
        stdin=io.BytesIO(stdin),
        stdout=out,
        stderr=err,
    )
    result = session.run(300_000_000)
    binaries = folder.parent
    expected = reference(busybox, words(command, folder, theirs), stdin, binaries)
    swap = (str(theirs).encode(), str(ours).encode())
    assert (out.getvalue(), err.getvalue(), result.exit_code) == (
        expected[0].replace(*swap),
        expected[1].replace(*swap),
        expected[2],
    )
    left = {p.name: p.read_bytes() for p in ours.iterdir()}
    assert left == {p.name: p.read_bytes() for p in theirs.iterdir()}
