using System.Runtime.InteropServices;

namespace Fairlead.Cli.Running;

/// <summary>Turns Ctrl+C, SIGTERM and SIGHUP into an orderly stop, and a second Ctrl+C or SIGTERM into an end at once. Where something can be reloaded, SIGHUP does that, unless it
/// says that the terminal was closed.</summary>
/// <remarks>Owns the registrations; signals do what the system does by default before and after. Handlers run on threads of the pool.</remarks>
internal sealed class StopSignals : IDisposable
{
    // Some parents (timeout, npm) send one signal to the process and to its group: that is one wish, not two.
    private static readonly TimeSpan s_sameWish = TimeSpan.FromMilliseconds(300);

    private readonly CancellationTokenSource _stop = new();
    private readonly PosixSignalRegistration[] _registrations;
    private readonly TimeProvider _time;
    private readonly Action _endAtOnce;
    private readonly Action? _reload;
    private readonly bool _hadTerminal = HasTerminal();
    private readonly Lock _gate = new();
    private (PosixSignal Signal, long At)? _first;

    /// <summary>Listens from here on.</summary>
    /// <param name="time">Clock that tells one wish from two.</param>
    /// <param name="endAtOnce">Called at the second signal; ends the process.</param>
    /// <param name="reload">Called at SIGHUP, returns at once; null = SIGHUP stops.</param>
    public StopSignals(TimeProvider time, Action endAtOnce, Action? reload = null)
    {
        _reload = reload;
        _time = time;
        _endAtOnce = endAtOnce;
        _registrations =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGINT, Received),
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, Received),
            PosixSignalRegistration.Create(PosixSignal.SIGHUP, Received),
        ];
    }

    /// <summary>Cancelled at the first signal.</summary>
    public CancellationToken Stop => _stop.Token;

    /// <summary>The first signal as a person knows it; null before.</summary>
    public string? Name { get; private set; }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var registration in _registrations)
        {
            registration.Dispose();
        }

        _stop.Dispose();
    }

    private void Received(PosixSignalContext context)
    {
        context.Cancel = true;
        if (context.Signal == PosixSignal.SIGHUP && _reload is not null && !OperatingSystem.IsWindows() && (!_hadTerminal || HasTerminal()))
        {
            _reload();
            return;
        }

        lock (_gate)
        {
            if (_first is { } first)
            {
                // A terminal that closes hangs up more than once; that never means "at once".
                if (context.Signal == PosixSignal.SIGHUP || (context.Signal == first.Signal && _time.GetElapsedTime(first.At) < s_sameWish))
                {
                    return;
                }
            }
            else
            {
                _first = (context.Signal, _time.GetTimestamp());
                Name = context.Signal == PosixSignal.SIGINT ? "Ctrl+C" : context.Signal.ToString();

                // Not on the signal's thread: what waits for the token must not hold up a second signal.
                _ = _stop.CancelAsync();
                return;
            }
        }

        _endAtOnce();
    }

    /// <summary>Whether the process has a terminal that is there: one that was closed cannot be opened any more.</summary>
    private static bool HasTerminal()
    {
        if (OperatingSystem.IsWindows())
        {
            return false;
        }

        try
        {
            using var terminal = File.OpenHandle("/dev/tty");
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
