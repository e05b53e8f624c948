"""Runs a command on a pseudo-terminal as a person would: looks, types, resizes.

usage: terminal.py ROWSxCOLUMNS STEP... -- COMMAND...
steps: "see TEXT" waits until TEXT has been shown since the last step that saw something; "type LINE"; "keys BYTE...";
       "resize ROWSxCOLUMNS". What the terminal showed is printed, then the command's exit code.
"""

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time

HANG_SECONDS = 30
# The docker client may miss a change of size that comes while it starts; a person would drag the window on.
NUDGE_SECONDS = 0.5


class Terminal:
    def __init__(self, size, command):
        self.shown = b""
        self.seen = 0
        # The command reads the size at its start, so it waits until that is set.
        ready, go = os.pipe()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.close(go)
            os.read(ready, 1)
            os.execvp(command[0], command)
        self.resize(size)
        os.close(ready)
        os.close(go)

    def resize(self, size):
        rows, columns = map(int, size.split("x"))
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def see(self, text):
        end = time.monotonic() + HANG_SECONDS
        while text.encode() not in self.shown[self.seen :]:
            if not self.read(end):
                sys.exit(f"never shown: {text!r}; shown: {self.shown!r}")
        self.seen = self.shown.index(text.encode(), self.seen) + len(text)

    def type(self, line):
        os.write(self.fd, line.encode() + b"\n")

    def keys(self, numbers):
        for number in numbers.split():
            os.write(self.fd, bytes([int(number)]))

    def read(self, end):
        """Takes in what is shown next; False when the time is up or the terminal's other end is gone."""
        while not select.select([self.fd], [], [], NUDGE_SECONDS)[0]:
            if time.monotonic() > end:
                return False
            os.kill(self.pid, signal.SIGWINCH)
        try:
            news = os.read(self.fd, 65536)
        except OSError:  # how Linux says that the other end is gone
            news = b""
        self.shown += news
        return news != b""

    def end(self):
        end = time.monotonic() + HANG_SECONDS
        while self.read(end):
            pass
        if time.monotonic() > end:
            os.kill(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status)


def main(size, *rest):
    steps, command = rest[: rest.index("--")], rest[rest.index("--") + 1 :]
    terminal = Terminal(size, command)
    for step in steps:
        verb, argument = step.split(" ", 1)
        getattr(terminal, verb)(argument)
    code = terminal.end()
    print(terminal.shown.decode())
    print("exit code", code)


main(*sys.argv[1:])
