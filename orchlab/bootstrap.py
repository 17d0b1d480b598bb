"""Run a command of the lab on a machine where nothing is installed.

::

    python3 -m orchlab.bootstrap invoke compare
    python3 -m orchlab.bootstrap pytest

makes ``.venv`` in the checkout, installs the locked requirements into it and runs
the command in it; inside a virtual environment it uses that one. Done once, and
again only when ``requirements.txt`` changes. Exit codes: the command's own; 2 for
wrong usage, 3 when this machine lacks something, 130 when interrupted.

Standard library only, and no syntax newer than Python 3.7 up to the point where
too old a Python is reported.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements.txt"
MINIMUM = (3, 11)
NEWEST_MINOR = 14
STAMP = "orchlab.stamp"
INCOMPLETE = "incomplete"
TAIL_LINES = 10
USAGE = "usage: python3 -m orchlab.bootstrap COMMAND [ARGUMENT...], such as: invoke --list"
USAGE_ERROR, HOST_UNFIT, INTERRUPTED = 2, 3, 130


class SetupError(Exception):
    """This machine cannot run the lab as it is; says why and what to do."""

    exit_code = HOST_UNFIT


class UnknownCommand(SetupError):
    """The environment has no such command."""

    exit_code = USAGE_ERROR


def main(arguments: Sequence[str]) -> int:
    """Set up what is missing, then become the command. Returns only on failure."""
    if not arguments or arguments[0] in ("-h", "--help"):
        say(USAGE)
        return 0 if arguments else USAGE_ERROR
    try:
        if sys.version_info[:2] < MINIMUM:
            become_newer_python(arguments)
        with one_at_a_time():
            home = environment()
            if not is_complete(home):
                set_up(home)
        run(home, arguments)
    except SetupError as error:
        say(f"error: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        say("interrupted; the same command takes it up again")
        return INTERRUPTED


def say(text: str) -> None:
    """One line for the user, apart from what the command prints."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def become_newer_python(arguments: Sequence[str]) -> NoReturn:
    """Start again with a new enough Python from ``PATH``."""
    for minor in range(NEWEST_MINOR, MINIMUM[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        # version managers put programs in PATH that only say "not installed"
        if (
            found
            and subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode == 0
        ):
            os.execv(found, [found, "-P", str(Path(__file__).resolve()), *arguments])  # noqa: S606 - no shell is the point
    needed, own = ".".join(map(str, MINIMUM)), ".".join(map(str, sys.version_info[:2]))
    raise SetupError(
        f"this is Python {own}, the lab needs {needed} or newer; "
        f"install one (Debian 12, Ubuntu 24.04 and later: apt-get install python3-venv)"
    )


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Let a second set-up wait for the first; the kernel lifts a killed one's lock."""
    handle = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def environment() -> Path:
    """The virtual environment we are in, else the checkout's own."""
    return Path(sys.prefix) if sys.prefix != sys.base_prefix else ROOT / ".venv"


def wanted_stamp(version: str) -> str:
    """Identifies a finished set-up: the lock file, the checkout's place, the Python."""
    lock = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    return f"{lock} {version} {ROOT}"


def python_version(home: Path) -> str:
    """``3.11`` for an environment whose Python works, else an empty string."""
    question = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run(
            [home / "bin/python", "-c", question],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="ascii",
            check=False,
        )
    except OSError:
        return ""
    return answer.stdout.strip()


def is_complete(home: Path) -> bool:
    """Whether an earlier set-up of this very lock file finished there."""
    stamp = home / STAMP
    return stamp.exists() and stamp.read_text(encoding="utf-8") == wanted_stamp(
        python_version(home)
    )


def set_up(home: Path) -> None:
    """Make the environment if need be, and install the locked requirements."""
    started = time.monotonic()
    say(f"setting up {home}")
    try:
        if home == ROOT / ".venv" and sys.prefix == sys.base_prefix:
            make(home)
        (home / STAMP).write_text(INCOMPLETE, encoding="utf-8")
    except OSError as error:
        raise SetupError(f"cannot write {home}: {error.strerror}; make it writable") from error
    install(home)
    link_package(home)
    (home / STAMP).write_text(wanted_stamp(python_version(home)), encoding="utf-8")
    say(f"set up in {time.monotonic() - started:.0f} s")


def make(home: Path) -> None:
    """Make the checkout's environment; one that we left half-made is replaced.

    One that somebody else made, and whose Python works, is kept and used.
    """
    ours = (home / STAMP).exists()
    if python_version(home) and not ours:
        return
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    (home / STAMP).write_text(INCOMPLETE, encoding="utf-8")
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        install_venv_module()
    call([sys.executable, "-m", "venv", str(home)], "making a virtual environment failed")


def install_venv_module() -> None:
    """Debian and Ubuntu ship ``venv`` apart from Python: install it, given the rights."""
    name = f"python3.{sys.version_info.minor}-venv"
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise SetupError(f"this Python has no venv module; as root: apt-get install {name}")
    say(f"installing {name}")
    os.environ.setdefault("DEBIAN_FRONTEND", "noninteractive")
    command = ["apt-get", "-q", "-y", "--no-install-recommends", "install", name]
    try:
        call(command, "")
    except SetupError:  # no package lists yet, or old ones
        call(["apt-get", "-q", "update"], "apt-get update failed")
        call(command, f"cannot install {name}")


def install(home: Path) -> None:
    """Install exactly what the lock file says, each file checked against its hash."""
    python = str(home / "bin/python")
    if not probe([python, "-m", "pip", "--version"]):  # some tools make environments without
        call([python, "-m", "ensurepip"], "this environment has no pip and cannot get one")
    total = REQUIREMENTS.read_text(encoding="utf-8").count("==")
    argv = [python, "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
    argv += ["--require-hashes", "--progress-bar=off", "-r", str(REQUIREMENTS)]
    call(argv, "installing the requirements failed; check the network and pip's index", total)


def link_package(home: Path) -> None:
    """Make the checkout importable in the environment, without building anything."""
    question = "import sysconfig; print(sysconfig.get_path('purelib'))"
    purelib = subprocess.check_output([home / "bin/python", "-c", question], encoding="utf-8")
    (Path(purelib.strip()) / "orchlab.pth").write_text(f"{ROOT}\n", encoding="utf-8")


def probe(argv: Sequence[str]) -> bool:
    """Whether a command succeeds; what it prints is dropped."""
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0


def call(argv: Sequence[str], failure: str, total: int = 0) -> None:
    """Run a command, showing how many of ``total`` packages it has come to.

    Raises ``SetupError`` with the end of its output if it fails.
    """
    lines: list[str] = []
    settings = {**os.environ, "PIP_USER": "0"}
    with subprocess.Popen(
        argv,
        env=settings,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as process:
        assert process.stdout is not None  # noqa: S101 - tells the type checker
        for line in process.stdout:
            lines.append(line.rstrip())
            show_progress(lines, total)
    if process.returncode:
        tail = "\n".join(f"    {line}" for line in lines[-TAIL_LINES:])
        raise SetupError(f"{failure}\n{tail}")


def show_progress(lines: Sequence[str], total: int) -> None:
    """Keep one line of a terminal up to date; say nothing in a pipe."""
    if not total or not sys.stderr.isatty():
        return
    count = sum(line.startswith("Collecting ") for line in lines)
    done = lines[-1].startswith("Successfully installed")
    doing = "installing" if lines[-1].startswith("Installing") else f"package {count} of {total}"
    sys.stderr.write("\r\033[K" + ("" if done else doing))
    sys.stderr.flush()


def run(home: Path, arguments: Sequence[str]) -> NoReturn:
    """Become the command, with the environment's programs first in ``PATH``."""
    search = os.pathsep.join([str(home / "bin"), os.environ.get("PATH", os.defpath)])
    program = shutil.which(arguments[0], path=search)
    if program is None:
        raise UnknownCommand(f"there is no command {arguments[0]!r}; {USAGE}")
    settings = {**os.environ, "PATH": search, "VIRTUAL_ENV": str(home)}
    settings.pop("PYTHONHOME", None)
    if Path.cwd() != ROOT and ROOT not in Path.cwd().parents:
        os.chdir(ROOT)
    os.execve(program, list(arguments), settings)  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
