"""One class for each error of the manager: the same words as in .NET and REST.

``McpException`` is the base of them all. ``RuntimeUnavailable``, ``ForkRefused`` and ``WrongEventLoop`` are about this process and have no
counterpart in .NET.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from .models import ToolResult

__all__ = [
    "AlreadyExists",
    "CircuitOpen",
    "ConnectionFailed",
    "DeploymentFailed",
    "FaultNotFound",
    "FaultRefused",
    "Forbidden",
    "ForkRefused",
    "HealthCheckFailed",
    "InternalError",
    "InvalidConfiguration",
    "InvalidRequest",
    "McpException",
    "OwnedElsewhere",
    "PreconditionFailed",
    "ResourceExhausted",
    "RuntimeShutdown",
    "RuntimeUnavailable",
    "ServerNotFound",
    "Timeout",
    "ToolFailed",
    "ToolNotFound",
    "Unauthenticated",
    "WrongEventLoop",
    "error_from_word",
]


class McpException(Exception):
    """The base of every error that a manager raises on purpose. Its text says what was wrong and how to mend it, and holds no secrets."""

    #: The word for this error in REST, .NET and logs.
    word: ClassVar[str] = "McpException"

    #: Whether the same request can succeed later without anything being changed, unless the manager says otherwise.
    _transient: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "word" not in cls.__dict__:
            cls.word = cls.__name__

    def __init__(
        self, message: str, *, server_id: str | None = None, retry_after: float | None = None, is_transient: bool | None = None, code: int | None = None
    ) -> None:
        super().__init__(message)
        #: The server concerned; None when it is about none, or about several.
        self.server_id = server_id
        #: When to try again at the earliest, in seconds. None: unknown, or trying again does not help.
        self.retry_after = retry_after
        #: Whether the same request can succeed later without anything being changed.
        self.is_transient = self._transient if is_transient is None else is_transient
        #: The JSON-RPC code of the server's answer, where there was one.
        self.code = code


class ServerNotFound(McpException):
    """No server has this id."""


class AlreadyExists(McpException):
    """A server of this name is deployed already: undeploy it, update it, or choose another name."""


class OwnedElsewhere(McpException):
    """The configuration file, or the program that Fairlead runs in, owns the server and is where it is changed."""


class PreconditionFailed(McpException):
    """Somebody else changed the server meanwhile: it is not in the version that the change was meant for. Read it again and decide anew."""


class ConnectionFailed(McpException):
    """The server (or, with ``url=``, the gateway) could not be reached, or was lost while it worked. A call that was lost may have had its effect."""

    _transient = True


class InvalidConfiguration(McpException):
    """The configuration breaks a rule; the text names key, value, rule and fix."""


class DeploymentFailed(McpException):
    """The server is part of the fleet but could not be brought into service."""


class HealthCheckFailed(McpException):
    """The server did not prove that it is healthy."""

    _transient = True


class CircuitOpen(McpException):
    """Calls to this server are refused for a while because it kept failing."""

    _transient = True


class ResourceExhausted(McpException):
    """A bound was reached; the text names it and its key."""

    _transient = True


class Timeout(McpException):
    """The server did not answer in time. It may still have acted on the call."""

    _transient = True


class Unauthenticated(McpException):
    """Credentials are missing or refused: those of the caller, or Fairlead's own at the server. The text says which."""


class Forbidden(McpException):
    """The caller is known but may not do this."""


class ToolNotFound(McpException):
    """The server has no tool of this name, or does not show it."""


class ToolFailed(McpException):
    """The tool ran and said that it failed, or the server refused the call with a JSON-RPC error (``code``)."""

    def __init__(self, message: str, *, result: ToolResult | None = None, **more: Any) -> None:
        super().__init__(message, **more)
        #: What the tool gave; None when the server answered with a JSON-RPC error instead.
        self.result = result


class RuntimeShutdown(McpException):
    """The manager is stopping or has stopped. Make another one."""


class FaultRefused(McpException):
    """A fault cannot be injected now. The text says why."""


class FaultNotFound(McpException):
    """No fault of this id is active."""


class InvalidRequest(McpException, ValueError):
    """An argument cannot be understood. The text says how to mend it."""


class InternalError(McpException):
    """A bug of Fairlead's own. Its log says more."""


class RuntimeUnavailable(RuntimeError):
    """Fairlead cannot run inside this process: the .NET runtime or a file of the package is missing or of the wrong version. The text names the next step."""


class ForkRefused(RuntimeError):
    """This process was forked from one that had loaded the .NET runtime, whose threads do not exist here. Start processes with ``spawn``."""


class WrongEventLoop(RuntimeError):
    """A manager belongs to the event loop that used it first."""


# What REST says of a request that no client of this package should send.
_REQUEST_WORDS = ("BodyTooLarge", "UnsupportedMediaType", "MethodNotAllowed", "NotFound", "RequestInProgress", "IdempotencyKeyReused")


def _all_below(base: type[McpException]) -> dict[str, type[McpException]]:
    found = {}
    for error in base.__subclasses__():
        found[error.word] = error
        found.update(_all_below(error))
    return found


_BY_WORD: dict[str, type[McpException]] = _all_below(McpException) | {word: InvalidRequest for word in _REQUEST_WORDS}


def error_from_word(word: str, message: str, **more: Any) -> McpException:
    """The error for a word of the API. One that this version does not know is a McpException with the word in its text."""
    known = _BY_WORD.get(word)
    return McpException(f"{word}: {message}", **more) if known is None else known(message, **more)
