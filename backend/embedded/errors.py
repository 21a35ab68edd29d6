class EmbeddedError(Exception):
    """Something a person has to fix; the message is one sentence that says how."""


class ProgramMissing(EmbeddedError):
    """Neither a wheel nor PATH has the program of a server."""


class PortTaken(EmbeddedError):
    """Another program listens on a port that one of our processes needs."""


class StartFailed(EmbeddedError):
    """A process ended, or was not ready in time, while it was started."""


class AlreadyRunning(EmbeddedError):
    """Another launcher works on the same data folder."""
