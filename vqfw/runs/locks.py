"""Locks of open files, on every system: one process at a time may hold one.

The system releases the lock of a process that ended, however it ended, and the lock of a
file that is closed. Windows locks the first byte of the file, and nobody else can read it.
"""

from __future__ import annotations

import errno
from typing import IO, Any

# A file system without locks (some network disks) keeps no two processes apart.
_WITHOUT_LOCKS = {errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK}


def take_lock(file: IO[Any], wait: bool = False) -> bool:
    """Takes the lock of an open file, until the file is closed.

    A file system that has no locks gives one to everybody.

    Args:
        file: open for writing.
        wait: whether to wait while others hold the lock.

    Returns:
        Whether it is taken; False only without ``wait``.

    Raises:
        OSError: if the file cannot be locked.
    """
    # A listing of runs needs no lock, and this import would double its time.
    from filelock import lock_descriptor

    try:
        return lock_descriptor(file.fileno(), blocking=wait)
    except OSError as error:
        if error.errno in _WITHOUT_LOCKS:
            return True
        raise
