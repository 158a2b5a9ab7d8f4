using Fairlead.Configuration;
using Fairlead.Sessions;
using Fairlead.Wire;

namespace Fairlead.Exchanges;

/// <summary>How a round of a shimmed call ended.</summary>
internal enum ShimOutcome : byte
{
    /// <summary>The server is to be called again with <see cref="ShimRounds.Members"/>.</summary>
    Again,

    /// <summary>The input cannot be had; the exchange's <see cref="Exchange.InputFault"/> says why.</summary>
    Failed,

    /// <summary>The client cancelled the call or is gone: it wants no answer.</summary>
    Cancelled,
}

/// <summary>The shim (protocol.md 6.2): for a legacy client, the <c>input_required</c> results of a modern server become real requests, and their answers the next round.</summary>
/// <param name="session">Who is asked.</param>
/// <param name="limits">How long an answer may take (parkedLifetime), and the whole call when the server asks nothing (requestTimeoutMax).</param>
/// <param name="time">The clock.</param>
/// <remarks>For one call of one client; used by one thread at a time.</remarks>
internal sealed class ShimRounds(LegacySession session, LimitsOptions limits, TimeProvider time)
{
    /// <summary>Most rounds in which the client is asked.</summary>
    public const int RoundsMax = 8;

    /// <summary>Wait before a server is called again that asked nothing: it wants time.</summary>
    public static readonly TimeSpan StatePause = TimeSpan.FromMilliseconds(250);

    private readonly long _began = time.GetTimestamp();
    private int _rounds;

    /// <summary>Raw members of <c>params</c> for the next round: <c>inputResponses</c> and the byte-exact <c>requestState</c>.</summary>
    public byte[] Members { get; private set; } = [];

    /// <summary>Asks what the server wants to know and waits for the answers.</summary>
    /// <param name="exchange">Complete; its answer is <c>input_required</c>.</param>
    /// <param name="send">Sends a request to the client on the stream of its call.</param>
    /// <param name="hold">Waits for a task and keeps that stream alive meanwhile; throws what the task throws.</param>
    /// <param name="cancellationToken">The client cancelled, or is gone for good.</param>
    public async Task<ShimOutcome> NextAsync(Exchange exchange, Func<byte[], ValueTask> send, Func<Task, Task> hold, CancellationToken cancellationToken)
    {
        var wanted = InputRequired.Read(exchange);
        if (wanted.Requests.Count == 0)
        {
            return await PauseAsync(exchange, wanted, cancellationToken).ConfigureAwait(false);
        }

        if (++_rounds > RoundsMax)
        {
            exchange.InputFault = $"it asked more than {RoundsMax} times in one call";
            return ShimOutcome.Failed;
        }

        var asked = new List<(long Id, ShimQuestion Question)>();
        try
        {
            foreach (var request in wanted.Requests)
            {
                if (Refusal(request) is { } fault)
                {
                    exchange.InputFault = fault;
                    return ShimOutcome.Failed;
                }
            }

            foreach (var request in wanted.Requests)
            {
                var question = new ShimQuestion(request);
                if (!CanAsk(request))
                {
                    // It was not declared to the server, which asks all the same: declined as any client would (protocol.md 6.1).
                    question.Decline();
                    asked.Add((0, question));
                    continue;
                }

                var (id, message) = session.Questions.Ask(question, InputEdits.ForLegacy(request, session.Version));
                asked.Add((id, question));
                await send(message).ConfigureAwait(false);
            }

            await hold(Task.WhenAll(asked.Select(static one => one.Question.Answered)).WaitAsync(limits.ParkedLifetime, time, cancellationToken)).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            exchange.InputFault = $"the client did not answer within parkedLifetime ({limits.ParkedLifetime.TotalSeconds:0.#} s)";
            return ShimOutcome.Failed;
        }
        catch (OperationCanceledException)
        {
            return ShimOutcome.Cancelled;
        }
        finally
        {
            foreach (var (id, _) in asked)
            {
                if (session.Questions.Decline(id))
                {
                    await send(SessionQuestions.Withdrawal(id)).ConfigureAwait(false);
                }
            }
        }

        if (asked.Find(static one => one.Question.Fault is not null).Question is { } failed)
        {
            exchange.InputFault = failed.Fault;
            return ShimOutcome.Failed;
        }

        Members = Compose(asked.ConvertAll(static one => one.Question), wanted.RequestState);
        return ShimOutcome.Again;
    }

    private async Task<ShimOutcome> PauseAsync(Exchange exchange, InputRequired wanted, CancellationToken cancellationToken)
    {
        if (wanted.RequestState.Length == 0)
        {
            exchange.InputFault = "it asks for input and names none";
            return ShimOutcome.Failed;
        }

        if (time.GetElapsedTime(_began) > limits.RequestTimeoutMax)
        {
            exchange.InputFault = $"it was not done within requestTimeoutMax ({limits.RequestTimeoutMax.TotalSeconds:0.#} s)";
            return ShimOutcome.Failed;
        }

        try
        {
            await Task.Delay(StatePause, time, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return ShimOutcome.Cancelled;
        }

        Members = Compose([], wanted.RequestState);
        return ShimOutcome.Again;
    }

    private bool CanAsk(InputRequest request) =>
        ClientInputs.Refusal(session.Input, ClientInputs.NeedOf(request.Method, request.Parameters, new ByteRange(0, request.Parameters.Length))) == 0;

    /// <summary>Why the call cannot go on because of this question; null when it can be asked, or be declined in words that the revision has.</summary>
    private string? Refusal(InputRequest request) => request.Method switch
    {
        McpMethod.ElicitationCreate or McpMethod.RootsList => null,
        McpMethod.SamplingCreateMessage => CanAsk(request) ? null : "it wants the client's model, which the client does not lend in this form",
        _ => $"its question {System.Text.Encoding.UTF8.GetString(request.Key)} is none that a client can be asked",
    };

    private static byte[] Compose(List<ShimQuestion> answered, byte[] requestState)
    {
        using var members = new MemoryStream();
        if (answered.Count != 0)
        {
            members.Write("\"inputResponses\":{"u8);
            for (var i = 0; i < answered.Count; i++)
            {
                members.Write(i == 0 ? [] : ","u8);
                members.Write(answered[i].Key);
                members.Write(":"u8);
                members.Write(answered[i].Response);
            }

            members.Write("}"u8);
        }

        if (requestState.Length != 0)
        {
            members.Write(members.Length == 0 ? "\"requestState\":"u8 : ",\"requestState\":"u8);
            members.Write(requestState);
        }

        return members.ToArray();
    }

    /// <summary>One question on its way through a legacy client. The revision of the server knows results only, so what is no result becomes one or ends the call.</summary>
    private sealed class ShimQuestion(InputRequest request) : OpenQuestion(request.Method)
    {
        private readonly TaskCompletionSource _answered = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public byte[] Key => request.Key;

        /// <summary>Completes with the answer, or with its absence.</summary>
        public Task Answered => _answered.Task;

        /// <summary>The raw result; valid once answered without <see cref="Fault"/>.</summary>
        public byte[] Response { get; private set; } = [];

        /// <summary>Why there is no result; null when there is one.</summary>
        public string? Fault { get; private set; }

        public override void Answer(bool isResult, ReadOnlySpan<byte> payload)
        {
            if (isResult)
            {
                Response = payload.ToArray();
                Response.AsSpan().Replace((byte)'\n', (byte)' ');
                Response.AsSpan().Replace((byte)'\r', (byte)' ');
            }
            else if (Method == McpMethod.ElicitationCreate)
            {
                Response = "{\"action\":\"cancel\"}"u8.ToArray();
            }
            else
            {
                var text = payload[0] == (byte)'{' && JsonMembers.TryFind(payload, new ByteRange(0, payload.Length), "message"u8, out var message) ? JsonText.ToString(message.Of(payload)) : null;
                Fault = $"the client refused {System.Text.Encoding.ASCII.GetString(McpMethods.NameOf(Method))}: {text ?? "no message"}";
            }

            _answered.TrySetResult();
        }

        public override void Decline()
        {
            switch (Method)
            {
                case McpMethod.ElicitationCreate:
                    Response = "{\"action\":\"cancel\"}"u8.ToArray();
                    break;
                case McpMethod.RootsList:
                    Response = "{\"roots\":[]}"u8.ToArray();
                    break;
                default:
                    Fault = "the client is gone";
                    break;
            }

            _answered.TrySetResult();
        }
    }
}
