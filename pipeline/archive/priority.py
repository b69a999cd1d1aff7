"""Reading files in the background: the threads that compute checksums step back behind everything else.

A thread can be slowed down by itself on every system that rigs run: no process of its own is needed.
"""

from __future__ import annotations

import logging
import os
import sys
import threading

_LOG = logging.getLogger("mapshell.priority")

_NICE = 19
# Windows: processor, memory and disk of this thread are used only when nobody else wants them.
_THREAD_MODE_BACKGROUND_BEGIN = 0x00010000
# macOS: the same, of this thread (0).
_PRIO_DARWIN_THREAD, _PRIO_DARWIN_BG = 3, 0x1000


def step_back() -> str:
    """Lower the priority of the calling thread; return what was done, empty when the system did not allow it.

    Linux: nice 19 of this thread alone, from which its disk priority follows (the lowest, with schedulers that heed
    one).  Windows and macOS: background mode of this thread, which holds for the disk too.
    """
    try:
        return _step_back()
    except (OSError, AttributeError, ValueError) as error:
        _LOG.debug("This thread keeps its priority.", exc_info=error)
        return ""


def _step_back() -> str:
    if sys.platform == "win32":
        import ctypes

        kernel = ctypes.windll.kernel32
        kernel.GetCurrentThread.restype = ctypes.c_void_p  # a handle of 64 bits
        done = kernel.SetThreadPriority(ctypes.c_void_p(kernel.GetCurrentThread()), _THREAD_MODE_BACKGROUND_BEGIN)
        return "background mode" if done else ""
    if sys.platform == "darwin":
        os.setpriority(_PRIO_DARWIN_THREAD, 0, _PRIO_DARWIN_BG)
        return "background mode"
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
    return f"nice {_NICE}"
