using System.Collections.Concurrent;
using System.Globalization;
using Fairlead.EndToEnd.Tests.Hostile;

namespace Fairlead.EndToEnd.Tests.Chaos;

/// <summary>Callers that never stop, and the judge of what they get: the right answer, a clear error, or, when Fairlead was killed meanwhile, a closed connection.</summary>
/// <param name="caller">The client, for the root that the gateway keeps over its restarts.</param>
/// <param name="echoes">Servers with the tool <c>echo</c>.</param>
internal sealed class ChaosLoad(RawCaller caller, IReadOnlyList<string> echoes) : IAsyncDisposable
{
    /// <summary>The longest that a call may take: the time-out of the servers, with room for a machine that is busy.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private const int Callers = 4;

    private readonly CancellationTokenSource _end = new();
    private readonly ConcurrentDictionary<long, Task> _inFlight = new();
    private readonly ConcurrentQueue<string> _wrong = new();
    private readonly ConcurrentDictionary<string, int> _errors = new(StringComparer.Ordinal);
    private List<Task> _callers = [];
    private long _lastCall;
    private long _answered;
    private int _kills;

    /// <summary>Calls answered with their own message.</summary>
    public long Answered => Interlocked.Read(ref _answered);

    /// <summary>Calls that ended as none may: a wrong answer, an error that names nobody, or nothing at all.</summary>
    public IReadOnlyCollection<string> Wrong => _wrong;

    /// <summary>The clear errors by their beginning, with their number.</summary>
    public IReadOnlyDictionary<string, int> Errors => _errors;

    /// <summary>The calls that are under way at this moment.</summary>
    public IReadOnlyCollection<Task> InFlight => [.. _inFlight.Values];

    /// <summary>Begins to call.</summary>
    /// <param name="seed">Of the order of the servers.</param>
    public void Begin(int seed) => _callers = [.. Enumerable.Range(0, Callers).Select(number => CallForEverAsync(new Random(seed + number), number))];

    /// <summary>Fairlead is about to be killed: connections that close from here on are no fault, for calls that began before <see cref="GatewayIsBack"/>.</summary>
    public void GatewayGoes() => Interlocked.Increment(ref _kills);

    /// <summary>Rises before each kill and after it: even = Fairlead is up.</summary>
    public int Kills => Volatile.Read(ref _kills);

    /// <summary>Something beside the calls ended as it may not.</summary>
    public void Blame(string what) => _wrong.Enqueue(what);

    /// <summary>It listens again.</summary>
    public void GatewayIsBack() => Interlocked.Increment(ref _kills);

    /// <summary>One call and the judgement of its end.</summary>
    /// <param name="server">Its server.</param>
    /// <param name="tool">The server's own name of the tool.</param>
    /// <param name="arguments">A raw JSON object.</param>
    /// <param name="expected">A part of the right answer.</param>
    public Task CallAsync(string server, string tool, string arguments, string expected)
    {
        var number = Interlocked.Increment(ref _lastCall);
        var call = JudgedAsync(server, tool, arguments, expected);
        _inFlight[number] = call;
        return call.ContinueWith(_ => _inFlight.TryRemove(number, out var _), TaskScheduler.Default);
    }

    /// <summary>Calls no more; completes with the last answer.</summary>
    public async Task EndAsync()
    {
        await _end.CancelAsync();
        await Task.WhenAll(_callers);
        await Task.WhenAll(_inFlight.Values);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        _end.Dispose();
    }

    private async Task CallForEverAsync(Random random, int caller)
    {
        for (var i = 0; !_end.IsCancellationRequested; i++)
        {
            // The first caller's calls take their time, so that some are always in flight.
            if (caller == 0)
            {
                await CallAsync("slow", "wait", "{\"ms\":700}", "waited");
            }
            else
            {
                var planted = string.Create(CultureInfo.InvariantCulture, $"planted-{caller}-{i}");
                await CallAsync(echoes[random.Next(echoes.Count)], "echo", $"{{\"message\":\"{planted}\"}}", planted);
            }

            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, CancellationToken.None);
        }
    }

    private async Task JudgedAsync(string server, string tool, string arguments, string expected)
    {
        var kills = Volatile.Read(ref _kills);
        var end = await caller.CallAsync($"{server}__{tool}", arguments, Patience);
        if (end.Text is { } text && text.Contains(expected, StringComparison.Ordinal))
        {
            Interlocked.Increment(ref _answered);
        }
        else if (end.Error is { } error && error.Contains(server, StringComparison.Ordinal))
        {
            var kind = new string([.. error.Replace($"'{server}'", "'S'", StringComparison.Ordinal).Where(static c => !char.IsAsciiDigit(c)).Take(100)]);
            _errors.AddOrUpdate(kind, 1, static (_, count) => count + 1);
        }
        else if (end.Broken is null || (kills % 2 == 0 && kills == Volatile.Read(ref _kills)))
        {
            _wrong.Enqueue($"{server}__{tool} {arguments}: {end}");
        }
    }
}
