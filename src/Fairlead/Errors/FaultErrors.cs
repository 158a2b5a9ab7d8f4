namespace Fairlead;

/// <summary>A fault cannot be injected now: fault injection is off, too many faults are active, or the server has nothing that this kind of fault could be done to. The message says which.</summary>
public sealed class FaultRefused(string message, Exception? innerException = null) : McpException(message, innerException);

/// <summary>No fault of this id is active.</summary>
public sealed class FaultNotFound(string message, Exception? innerException = null) : McpException(message, innerException);
