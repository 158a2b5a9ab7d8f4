"""Fairlead for Python: runs, guards and routes MCP servers, inside this process or over the REST API of a gateway."""

from .adapter import *  # noqa: F403
from .adapter import __all__ as _adapter
from .config import *  # noqa: F403
from .config import __all__ as _config
from .errors import *  # noqa: F403
from .errors import __all__ as _errors
from .hybrid import *  # noqa: F403
from .hybrid import __all__ as _hybrid
from .manager import *  # noqa: F403
from .manager import __all__ as _manager
from .models import *  # noqa: F403
from .models import __all__ as _models

__version__ = "0.1.0"
__all__ = ["__version__", *_adapter, *_config, *_errors, *_hybrid, *_manager, *_models]
