namespace Fairlead.Interop;

/// <summary>What a record in the completion buffer holds. The numbers are part of the binary interface.</summary>
internal enum CompletionKind
{
    /// <summary>A tool's raw result, or a command's reply as JSON. The operation has ended.</summary>
    Result = 0,

    /// <summary>A tool's raw result that says <c>isError</c>. The operation has ended.</summary>
    ToolError = 1,

    /// <summary>An error as JSON (<see cref="ErrorText"/>). The operation has ended.</summary>
    Failure = 2,

    /// <summary>The operation was cancelled by its caller and has ended; no bytes.</summary>
    Cancelled = 3,

    /// <summary>A step of progress as JSON. The operation goes on.</summary>
    Progress = 4,

    /// <summary>A log entry as JSON; its id is 0.</summary>
    Log = 5,
}

/// <summary>One record for the caller.</summary>
/// <param name="Id">The caller's own number of the operation.</param>
/// <param name="Kind">What the bytes are.</param>
/// <param name="Bytes">Not changed any more.</param>
internal readonly record struct Completion(long Id, CompletionKind Kind, ReadOnlyMemory<byte> Bytes);
