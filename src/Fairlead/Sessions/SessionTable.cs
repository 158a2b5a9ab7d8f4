using System.Collections.Concurrent;
using Fairlead.Configuration;
using Fairlead.Wire;

namespace Fairlead.Sessions;

/// <summary>What looking for a session came to.</summary>
internal enum SessionLookup : byte
{
    /// <summary>It is there.</summary>
    Found,

    /// <summary>It is unknown here, belongs to another endpoint, or has ended: all the same to the client.</summary>
    Unknown,

    /// <summary>It could go on, but sessionsMax are open.</summary>
    Full,
}

/// <summary>All legacy sessions of this process. Bounded in number; idle ones end.</summary>
/// <remarks>
/// A session that is not here may be one of an earlier process: its id carries a sealed ticket (decision 10), and it goes on with what the ticket says. Lost then are its streams
/// and their events, resource subscriptions, log level and open questions. A session that ended by DELETE or by idling stays ended; the end of the process ends none.
/// </remarks>
internal sealed class SessionTable : IDisposable
{
    private static readonly TimeSpan s_sweepInterval = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, LegacySession> _sessions = new(StringComparer.Ordinal);
    private readonly LimitsOptions _limits;
    private readonly SessionTickets _tickets;
    private readonly TimeProvider _timeProvider;
    private readonly ITimer _timer;

    /// <summary>Keeps to <paramref name="limits"/>: sessionsMax, sessionIdle, and parkedLifetime for questions outside calls.</summary>
    public SessionTable(LimitsOptions limits, SessionTickets tickets, TimeProvider timeProvider)
    {
        _limits = limits;
        _tickets = tickets;
        _timeProvider = timeProvider;
        _timer = timeProvider.CreateTimer(static state => ((SessionTable)state!).EndIdle(), this, s_sweepInterval, s_sweepInterval);
    }

    /// <summary>Told when a session of an earlier process goes on here, before its first request is looked at.</summary>
    public event Action<LegacySession>? Revived;

    /// <summary>Told when a session has ended, by its client, by idling, or with this process.</summary>
    public event Action<LegacySession>? Ended;

    /// <summary>Number of sessions.</summary>
    public int Count => _sessions.Count;

    /// <summary>The sessions of the moment.</summary>
    public IEnumerable<LegacySession> All => _sessions.Values;

    /// <summary>Opens a session.</summary>
    /// <returns>Null when sessionsMax are open.</returns>
    public LegacySession? Open(string? endpoint, ProtocolVersion version, byte[] capabilities, byte[] clientInfo)
    {
        if (IsFull())
        {
            return null;
        }

        var (id, ticket) = _tickets.Make(endpoint, version, capabilities, clientInfo);
        var session = new LegacySession(id, ticket, _timeProvider);
        _sessions[id] = session;
        return session;
    }

    /// <summary>Finds a session at its own endpoint; at another one it is unknown. One of an earlier process goes on here.</summary>
    public SessionLookup Find(string id, string? endpoint, out LegacySession? session)
    {
        if (_sessions.TryGetValue(id, out session))
        {
            if (session.Endpoint == endpoint)
            {
                return SessionLookup.Found;
            }

            session = null;
            return SessionLookup.Unknown;
        }

        return Revive(id, endpoint, out session);
    }

    /// <summary>Ends a session for good: its id is unknown from here on, its streams end, open questions are declined.</summary>
    public bool End(LegacySession session)
    {
        // Before the session is gone from the table: a request that comes between the two must not revive it.
        _tickets.End(session.Id, session.Created);
        return Drop(session);
    }

    /// <summary>Ends a session without remembering that it has ended: for one whose id was never given out (the connection is the session of HTTP+SSE).</summary>
    public bool Drop(LegacySession session)
    {
        if (!_sessions.TryRemove(session.Id, out _))
        {
            return false;
        }

        session.Questions.DeclineAll();
        session.Log.Standalone.End();
        Ended?.Invoke(session);
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _timer.Dispose();
        foreach (var session in _sessions.Values)
        {
            Drop(session);
        }
    }

    private SessionLookup Revive(string id, string? endpoint, out LegacySession? session)
    {
        session = null;
        if (_tickets.Open(id, endpoint) is not { } ticket)
        {
            return SessionLookup.Unknown;
        }

        if (IsFull())
        {
            return SessionLookup.Full;
        }

        var revived = new LegacySession(id, ticket, _timeProvider, isRevived: true);
        session = _sessions.GetOrAdd(id, revived);
        if (!ReferenceEquals(session, revived))
        {
            return SessionLookup.Found;
        }

        // It may have ended between the two looks.
        if (_tickets.IsEnded(id, ticket))
        {
            Drop(revived);
            session = null;
            return SessionLookup.Unknown;
        }

        Revived?.Invoke(revived);
        return SessionLookup.Found;
    }

    private bool IsFull()
    {
        if (_sessions.Count >= _limits.SessionsMax)
        {
            EndIdle();
        }

        return _sessions.Count >= _limits.SessionsMax;
    }

    private void EndIdle()
    {
        foreach (var session in _sessions.Values)
        {
            if (session.Idle > _limits.SessionIdle)
            {
                End(session);
            }
            else
            {
                session.Questions.DeclineForgotten(_limits.ParkedLifetime);
            }
        }
    }
}
