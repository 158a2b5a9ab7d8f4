using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using Fairlead.Routing;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Sessions;

/// <summary>What Fairlead keeps of a legacy client between its requests (protocol.md 5).</summary>
/// <remarks>Any request of the session may run at any time; everything here is safe for that. It is the owner (decision 8) of its calls.</remarks>
internal sealed class LegacySession
{
    // Calls that are between two rounds at a modern server: no open call names them, so a cancellation finds them here, by the raw token of the client's id.
    private readonly ConcurrentDictionary<string, CancellationTokenSource> _rounds = new(StringComparer.Ordinal);
    private readonly TimeProvider _timeProvider;
    private readonly long _opened;
    private long _lastUsed;
    private volatile LegacyClient _client;
    private volatile LegacyClient _deafClient;
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
        _lastUsed = _opened = timeProvider.GetTimestamp();
        var numbersAfter = isRevived ? timeProvider.GetUtcNow().ToUnixTimeMilliseconds() : 0;
        Log = new SessionEventLog(timeProvider, numbersAfter);
        Input = ClientInputs.Of(ticket.Capabilities, Version);
        Caller = new Caller(this, ticket.Capabilities) { IsSession = true, Principal = Caller.LocalPrincipal, Ask = AskOutsideCall };
        Questions = new SessionQuestions(this, timeProvider, numbersAfter);
        _client = LegacyClient.From(ticket.Capabilities, ClientInfo, Version, canBeAsked: true);
        _deafClient = LegacyClient.From(ticket.Capabilities, ClientInfo, Version, canBeAsked: false);
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

    /// <summary>What the client can be asked for.</summary>
    public ClientInput Input { get; }

    /// <summary>What a modern server is told of the client.</summary>
    /// <param name="canBeAsked">Whether the answer of the request can carry questions; else none of those capabilities is declared (protocol.md 6.1).</param>
    public LegacyClient Client(bool canBeAsked) => canBeAsked ? _client : _deafClient;

    /// <summary>What the client has been asked and has not answered.</summary>
    public SessionQuestions Questions { get; }

    /// <summary>The streams and their events.</summary>
    public SessionEventLog Log { get; }

    /// <summary>URIs that the session subscribed to (the client's own, as <see cref="SubscribedResource.Spell"/> writes them), with the resource of each.</summary>
    public ConcurrentDictionary<string, SubscribedResource> Subscriptions { get; } = new(StringComparer.Ordinal);

    /// <summary>The raw level token of the last <c>logging/setLevel</c>; null before: everything passes.</summary>
    public string? LogLevel { get; private set; }

    /// <summary>SSE responses that are open now.</summary>
    public int OpenStreams => _openStreams;

    /// <summary>Time since it was opened; in an earlier process, since it was revived.</summary>
    public TimeSpan Age => _timeProvider.GetElapsedTime(_opened);

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
        LegacyClient WithLevel(LegacyClient client) => client with
        {
            LogLevelMember = Encoding.UTF8.GetBytes($"\"io.modelcontextprotocol/logLevel\":{JsonSerializer.Serialize(level)}"), LogLevel = LogSeverity.Of(level),
        };

        _client = WithLevel(_client);
        _deafClient = WithLevel(_deafClient);
    }

    /// <summary>Lets a cancellation of the client's request end what happens between two rounds of it. One at a time for a request; end it with <see cref="EndRounds"/>.</summary>
    /// <param name="requestIdToken">The raw token of the client's id.</param>
    /// <param name="cancellation">Cancelled with it.</param>
    public void BeginRounds(ReadOnlySpan<byte> requestIdToken, CancellationTokenSource cancellation) => _rounds[Encoding.UTF8.GetString(requestIdToken)] = cancellation;

    /// <summary>The request has ended.</summary>
    public void EndRounds(ReadOnlySpan<byte> requestIdToken, CancellationTokenSource cancellation) =>
        _rounds.TryRemove(KeyValuePair.Create(Encoding.UTF8.GetString(requestIdToken), cancellation));

    /// <summary>The client cancelled a request: what waits between two rounds of it ends.</summary>
    public void CancelRounds(ReadOnlySpan<byte> requestIdToken)
    {
        if (!_rounds.IsEmpty && _rounds.TryGetValue(Encoding.UTF8.GetString(requestIdToken), out var cancellation))
        {
            try
            {
                cancellation.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // The request ended between the two lines.
            }
        }
    }

    /// <summary>A server that works for this session alone asks outside of any call: the client reads it on its standalone stream (protocol.md 6).</summary>
    private bool AskOutsideCall(CallMessage question)
    {
        var needed = ClientInputs.NeedOf(question.Envelope.KnownMethod, question.Bytes, question.Envelope.Params);
        if (ClientInputs.Refusal(Input, needed) != 0 || OpenStreams == 0)
        {
            return false;
        }

        Log.Standalone.Append(Questions.Ask(question, call: null).Message);
        return true;
    }
}
