"""What a worker process of a local cluster loads first.

Ctrl-C in a terminal reaches every process of its group. The main process handles it and ends the
workers, which ignore it.
"""

import signal

signal.signal(signal.SIGINT, signal.SIG_IGN)
