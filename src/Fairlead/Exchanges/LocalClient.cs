using System.Text.Json;
using Fairlead.Routing;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Exchanges;

/// <summary>The caller inside this process: what it can be asked, and how its answers get back to the server.</summary>
/// <remarks>The handlers are set before the first call and not changed afterwards; what is absent is not declared (decision 16).</remarks>
internal sealed class LocalClient
{
    private Caller? _caller;

    /// <summary>Answers <c>elicitation/create</c>; null = cannot be asked.</summary>
    public Func<ServerQuestion, CancellationToken, Task<object>>? OnElicitation { get; set; }

    /// <summary>Answers <c>sampling/createMessage</c>; null = cannot be asked.</summary>
    public Func<ServerQuestion, CancellationToken, Task<object>>? OnSampling { get; set; }

    /// <summary>Whether it can be asked anything.</summary>
    public bool CanBeAsked => OnElicitation is not null || OnSampling is not null;

    /// <summary>Whether it can be asked this.</summary>
    public bool CanAnswer(McpMethod method) => HandlerOf(method) is not null;

    /// <summary>What instances and questions are chosen by.</summary>
    public Caller Caller => _caller ??= new Caller(this, ComposeCapabilities());

    /// <summary>Answers a question that came with a call. Never throws for what the handler does: the server is told. When the server withdraws it, the handler's token is cancelled.</summary>
    /// <exception cref="OperationCanceledException">The caller gave the call up; the question has been declined.</exception>
    public async Task AnswerAsync(CallMessage question, string server, CancellationToken cancellationToken)
    {
        var request = question.Question!;
        if (HandlerOf(request.Method) is not { } handler)
        {
            request.Decline();
            return;
        }

        request.NoteAsked();
        using var unwanted = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var withdrawn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        request.WhenWithdrawn(withdrawn.SetResult);
        try
        {
            var asking = AskAsync(handler, server, question.Envelope.Params.Of(question.Bytes).ToArray(), unwanted.Token);
            if (await Task.WhenAny(asking, withdrawn.Task).ConfigureAwait(false) != asking)
            {
                await unwanted.CancelAsync().ConfigureAwait(false);
            }

            var answer = await asking.ConfigureAwait(false);
            request.Answer("result"u8, answer);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            request.Decline();
            throw;
        }
        catch (Exception)
        {
            // The edge to code that is not ours; its words may hold secrets and stay here. The server hears nothing of it when it does not wait any more.
            request.Answer("error"u8, "{\"code\":-32603,\"message\":\"The client failed to answer.\"}"u8);
        }
    }

    /// <summary>Answers the questions of an <c>input_required</c> result (MCP 2026-07-28, basic/utilities/mrtr).</summary>
    /// <param name="result">The raw result.</param>
    /// <param name="server">Who asks.</param>
    /// <param name="cancellationToken">Passed to the handlers.</param>
    /// <returns>Raw members for the <c>params</c> of the next round; null when it asks something that nobody here can answer.</returns>
    public async Task<byte[]?> AnswerAllAsync(ReadOnlyMemory<byte> result, string server, CancellationToken cancellationToken)
    {
        using var document = JsonDocument.Parse(result);
        using var members = new MemoryStream();
        if (document.RootElement.TryGetProperty("inputRequests"u8, out var requests) && requests.ValueKind == JsonValueKind.Object)
        {
            members.Write("\"inputResponses\":{"u8);
            var first = true;
            foreach (var request in requests.EnumerateObject())
            {
                var method = request.Value.TryGetProperty("method"u8, out var name) ? name.GetString() : null;
                if (HandlerOf(McpMethods.Find(System.Text.Encoding.UTF8.GetBytes(method ?? ""))) is not { } handler)
                {
                    return null;
                }

                var asked = request.Value.TryGetProperty("params"u8, out var given) ? ToolArguments.RawOf(given) : [];
                var answer = await AskAsync(handler, server, asked, cancellationToken).ConfigureAwait(false);
                members.Write(first ? [] : ","u8);
                members.Write(JsonText.Quote(request.Name));
                members.Write(":"u8);
                members.Write(answer);
                first = false;
            }

            members.Write("}"u8);
        }

        if (document.RootElement.TryGetProperty("requestState"u8, out var state))
        {
            members.Write(members.Length == 0 ? "\"requestState\":"u8 : ",\"requestState\":"u8);
            members.Write(ToolArguments.RawOf(state));
        }

        return members.ToArray();
    }

    private static async Task<byte[]> AskAsync(
        Func<ServerQuestion, CancellationToken, Task<object>> handler, string server, byte[] rawParams, CancellationToken cancellationToken)
    {
        JsonElement given = default;
        if (rawParams.Length != 0)
        {
            using var document = JsonDocument.Parse(rawParams);
            given = document.RootElement.Clone();
        }

        return ToolArguments.Serialise(await handler(new ServerQuestion(server, given), cancellationToken).ConfigureAwait(false));
    }

    private Func<ServerQuestion, CancellationToken, Task<object>>? HandlerOf(McpMethod method) => method switch
    {
        McpMethod.ElicitationCreate => OnElicitation,
        McpMethod.SamplingCreateMessage => OnSampling,
        _ => null,
    };

    private byte[] ComposeCapabilities() => (OnElicitation, OnSampling) switch
    {
        (not null, not null) => "{\"elicitation\":{\"form\":{},\"url\":{}},\"sampling\":{}}"u8.ToArray(),
        (not null, null) => "{\"elicitation\":{\"form\":{},\"url\":{}}}"u8.ToArray(),
        (null, not null) => "{\"sampling\":{}}"u8.ToArray(),
        _ => "{}"u8.ToArray(),
    };
}
