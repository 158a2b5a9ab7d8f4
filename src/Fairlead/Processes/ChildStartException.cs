namespace Fairlead.Processes;

/// <summary>A child could not be started. The message names the command, what was searched and how to mend it; it holds no variable's value.</summary>
/// <param name="message">What was wrong and how to mend it.</param>
/// <param name="innerException">The system's error, when it refused the start itself.</param>
internal sealed class ChildStartException(string message, Exception? innerException = null) : Exception(message, innerException);
