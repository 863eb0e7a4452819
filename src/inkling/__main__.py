"""`python -m inkling` and the `inkling` command: Ctrl-C from the first moment to the last.

Knows: what a command needs of its process, and what Ctrl-C means before it runs and after it has
ended. Within a command it is a KeyboardInterrupt that `cli.main` turns into a sentence. Nothing is
imported here that takes time: until the handler is set, Python answers Ctrl-C with a traceback.
"""

from __future__ import annotations

import _thread
import atexit
import contextlib
import os
import signal
import sys
import time
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

STOPPED = b"inkling: Stopped.\n"
STATUS = 130


def _stop_at_once(number: int, frame: FrameType | None) -> None:
    """While Python imports there is nothing to save. An exception would not do: what is being
    imported may catch it, or make another one of it."""
    os.write(2, STOPPED)
    os._exit(STATUS)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Ctrl-C within a command: a KeyboardInterrupt, but never into the middle of an import,
    where compiled modules swallow it; then it comes as soon as the import is done."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            _thread.start_new_thread(_interrupt_soon, ())
            return
        frame = frame.f_back
    raise KeyboardInterrupt


def _interrupt_again(problem: UnraisableHookArgs) -> None:
    """A KeyboardInterrupt that fell into a finaliser or a weak reference's callback is lost, and
    Python would print it: it is raised once more, where it can be caught."""
    if problem.exc_type is KeyboardInterrupt:
        # From another thread and a moment later: raised here and now it would be lost as well.
        _thread.start_new_thread(_interrupt_soon, ())
    else:
        sys.__unraisablehook__(problem)


def _interrupt_soon() -> None:
    time.sleep(0.05)
    _thread.interrupt_main()


def _with_utf8() -> None:
    """Begin again in UTF-8 mode where the locale knows ASCII alone (LC_ALL=C PYTHONUTF8=0): the
    command line, file names and what is printed are text everywhere else."""
    if sys.getfilesystemencoding() == "ascii" and not sys.flags.utf8_mode:
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def _with_streams() -> None:
    """Of a process that was begun without standard streams (`<&-`) Python has none, and half of
    the libraries expect them."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            stream = open(os.devnull, mode, encoding="utf-8")  # noqa: SIM115 - to the end
            setattr(sys, name, stream)


def run() -> None:
    """Entry point of the installed command."""
    os.umask(0o077)  # whatever a library writes is nobody else's (inkling.permissions)
    _with_utf8()
    _with_streams()
    # In the background of a script SIGINT is ignored, and stays so.
    answers = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if answers:
        signal.signal(signal.SIGINT, _stop_at_once)
        sys.unraisablehook = _interrupt_again
    status = STATUS
    try:
        from inkling.cli.main import main

        if answers:
            signal.signal(signal.SIGINT, _interrupt)
        status = main()
    except KeyboardInterrupt:  # just before or after main could catch it
        os.write(2, STOPPED)
    if answers:
        # All is done; what is left is Python's own end, once all is said.
        with contextlib.suppress(OSError):
            if sys.stdout is not None:
                sys.stdout.flush()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    if "torch" in sys.modules:
        _leave(status)
    sys.exit(status)


def _leave(status: int) -> None:
    """End now: taking torch's modules apart, which Python does last, takes half a second."""
    atexit._run_exitfuncs()
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:  # the reader went away, and wants no more
        pass
    except OSError as error:
        os.write(2, f"inkling: The output could not be written: {error.strerror}.\n".encode())
        status = status or 1
    os._exit(status)


if __name__ == "__main__":
    run()
