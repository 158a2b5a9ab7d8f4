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
    private readonly UpstreamConnection _askedBy;
    private readonly byte[] _upstreamId;
    private readonly UpstreamCall? _call;

    /// <summary>Begins to wait.</summary>
    /// <param name="question">The server's request.</param>
    /// <param name="call">The open call that it came with; null when it came without one.</param>
    public UpstreamQuestion(CallMessage question, UpstreamCall? call)
        : base(question.Envelope.KnownMethod)
    {
        _askedBy = question.AskedBy!;
        _upstreamId = question.Envelope.Id.Of(question.Bytes).ToArray();
        _call = call;
        call?.Retain();
        call?.RestIdleDeadline();
    }

    /// <summary>Who asked and waits.</summary>
    public UpstreamConnection AskedBy => _askedBy;

    /// <summary>Whether it came without a call. Nothing but time ends it then, when the client says nothing.</summary>
    public bool IsOutsideCalls => _call is null;

    /// <summary>Timestamp at which the client was asked.</summary>
    public long AskedAt { get; init; }

    /// <inheritdoc/>
    public override void Answer(bool isResult, ReadOnlySpan<byte> payload)
    {
        _askedBy.AnswerQuestion(_upstreamId, isResult ? "result"u8 : "error"u8, payload);
        End();
    }

    /// <inheritdoc/>
    public override void Decline()
    {
        QuestionRouter.Decline(_askedBy, _upstreamId, Method);
        End();
    }

    private void End()
    {
        _call?.ResumeIdleDeadline();
        _call?.Release();
    }
}
