"""The exit codes of the command line."""

from enum import IntEnum


class Exit(IntEnum):
    OK = 0
    REFUSED = 1
    USAGE = 2
    PARTIAL = 3
    UNREACHABLE = 4
    INTERRUPTED = 130


HELP = """\b
Exit codes:
  0    ok
  1    the platform refused, or a file could not be read or written
  2    wrong usage
  3    partial: some of the files were refused
  4    the server cannot be reached
  130  interrupted"""
