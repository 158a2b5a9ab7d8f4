using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Sessions;

/// <summary>A question that a legacy client has been asked and has not answered. Ends exactly once, by whoever takes it from the session.</summary>
/// <param name="method">What is asked.</param>
internal abstract class OpenQuestion(McpMethod method)
{
    /// <summary>What is asked.</summary>
    public McpMethod Method { get; } = method;

    /// <summary>The client answered.</summary>
    /// <param name="isResult">Whether with a result; else with an error.</param>
    /// <param name="payload">The raw <c>result</c> or <c>error</c>; copied when kept.</param>
    public abstract void Answer(bool isResult, ReadOnlySpan<byte> payload);

    /// <summary>Nobody will answer: the client is gone, or the call that caused the question has ended.</summary>
    public abstract void Decline();
}

/// <summary>A question that a legacy server sent as a request of its own and waits for.</summary>
/// <remarks>It keeps a reference to the call that it came with: a person may take minutes, so the call's idle deadline rests meanwhile.</remarks>
internal sealed class UpstreamQuestion : OpenQuestion
{
    private readonly ServerRequest _request;
    private UpstreamCall? _call;

    /// <summary>Begins to wait.</summary>
    /// <param name="message">The server's request.</param>
    /// <param name="call">The open call that it came with; null when it came without one.</param>
    public UpstreamQuestion(CallMessage message, UpstreamCall? call)
        : base(message.Envelope.KnownMethod)
    {
        _request = message.Question!;
        ProgressToken = message.Envelope.ProgressToken.Exists ? message.Envelope.ProgressToken.Of(message.Bytes).ToArray() : [];
        _call = call;
        call?.Retain();
        call?.RestIdleDeadline();
        _request.NoteAsked();
    }

    /// <summary>Who asked and waits.</summary>
    public UpstreamConnection AskedBy => _request.Connection;

    /// <summary>The server's token for progress on its request, raw; empty when it wants none.</summary>
    public byte[] ProgressToken { get; }

    /// <summary>Whether it has no call, or none any more. Nothing but time ends it then, when the client says nothing.</summary>
    public bool IsOutsideCalls => Volatile.Read(ref _call) is null;

    /// <summary>The id of the call that it has; null when it has none.</summary>
    public long? UpstreamId => Volatile.Read(ref _call)?.UpstreamId;

    /// <summary>Whether another open call of this owner may be the one that waits for it: on a pipe nobody knows (decision 8.4).</summary>
    public bool MayBeOf(object owner) => !_request.IsOver && AskedBy.SharesQuestions && AskedBy.Pending.HasCallOf(owner);

    /// <summary>Timestamp at which the client was asked.</summary>
    public long AskedAt { get; init; }

    /// <inheritdoc/>
    public override void Answer(bool isResult, ReadOnlySpan<byte> payload)
    {
        _request.Answer(isResult ? "result"u8 : "error"u8, payload);
        End();
    }

    /// <inheritdoc/>
    public override void Decline()
    {
        _request.Decline();
        End();
    }

    /// <summary>Whether the call that it came with has ended before it.</summary>
    public bool WasLeft { get; private set; }

    /// <summary>The call that it came with has ended, and it goes on without.</summary>
    public void Leave()
    {
        WasLeft = true;
        End();
    }

    private void End()
    {
        if (Interlocked.Exchange(ref _call, null) is { } call)
        {
            call.ResumeIdleDeadline();
            call.Release();
        }
    }
}
