"""Memory that was freed goes back to the system, for else a long session grows and grows."""

import ctypes
import sys

# Blocks that stay (the answers that undo needs) lie among those of a computation, and glibc keeps
# the holes. malloc_trim gives whole pages back; macOS, Windows and musl have no such function.
_TRIM = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None


def give_back() -> None:
    """Let go of what the allocator keeps for later: some 3 ms, and the next answer is as fast."""
    if _TRIM is not None:
        _TRIM(0)
