"""Standard streams that may be closed: lost messages are dropped, lost data is an error.

A training goes on when its terminal is closed, its pipe ends (``| head -1``) or the disk
under its log is full: messages go to stderr and may be lost, records go to files of the
run. The data of a verb goes to stdout, and losing it is an error.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

from vqfw.errors import OutputLost
from vqfw.terminal import printable


class _Forgiving:
    """A stream that drops what cannot be written; a later write is tried again."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @property
    def buffer(self) -> _Forgiving:
        return type(self)(self._stream.buffer)

    def write(self, text: str | bytes) -> int:
        with self._attempt():
            return cast("int", self._stream.write(text))
        return len(text)

    def writelines(self, lines: Iterable[str | bytes]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        with self._attempt():
            self._stream.flush()

    @contextmanager
    def _attempt(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._lose(error)
        except ValueError:
            if not getattr(self._stream, "closed", False):
                raise

    def _lose(self, error: OSError) -> None:
        """Drops it."""


class _Strict(_Forgiving):
    """A stream for data: what cannot be written is an error with one sentence."""

    def _lose(self, error: OSError) -> None:
        if isinstance(error, BrokenPipeError):
            raise error
        raise OutputLost(
            f"stdout cannot be written ({error.strerror}): make room there, or send it "
            "to another place"
        ) from error


class _Nowhere(io.TextIOBase):
    """Stands for a stream that the process was started without."""

    def write(self, text: str, /) -> int:
        return len(text + "")  # a TypeError for bytes tells that this is text


def forgiving(stream: TextIO | None) -> TextIO:
    """The same stream, but what cannot be written to it is dropped.

    >>> import io
    >>> closed = io.StringIO()
    >>> closed.close()
    >>> forgiving(closed).write("lost")
    4

    Args:
        stream: to write to; None, as Python has it for a closed stderr, drops everything.
    """
    if isinstance(stream, _Forgiving):
        return cast("TextIO", stream)
    gone = stream is None or stream.closed
    return cast("TextIO", _Forgiving(_Nowhere() if gone else stream))


def tell(text: str) -> None:
    """Writes a line to stderr; dropped if stderr is closed."""
    print(printable(text), file=forgiving(sys.stderr), flush=True)


@contextmanager
def standard_streams() -> Iterator[None]:
    """Until the end of the block, losing stderr is harmless and losing stdout an error.

    Raises:
        OutputLost: where something written to stdout does not arrive.
        BrokenPipeError: where its reader has gone, which needs no words.
    """
    _open_missing()
    out, err = sys.stdout, sys.stderr
    sys.stdout = cast("TextIO", _Strict(_Nowhere() if out is None else out))
    sys.stderr = forgiving(err)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = out, err
        for stream in (out, err):
            try:
                if stream is not None:
                    stream.flush()
            except (OSError, ValueError):
                _silence(stream)


def _silence(stream: Any) -> None:
    """Discards the buffer of a stream and all later output.

    Python would end with exit code 120 where it cannot write it.
    """
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, stream.fileno())
        finally:
            os.close(nowhere)
        stream.flush()


def _open_missing() -> None:
    """Opens the standard descriptors that are closed.

    The next file to be opened would get their number, and the lines that TensorFlow
    writes to descriptor 2 would go into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
