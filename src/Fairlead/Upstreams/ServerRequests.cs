using System.Collections.Concurrent;
using Fairlead.Wire;

namespace Fairlead.Upstreams;

/// <summary>The requests of one legacy server that wait for a client's input. Any thread.</summary>
internal sealed class ServerRequests(UpstreamConnection connection)
{
    // Bounded by whoever holds the requests: the inboxes of calls, and the session that is asked outside of calls. A set; the values mean nothing.
    private readonly ConcurrentDictionary<ServerRequest, bool> _open = new();
    private readonly Lock _lock = new();
    private int _atClients;
    private long _askedSince;
    private long _waited;

    /// <summary>Whether a client has one of them before it and has not answered.</summary>
    public bool AnyAtClients => Volatile.Read(ref _atClients) > 0;

    /// <summary>How long the server has waited for clients in all, in ticks of the clock; time with several questions counts once. One that nobody is asked adds nothing.</summary>
    public long Waited
    {
        get
        {
            lock (_lock)
            {
                return _waited + (_atClients > 0 ? connection.Sweeper.Now - _askedSince : 0);
            }
        }
    }

    /// <summary>A request has come, and will be ended by whomever it reaches.</summary>
    public ServerRequest Open(ReadOnlySpan<byte> idToken, McpMethod method)
    {
        var request = new ServerRequest(this, connection, idToken.ToArray(), method);
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

    /// <summary>A client is asked.</summary>
    internal void BeginWait()
    {
        lock (_lock)
        {
            if (_atClients++ == 0)
            {
                _askedSince = connection.Sweeper.Now;
            }
        }
    }

    /// <summary>A client that was asked is asked no more.</summary>
    internal void EndWait()
    {
        lock (_lock)
        {
            if (--_atClients == 0)
            {
                _waited += connection.Sweeper.Now - _askedSince;
            }
        }
    }

    /// <summary>One of them has ended.</summary>
    internal void Close(ServerRequest request) => _open.TryRemove(request, out _);
}

/// <summary>A request of a legacy server that a client may be asked for (elicitation, sampling, roots). Ends exactly once: answered, declined, or withdrawn by the server; the first counts. Any thread.</summary>
internal sealed class ServerRequest
{
    private static readonly Action s_over = static () => { };

    private readonly ServerRequests _all;
    private readonly byte[] _id;
    private Action? _withdrawn;
    private int _isOver;
    private int _isAtClient;

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

    /// <summary>A client gets it to see: from here to its end the server waits for a person, and no call on its pipe counts as silent.</summary>
    public void NoteAsked()
    {
        if (Interlocked.CompareExchange(ref _isAtClient, 1, 0) != 0)
        {
            return;
        }

        _all.BeginWait();

        // It may have ended before the wait began; whoever sees both ends the wait.
        if (IsOver)
        {
            EndWait();
        }
    }

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
        EndWait();
        return true;
    }

    private void EndWait()
    {
        if (Interlocked.CompareExchange(ref _isAtClient, 2, 1) == 1)
        {
            _all.EndWait();
        }
    }
}
