using System.Collections.Concurrent;
using Fairlead.Wire;

namespace Fairlead.Upstreams;

/// <summary>The requests of one legacy server that wait for a client's input. Any thread.</summary>
internal sealed class ServerRequests(UpstreamConnection connection)
{
    // Bounded by whoever holds the requests: the inboxes of calls, and the session that is asked outside of calls. A set; the values mean nothing.
    private readonly ConcurrentDictionary<ServerRequest, bool> _open = new();
    private int _count;
    private long _endedAt;

    /// <summary>Whether the server waits for anybody.</summary>
    public bool AnyOpen => Volatile.Read(ref _count) > 0;

    /// <summary>The sweep's timestamp at which the last of them ended; 0 before.</summary>
    public long EndedAt => Volatile.Read(ref _endedAt);

    /// <summary>A request has come, and will be ended by whomever it reaches.</summary>
    public ServerRequest Open(ReadOnlySpan<byte> idToken, McpMethod method)
    {
        var request = new ServerRequest(this, connection, idToken.ToArray(), method);
        Interlocked.Increment(ref _count);
        _open[request] = true;
        return request;
    }

    /// <summary>The server does not want the answer any more (<c>notifications/cancelled</c>, in every legacy revision in both directions). Nothing happens for ids that are not open.</summary>
    public void Withdraw(ReadOnlySpan<byte> idToken)
    {
        foreach (var (request, _) in _open)
        {
            if (request.Id.SequenceEqual(idToken))
            {
                request.Withdraw();
            }
        }
    }

    /// <summary>One of them has ended.</summary>
    internal void Close(ServerRequest request)
    {
        // Before the count says that nobody is asked: the deadlines of the calls begin anew here.
        Volatile.Write(ref _endedAt, connection.Sweeper.Now);
        _open.TryRemove(request, out _);
        Interlocked.Decrement(ref _count);
    }
}

/// <summary>A request of a legacy server that a client may be asked for (elicitation, sampling, roots). Ends exactly once: answered, declined, or withdrawn by the server; the first counts. Any thread.</summary>
internal sealed class ServerRequest
{
    private static readonly Action s_over = static () => { };

    private readonly ServerRequests _all;
    private readonly byte[] _id;
    private Action? _withdrawn;
    private int _isOver;

    internal ServerRequest(ServerRequests all, UpstreamConnection connection, byte[] id, McpMethod method)
    {
        _all = all;
        Connection = connection;
        _id = id;
        Method = method;
    }

    private static ReadOnlySpan<byte> Cancelled => "{\"action\":\"cancel\"}"u8;

    private static ReadOnlySpan<byte> NobodyToAsk => "{\"code\":-32603,\"message\":\"No client can answer this now.\"}"u8;

    /// <summary>Who asked and waits.</summary>
    public UpstreamConnection Connection { get; }

    /// <summary>What is asked.</summary>
    public McpMethod Method { get; }

    /// <summary>The raw token of the server's id.</summary>
    public ReadOnlySpan<byte> Id => _id;

    /// <summary>Whether the server waits no more.</summary>
    public bool IsOver => Volatile.Read(ref _isOver) != 0;

    /// <summary>Answers it, unless it has ended.</summary>
    /// <param name="member">"result" or "error".</param>
    /// <param name="payload">The raw value of that member.</param>
    public void Answer(ReadOnlySpan<byte> member, ReadOnlySpan<byte> payload)
    {
        if (TryEnd())
        {
            Connection.AnswerRequest(_id, member, payload);
        }
    }

    /// <summary>The answer when nobody can be asked: cancel, an error, or the configured roots.</summary>
    public void Decline()
    {
        switch (Method)
        {
            case McpMethod.ElicitationCreate:
                Answer("result"u8, Cancelled);
                break;
            case McpMethod.RootsList:
                Answer("result"u8, Connection.RootsResult);
                break;
            default:
                Answer("error"u8, NobodyToAsk);
                break;
        }
    }

    /// <summary>Has <paramref name="withdrawn"/> called if the server withdraws it: on the reader's thread, where it must not block, or at once when that has happened. One for a request.</summary>
    public void WhenWithdrawn(Action withdrawn)
    {
        if (ReferenceEquals(Interlocked.CompareExchange(ref _withdrawn, withdrawn, null), s_over))
        {
            withdrawn();
        }
    }

    internal void Withdraw()
    {
        if (TryEnd())
        {
            Interlocked.Exchange(ref _withdrawn, s_over)?.Invoke();
        }
    }

    private bool TryEnd()
    {
        if (Interlocked.Exchange(ref _isOver, 1) != 0)
        {
            return false;
        }

        _all.Close(this);
        return true;
    }
}
