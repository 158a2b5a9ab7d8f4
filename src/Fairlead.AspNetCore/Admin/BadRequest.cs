namespace Fairlead.AspNetCore.Admin;

/// <summary>A request to the API that cannot be understood. The message says how to mend it and goes to the client.</summary>
/// <param name="message">For the client.</param>
/// <param name="status">The HTTP status.</param>
/// <param name="title">The word of the error.</param>
internal sealed class BadRequest(string message, int status = 400, string title = "InvalidRequest") : Exception(message)
{
    /// <summary>The HTTP status.</summary>
    public int Status => status;

    /// <summary>The word of the error.</summary>
    public string Title => title;
}
