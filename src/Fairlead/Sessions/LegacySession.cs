using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Fairlead.Routing;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Sessions;

/// <summary>A question of a server that a client has been asked and has not answered.</summary>
/// <param name="AskedBy">The connection that waits.</param>
/// <param name="UpstreamId">The raw id token of the server.</param>
/// <param name="Method">What was asked.</param>
internal sealed record OpenQuestion(UpstreamConnection AskedBy, byte[] UpstreamId, McpMethod Method);

/// <summary>What Fairlead keeps of a legacy client between its requests (protocol.md 5).</summary>
/// <remarks>Any request of the session may run at any time; everything here is safe for that. It is the owner (decision 8) of its calls.</remarks>
internal sealed class LegacySession
{
    private readonly ConcurrentDictionary<long, OpenQuestion> _questions = new();
    private readonly TimeProvider _timeProvider;
    private long _nextQuestion;
    private long _lastUsed;
    private volatile LegacyClient _client;
    private volatile int _openStreams;

    /// <summary>Opens a session.</summary>
    /// <param name="id">The value of <c>Mcp-Session-Id</c>.</param>
    /// <param name="ticket">What it is: endpoint (it is not known anywhere else), revision, and the client's words.</param>
    /// <param name="timeProvider">The clock.</param>
    /// <param name="isRevived">Whether an earlier process opened it. Its streams and questions then get numbers that the earlier one cannot have given out.</param>
    public LegacySession(string id, SessionTicket ticket, TimeProvider timeProvider, bool isRevived = false)
    {
        Id = id;
        Created = ticket.Created;
        Endpoint = ticket.Endpoint;
        Version = ticket.Version;
        ClientInfo = ticket.ClientInfo;
        _timeProvider = timeProvider;
        _lastUsed = timeProvider.GetTimestamp();
        var numbersAfter = isRevived ? timeProvider.GetUtcNow().ToUnixTimeMilliseconds() : 0;
        _nextQuestion = numbersAfter;
        Log = new SessionEventLog(timeProvider, numbersAfter);
        Caller = new Caller(this, ticket.Capabilities) { IsSession = true, Principal = Caller.LocalPrincipal };
        _client = new LegacyClient(
        [
            .. "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientCapabilities\":{}"u8,
            .. ClientInfo.Length == 0 ? default : ",\"io.modelcontextprotocol/clientInfo\":"u8, .. ClientInfo,
        ]);
    }

    /// <summary>The value of <c>Mcp-Session-Id</c>: 128 random bits and a sealed ticket, no credential.</summary>
    public string Id { get; }

    /// <summary>When it began, in whole seconds; in an earlier process, when it was revived.</summary>
    public DateTimeOffset Created { get; }

    /// <summary>The endpoint the session belongs to; null = the aggregate.</summary>
    public string? Endpoint { get; }

    /// <summary>The negotiated revision.</summary>
    public ProtocolVersion Version { get; }

    /// <summary>The raw clientInfo; empty when the client gave none.</summary>
    public byte[] ClientInfo { get; }

    /// <summary>The client as the owner of calls, with the capabilities it declared.</summary>
    public Caller Caller { get; }

    /// <summary>What a modern server is told of the client. No capability is declared: until the bridge carries questions across eras nobody could be asked (protocol.md 6.1).</summary>
    public LegacyClient Client => _client;

    /// <summary>The streams and their events.</summary>
    public SessionEventLog Log { get; }

    /// <summary>URIs that the session subscribed to (the client's own, as <see cref="SubscribedResource.Spell"/> writes them), with the resource of each.</summary>
    public ConcurrentDictionary<string, SubscribedResource> Subscriptions { get; } = new(StringComparer.Ordinal);

    /// <summary>The raw level token of the last <c>logging/setLevel</c>; null before: everything passes.</summary>
    public string? LogLevel { get; private set; }

    /// <summary>SSE responses that are open now.</summary>
    public int OpenStreams => _openStreams;

    /// <summary>Time since the last request.</summary>
    public TimeSpan Idle => _openStreams > 0 ? TimeSpan.Zero : _timeProvider.GetElapsedTime(Volatile.Read(ref _lastUsed));

    /// <summary>Marks the session as used now.</summary>
    public void Touch() => Volatile.Write(ref _lastUsed, _timeProvider.GetTimestamp());

    /// <summary>Counts an SSE response; false beyond <paramref name="streamsMax"/>.</summary>
    public bool TryOpenStream(int streamsMax)
    {
        if (Interlocked.Increment(ref _openStreams) <= streamsMax)
        {
            return true;
        }

        Interlocked.Decrement(ref _openStreams);
        return false;
    }

    /// <summary>Counts an SSE response as gone.</summary>
    public void CloseStream()
    {
        Interlocked.Decrement(ref _openStreams);
        Touch();
    }

    /// <summary>Sets the log level of the session and of the requests it makes to modern servers.</summary>
    public void SetLogLevel(string level)
    {
        LogLevel = level;
        _client = _client with { LogLevelMember = Encoding.UTF8.GetBytes($"\"io.modelcontextprotocol/logLevel\":{JsonSerializer.Serialize(level)}"), LogLevel = LogSeverity.Of(level) };
    }

    /// <summary>Whether the client declared what a question needs (2025-11-25: elicitation without <c>form</c> or <c>url</c> means form).</summary>
    public bool CanAnswer(McpMethod question)
    {
        using var document = JsonDocument.Parse(Caller.Capabilities);
        var name = question switch
        {
            McpMethod.ElicitationCreate => "elicitation",
            McpMethod.SamplingCreateMessage => "sampling",
            _ => "roots",
        };
        return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Object;
    }

    /// <summary>Notes a question and composes it for the client, with an id of ours.</summary>
    public (long Id, byte[] Message) Ask(CallMessage question)
    {
        var id = Interlocked.Increment(ref _nextQuestion);
        Span<byte> token = stackalloc byte[RequestIds.TokenBytesMax];
        token = token[..RequestIds.Format(id, token)];
        using var splice = new Splice(question.Bytes, stackalloc byte[Splice.ScratchBytes], blankNewlines: true);
        splice.Replace(question.Envelope.Id, token);
        var message = new byte[splice.ResultLength];
        splice.WriteTo(message);
        _questions[id] = new OpenQuestion(question.AskedBy!, question.Envelope.Id.Of(question.Bytes).ToArray(), question.Envelope.KnownMethod);
        return (id, message);
    }

    /// <summary>Takes a question that the client answers, or that is given up.</summary>
    public bool TryTakeQuestion(long id, out OpenQuestion? question) => _questions.TryRemove(id, out question);

    /// <summary>Declines every question that is still open: the client is gone.</summary>
    public void DeclineAll()
    {
        foreach (var id in _questions.Keys)
        {
            if (_questions.TryRemove(id, out var question))
            {
                QuestionRouter.Decline(question.AskedBy, question.UpstreamId, question.Method);
            }
        }
    }
}
