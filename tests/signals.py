"""Start a program that heeds signals although the tests may run as a background job."""

import sys

HEEDING_SIGNALS = (
    sys.executable,
    "-c",
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])",
)
"""Goes before a command line. A shell's background job ignores SIGINT and hands that on; a user's terminal does not."""
