namespace Fairlead.Routing;

/// <summary>How a server was over the last minutes, as far as its availability needs it. Written by its actor, read by anybody.</summary>
/// <remarks>Up: Healthy, Degraded, Idle (a call wakes it). Left out of the account: Maintenance, Stopped, Disabled, which somebody wanted, and MissingAuth, which is no failure. Down: all else, Initializing included, since calls wait then.</remarks>
internal sealed class StateHistory(TimeProvider time)
{
    /// <summary>How far it looks back.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(5);

    // A server that changes more often than this is told of over a shorter time.
    private const int ChangesMax = 1024;

    private readonly Lock _lock = new();
    private readonly Queue<(long At, Standing Standing)> _changes = new();
    private Standing _last;

    private enum Standing : byte
    {
        None,
        Up,
        Down,
        LeftOut,
    }

    /// <summary>The server is in this state from now on.</summary>
    public void Note(ServerState state)
    {
        var standing = state switch
        {
            ServerState.Healthy or ServerState.Degraded or ServerState.Idle => Standing.Up,
            ServerState.Maintenance or ServerState.Stopped or ServerState.Disabled or ServerState.MissingAuth => Standing.LeftOut,
            _ => Standing.Down,
        };
        lock (_lock)
        {
            if (standing == _last)
            {
                return;
            }

            _last = standing;
            _changes.Enqueue((time.GetTimestamp(), standing));
            if (_changes.Count > ChangesMax)
            {
                _changes.Dequeue();
            }
        }
    }

    /// <summary>Share of <see cref="Window"/>, or of the time since the server is known, in which it was up, 0 to 1; null when none of that time counts.</summary>
    public double? Availability()
    {
        lock (_lock)
        {
            var now = time.GetTimestamp();
            var from = now - (long)(Window.TotalSeconds * time.TimestampFrequency);
            long up = 0;
            long down = 0;
            var standing = Standing.None;
            var since = from;
            foreach (var (at, next) in _changes)
            {
                Add(Math.Max(at, from));
                standing = next;
            }

            Add(now);
            return up + down > 0 ? (double)up / (up + down) : null;

            void Add(long until)
            {
                up += standing == Standing.Up ? until - since : 0;
                down += standing == Standing.Down ? until - since : 0;
                since = until;
            }
        }
    }
}
