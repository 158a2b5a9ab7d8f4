using System.Collections.Concurrent;
using System.Security.Cryptography;
using Fairlead.Configuration;
using Fairlead.Wire;

namespace Fairlead.Sessions;

/// <summary>All legacy sessions of this process. Bounded in number; idle ones end.</summary>
internal sealed class SessionTable : IDisposable
{
    private static readonly TimeSpan s_sweepInterval = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, LegacySession> _sessions = new(StringComparer.Ordinal);
    private readonly LimitsOptions _limits;
    private readonly TimeProvider _timeProvider;
    private readonly ITimer _timer;

    /// <summary>Keeps to <paramref name="limits"/>: sessionsMax, sessionIdle.</summary>
    public SessionTable(LimitsOptions limits, TimeProvider timeProvider)
    {
        _limits = limits;
        _timeProvider = timeProvider;
        _timer = timeProvider.CreateTimer(static state => ((SessionTable)state!).EndIdle(), this, s_sweepInterval, s_sweepInterval);
    }

    /// <summary>Told when a session has ended, by its client or by idling.</summary>
    public event Action<LegacySession>? Ended;

    /// <summary>Number of sessions.</summary>
    public int Count => _sessions.Count;

    /// <summary>The sessions of the moment.</summary>
    public IEnumerable<LegacySession> All => _sessions.Values;

    /// <summary>Opens a session.</summary>
    /// <returns>Null when sessionsMax are open.</returns>
    public LegacySession? Open(string? endpoint, ProtocolVersion version, byte[] capabilities, byte[] clientInfo)
    {
        if (_sessions.Count >= _limits.SessionsMax)
        {
            EndIdle();
            if (_sessions.Count >= _limits.SessionsMax)
            {
                return null;
            }
        }

        var id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        var session = new LegacySession(id, endpoint, version, capabilities, clientInfo, _timeProvider);
        _sessions[id] = session;
        return session;
    }

    /// <summary>Finds a session at its own endpoint; at another one it is unknown.</summary>
    public LegacySession? Find(string id, string? endpoint) =>
        _sessions.TryGetValue(id, out var session) && session.Endpoint == endpoint ? session : null;

    /// <summary>Ends a session: its id is unknown from here on, its streams end, open questions are declined.</summary>
    public bool End(LegacySession session)
    {
        if (!_sessions.TryRemove(session.Id, out _))
        {
            return false;
        }

        session.DeclineAll();
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
            End(session);
        }
    }

    private void EndIdle()
    {
        foreach (var session in _sessions.Values)
        {
            if (session.Idle > _limits.SessionIdle)
            {
                End(session);
            }
        }
    }
}
