namespace Fairlead.Load;

/// <summary>A figure could not be taken: something did not start, or answered wrongly. The message is all that the user sees.</summary>
internal sealed class BenchFailedException(string message) : Exception(message);
