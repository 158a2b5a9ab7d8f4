using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Fairlead.Configuration;
using Fairlead.Diagnostics;
using Fairlead.Sessions;
using Fairlead.Upstreams;
using Fairlead.Wire;
using Microsoft.Extensions.Logging;

namespace Fairlead.Exchanges;

/// <summary>What a <c>requestState</c> that a client brought is (decision 9).</summary>
internal enum ParkVerdict : byte
{
    /// <summary>None of ours: a server's own, or nonsense.</summary>
    Foreign,

    /// <summary>Ours, but not good for this request: other principal, other request, expired, or of a call that is no longer held. JSON-RPC -32602.</summary>
    Invalid,

    /// <summary>Ours, and the round has been answered or is being answered. JSON-RPC -32602.</summary>
    AlreadyAnswered,

    /// <summary>Ours: the request is to be made again, nothing is held for it.</summary>
    Repeat,

    /// <summary>Ours: the caller is attached to the call.</summary>
    Attached,
}

/// <summary>All calls that wait for their clients' input. Bounded in number, in all and for one principal; each for parkedLifetime at most.</summary>
/// <remarks>Any thread. A call leaves the table when it ends; the one timer runs only while there are calls. A handle that is no good never touches a call.</remarks>
internal sealed partial class ParkedCalls : IDisposable
{
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<long, ParkedCall> _calls = new();
    private readonly LimitsOptions _limits;
    private readonly SessionTickets _tickets;
    private readonly DeadlineSweep _sweep;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private ITimer? _timer;
    private long _nextId;
    private volatile bool _hasEnded;

    /// <summary>Holds none.</summary>
    /// <param name="limits">parkedMax, parkedPerPrincipalMax, parkedLifetime, parkedRoundsMax.</param>
    /// <param name="tickets">The keys that seal handles, and the name of this node.</param>
    /// <param name="sweep">The clock.</param>
    /// <param name="logger">Where an expiry is told.</param>
    public ParkedCalls(LimitsOptions limits, SessionTickets tickets, DeadlineSweep sweep, ILogger logger)
    {
        _limits = limits;
        _tickets = tickets;
        _sweep = sweep;
        _logger = logger;

        // Ids of an earlier process must not name calls of this one.
        _nextId = sweep.TimeProvider.GetUtcNow().ToUnixTimeMilliseconds() << 16;
    }

    /// <summary>Calls that are held now, also those whose clients are attached at the moment.</summary>
    public int Count => _calls.Count;

    /// <summary>Sends a client away with the questions of its call, and holds the call.</summary>
    /// <param name="parked">The call; the caller is attached. When this succeeds it is no more, and must not touch the exchange.</param>
    /// <returns>Raw token of the handle for the result, to be written by <see cref="ParkedCall.WriteResult"/> beforehand; null when the call cannot be held, for the reason in <paramref name="refusal"/>.</returns>
    /// <param name="refusal">Why not.</param>
    /// <param name="composed">Called with the handle before the call is let go: the questions can be read only then.</param>
    public bool TryPark(ParkedCall parked, Action<byte[]> composed, out ForwardError refusal)
    {
        refusal = ForwardError.None;
        if (_hasEnded)
        {
            refusal = ForwardError.ShuttingDown;
            return false;
        }

        if (parked.Round >= _limits.ParkedRoundsMax)
        {
            refusal = ForwardError.InputRoundsSpent;
            return false;
        }

        if (parked.Round == 0 && (_calls.Count >= _limits.ParkedMax || CountOf(parked.Principal) >= _limits.ParkedPerPrincipalMax || !_calls.TryAdd(parked.Id, parked)))
        {
            refusal = ForwardError.TooManyParked;
            return false;
        }

        var now = _sweep.Now;
        composed(Seal(parked.Id, parked.Round + 1, parked.Principal, parked.Request));
        parked.Park(now, now + _sweep.Ticks(_limits.ParkedLifetime));
        EnsureTimer();
        if (_hasEnded)
        {
            // It came between the two: whoever ends the calls may have passed it already.
            EndExpired(long.MaxValue);
        }

        return true;
    }

    /// <summary>Makes the object for a call that begins to ask.</summary>
    public ParkedCall Begin(Exchange exchange) =>
        new(Interlocked.Increment(ref _nextId), exchange, SessionTickets.LocalPrincipal, ParkHandle.DigestOf(exchange.Request.Span, exchange.RequestEnvelope));

    /// <summary>A handle for a request that is simply to be made again.</summary>
    public byte[] RepeatHandle(ReadOnlySpan<byte> message, in Envelope envelope) => Seal(0, 1, SessionTickets.LocalPrincipal, ParkHandle.DigestOf(message, envelope));

    /// <summary>Judges the <c>requestState</c> of a request and attaches to the call that it names.</summary>
    public ParkVerdict TryAttach(ReadOnlySpan<byte> message, in Envelope envelope, [NotNullWhen(true)] out ParkedCall? parked)
    {
        parked = null;
        if (ParkHandle.TryOpen(envelope.RequestState.Of(message), _tickets.FindKey) is not { } handle)
        {
            return ParkVerdict.Foreign;
        }

        if (!handle.Principal.AsSpan().SequenceEqual(SessionTickets.LocalPrincipal) || !handle.Request.AsSpan().SequenceEqual(ParkHandle.DigestOf(message, envelope))
            || handle.ExpiresAt <= _sweep.TimeProvider.GetUtcNow().ToUnixTimeMilliseconds() || handle.Node != _tickets.Node)
        {
            return ParkVerdict.Invalid;
        }

        if (handle.ParkId == 0)
        {
            return ParkVerdict.Repeat;
        }

        if (!_calls.TryGetValue(handle.ParkId, out var found))
        {
            return ParkVerdict.Invalid;
        }

        if (!found.TryAttach(handle.Round))
        {
            return ParkVerdict.AlreadyAnswered;
        }

        parked = found;
        return ParkVerdict.Attached;
    }

    /// <summary>The call has ended, or will end with the request that is attached to it.</summary>
    public void Forget(ParkedCall parked) => _calls.TryRemove(parked.Id, out _);

    /// <summary>Gives up every call that waits, as far as that is not done.</summary>
    public void Dispose()
    {
        _hasEnded = true;
        lock (_lock)
        {
            _timer?.Dispose();
            _timer = null;
        }

        EndExpired(long.MaxValue);
    }

    private byte[] Seal(long id, int round, byte[] principal, byte[] request)
    {
        var expires = (_sweep.TimeProvider.GetUtcNow() + _limits.ParkedLifetime).ToUnixTimeMilliseconds();
        return new ParkHandle(_tickets.Node, id, round, expires, principal, request).Seal(_tickets.CurrentKey);
    }

    private int CountOf(byte[] principal)
    {
        var count = 0;
        foreach (var (_, call) in _calls)
        {
            count += call.Principal.AsSpan().SequenceEqual(principal) ? 1 : 0;
        }

        return count;
    }

    private void EnsureTimer()
    {
        lock (_lock)
        {
            _timer ??= _hasEnded ? null : _sweep.TimeProvider.CreateTimer(static state => ((ParkedCalls)state!).Look(), this, s_look, s_look);
        }
    }

    private void Look()
    {
        EndExpired(_sweep.Now);
        foreach (var (_, parked) in _calls)
        {
            foreach (var open in parked.TakeQuestionsOfEnded())
            {
                open.Request.Decline();
            }
        }

        lock (_lock)
        {
            if (_calls.IsEmpty)
            {
                _timer?.Dispose();
                _timer = null;
            }
        }
    }

    private void EndExpired(long now)
    {
        foreach (var (_, parked) in _calls)
        {
            if (!parked.TryEnd(now))
            {
                continue;
            }

            Forget(parked);
            var exchange = parked.Exchange;
            LogExpired(_logger, exchange.Cell?.Name ?? "", parked.Round);
            parked.DeclineAll();

            // Whatever it asked meanwhile is declined when the exchange is given up.
            exchange.Connection?.Cancel(exchange);
            exchange.Release();
        }
    }

    [LoggerMessage(EventIds.ParkExpired, LogLevel.Debug, "A call to {Server} waited for its client's answer to round {Round} and was given up.")]
    private static partial void LogExpired(ILogger logger, string server, int round);
}
