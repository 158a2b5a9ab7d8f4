namespace Fairlead.EndToEnd.Tests.Clients;

/// <summary>What a call came to at a client.</summary>
/// <param name="Text">Text of the result.</param>
/// <param name="Questions">What the client was asked meanwhile: the message of a form, the text for the model, or <c>roots</c>.</param>
internal sealed record CallOutcome(string Text, IReadOnlyList<string> Questions);

/// <summary>Where a client connects.</summary>
/// <param name="Url">An endpoint; null = a program on stdio.</param>
/// <param name="Command">The program and its arguments; empty with a URL.</param>
internal sealed record ClientTarget(Uri? Url, params string[] Command);

/// <summary>A real client of an SDK that can be asked: it fills in forms, lends a model and has roots, all under its own name. One call at a time.</summary>
internal abstract class InteractiveClient : IAsyncDisposable
{
    /// <summary>Who it says it is, and what its answers speak of.</summary>
    public required string Name { get; init; }

    /// <summary>The revision that was negotiated.</summary>
    public required string Revision { get; init; }

    /// <summary>Completes when progress of the latest call has come, which an SDK may tell after the result.</summary>
    public Task Progressed => Progress.Task;

    /// <summary>Made anew for each call.</summary>
    protected TaskCompletionSource Progress { get; set; } = new();

    /// <summary>Connects a client.</summary>
    /// <param name="sdk"><c>csharp</c> or <c>typescript</c>.</param>
    /// <param name="revision">2026-07-28, or 2025-11-25.</param>
    public static async Task<InteractiveClient> ConnectAsync(string sdk, string name, string revision, ClientTarget target) => sdk == "csharp"
        ? await CSharpClient.ConnectAsync(name, revision, target)
        : await TypeScriptClient.ConnectAsync(name, revision, target);

    /// <summary>Calls a tool to its end.</summary>
    public abstract Task<CallOutcome> CallAsync(string tool, IReadOnlyDictionary<string, string>? arguments = null);

    /// <summary>Calls a tool; a form stays open until <see cref="AnswerAsync"/>.</summary>
    /// <param name="asked">Completes with the message when a form is open.</param>
    public abstract Task<CallOutcome> CallAndHoldAsync(string tool, IReadOnlyDictionary<string, string> arguments, out Task<string> asked);

    /// <summary>Answers the form that is held.</summary>
    public abstract Task AnswerAsync();

    /// <inheritdoc/>
    public abstract ValueTask DisposeAsync();
}
