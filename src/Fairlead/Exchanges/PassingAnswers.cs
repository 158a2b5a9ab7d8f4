using Fairlead.Exchanges.Tasks;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Exchanges;

/// <summary>Which long answers can be passed on while they come, and what is written otherwise in them for their clients (docs/adr/0006).</summary>
/// <remarks>What <see cref="AnswerSplicer"/> does with an answer that it has whole, as far as that can be done without having it. All other answers are held, up to <c>upstreamMessageBytesMax</c>.</remarks>
internal static class PassingAnswers
{
    /// <summary>Whether an answer can be passed on. On the reader's thread; looks at nothing that the client's side may have given back.</summary>
    /// <param name="exchange">The call.</param>
    /// <param name="look">The first bytes of its answer.</param>
    public static bool CanPass(Exchange exchange, ReadOnlySpan<byte> look)
    {
        var method = exchange.RequestEnvelope.KnownMethod;
        if (method is not (McpMethod.ToolsCall or McpMethod.PromptsGet or McpMethod.ResourcesRead) || ContentEdits.AreRewritten(exchange))
        {
            return false;
        }

        // Errors, several messages in one, and what is said about another call show at once, or are not taken for an answer that can pass.
        var answer = new LongAnswer(EditsFor(exchange, default));
        if (!answer.Take(look, null) || !answer.HasResult)
        {
            return false;
        }

        var isPlain = exchange.TaskRole switch
        {
            TaskRole.None or TaskRole.Declines => true,

            // What creates a task has no content, and says so in its resultType in 2026-07-28.
            TaskRole.Creates => answer.HasContent || answer.ResultType == "complete",
            _ => false,
        };
        if (isPlain && answer.ContentStart != 0 && method == McpMethod.ToolsCall)
        {
            ContentEdits.NoteResources(exchange, look, (int)answer.ContentStart);
        }

        return isPlain;
    }

    /// <summary>Begins to write the answer of a call for its client.</summary>
    public static LongAnswer Begin(Exchange exchange) => new(EditsFor(exchange, exchange.RequestEnvelope.Id.Of(exchange.Request.Span).ToArray()));

    /// <summary>What it means for a call that its answer could not be passed on to the end.</summary>
    public static (ForwardError Error, string? Detail) ErrorOf(LongAnswerFault fault) => fault switch
    {
        LongAnswerFault.None => (ForwardError.None, null),
        LongAnswerFault.Cut => (ForwardError.ServerLost, "its answer ended in the middle"),
        LongAnswerFault.OtherId => (ForwardError.AnswerInvalid, "it answered another request than the one it was sent"),
        LongAnswerFault.TooDeep => (ForwardError.AnswerInvalid, "its answer is nested deeper than jsonDepthMax"),
        LongAnswerFault.OtherType => (ForwardError.InputNotPossible, $"it said so only after the first {AnswerStream.LookBytes} bytes of its answer, which had been passed on by then"),
        _ => (ForwardError.AnswerInvalid, "its answer is no result of a JSON-RPC request"),
    };

    private static LongAnswerEdits EditsFor(Exchange exchange, ReadOnlyMemory<byte> id)
    {
        var clientIsModern = exchange.ClientVersion.IsModern();
        var toLegacy = !clientIsModern && exchange.AnswerVersion.IsModern();
        var method = exchange.RequestEnvelope.KnownMethod;
        return new LongAnswerEdits
        {
            UpstreamId = exchange.UpstreamId,
            Id = id,
            DepthMax = exchange.Connection!.Limits.JsonDepthMax,
            RemovesModernMembers = toLegacy,
            AddsResultType = clientIsModern,
            AddsCacheHints = clientIsModern && method == McpMethod.ResourcesRead,
            Wrap = !toLegacy || method != McpMethod.ToolsCall ? StructuredContentWrap.Never
                : exchange.Route is { Entry.WrapsOutput: true } ? StructuredContentWrap.Always : StructuredContentWrap.UnlessObject,
        };
    }
}
