"""Locks of open files, on every system: one process at a time holds a lock.

The system releases a lock when its file is closed or its process ends. Windows locks the
first byte of the file, which no other process can read then.
"""

from __future__ import annotations

import errno
from typing import IO, Any

# Of file systems without locks, such as some network disks.
_WITHOUT_LOCKS = {errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK}


def take_lock(file: IO[Any], wait: bool = False) -> bool:
    """Takes the lock of an open file, until the file is closed.

    On a file system without locks it always succeeds.

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
