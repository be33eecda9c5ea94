"""``python -m kmseg``.

Nothing slow is imported before Ctrl-C is handled.
"""

import _thread
import os
import signal
import sys


def _exit_on_ctrl_c() -> None:
    """Make Ctrl-C end the program at once: one line, and 130, the exit status of shells.

    A ``KeyboardInterrupt`` would not do. While libraries load it may be raised where it is printed
    and ignored (in callbacks), and compiled code would have to return first. So a thread of its own
    ends the process when the signal's C handler writes into a pipe. A parent process that made
    children ignore SIGINT, as ``nohup`` and shells do in the background, is obeyed.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return
    reading, writing = os.pipe()
    os.set_blocking(writing, False)  # as set_wakeup_fd wants it

    def wait() -> None:
        os.read(reading, 1)
        # On a terminal the line replaces "^C" and what shows progress.
        clear = "\r\x1b[K" if os.isatty(2) else ""
        try:
            os.write(2, f"{clear}kmseg: stopped by Ctrl-C\n".encode())
        finally:
            os._exit(130)

    _thread.start_new_thread(wait, ())
    signal.set_wakeup_fd(writing)
    signal.signal(signal.SIGINT, lambda number, frame: None)


def _main() -> int:
    _exit_on_ctrl_c()
    from kmseg.cli import main

    return main()


if __name__ == "__main__":
    sys.exit(_main())
