"""``python -m kmseg``.

Nothing slow is imported before Ctrl-C is handled.
"""

import _thread
import os
import signal
import sys


def _exit_on_ctrl_c() -> None:
    """Make Ctrl-C end the program at once, with one line and exit status 130, as shells use.

    ``KeyboardInterrupt`` is not enough: callbacks of libraries print and ignore it, and it waits
    until compiled code returns. Instead, Python's C handler of the signal writes into a pipe, and a
    thread that reads the pipe deletes unfinished files and ends the process and its workers. If the
    parent process made this one ignore SIGINT, as shells do for background jobs, it stays ignored.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return
    reading, writing = os.pipe()
    os.set_blocking(writing, False)  # set_wakeup_fd requires it

    def wait() -> None:
        os.read(reading, 1)
        _finish()
        # On a terminal, overwrite "^C" and the progress line.
        clear = "\r\x1b[K" if os.isatty(2) else ""
        try:
            os.write(2, f"{clear}kmseg: stopped by Ctrl-C\n".encode())
        finally:
            os._exit(130)

    _thread.start_new_thread(wait, ())
    signal.set_wakeup_fd(writing)
    signal.signal(signal.SIGINT, lambda number, frame: None)


def _finish() -> None:
    """End workers and delete unfinished files, if the modules for it are loaded, even in part."""
    for module, name in (
        ("kmseg.batch.stopping", "stop"),
        ("kmseg.output.files", "discard_unfinished"),
    ):
        finish = getattr(sys.modules.get(module), name, None)
        if finish is not None:
            finish()


def _main() -> int:
    _exit_on_ctrl_c()
    from kmseg.cli import main

    return main()


if __name__ == "__main__":
    sys.exit(_main())
