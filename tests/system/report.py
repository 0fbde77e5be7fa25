"""A line for every check, and an exit status for all of them."""

import contextlib
import signal
import sys
import traceback

_failed = []


@contextlib.contextmanager
def check(name):
    """Prints `ok name`, or `FAILED name: why`; the checks after it go on."""
    try:
        yield
    except Exception as error:
        _failed.append(name)
        why = " ".join(str(error).split()) or type(error).__name__
        print(f"FAILED {name}: {why}", flush=True)
        if not isinstance(error, (AssertionError, RuntimeError)):
            traceback.print_exc()
    else:
        print(f"ok {name}", flush=True)


def skipped(why):
    """Says that checks can't be made, which isn't a failure."""
    print(f"skipped {why}", flush=True)


def expect(holds, otherwise):
    """Fails the check that this stands in."""
    if not holds:
        raise AssertionError(otherwise)


def run(checks):
    """Runs `checks` with the binary that the command line names. Being told to stop unwinds, so
    that everything that was started is stopped."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    checks(sys.argv[1])
    sys.exit(1 if _failed else 0)
