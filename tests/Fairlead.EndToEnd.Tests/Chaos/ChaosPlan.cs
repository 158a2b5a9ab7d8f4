namespace Fairlead.EndToEnd.Tests.Chaos;

/// <summary>What can happen.</summary>
internal enum ChaosKind
{
    /// <summary>SIGKILL to a server's process.</summary>
    KillServer,

    /// <summary>SIGKILL to whatever a server has left running in a session of its own.</summary>
    KillGrandchild,

    /// <summary>SIGSTOP to a server's process, and SIGCONT a moment later.</summary>
    Freeze,

    /// <summary>A server answers half and ends.</summary>
    DieInAnswer,

    /// <summary>A server closes its stdin and lives on.</summary>
    CloseInput,

    /// <summary>A server ends after an answer.</summary>
    ExitAfterAnswer,

    /// <summary>A restart through the management API, where it has one.</summary>
    Restart,

    /// <summary>An edit of the configuration file, where it is read again.</summary>
    Edit,

    /// <summary>A rollout of fresh instances, in one of the five ways.</summary>
    Rollout,

    /// <summary>A fault that Fairlead itself injects: latency, a disconnect, a partition.</summary>
    Fault,

    /// <summary>SIGKILL to Fairlead itself, and another start.</summary>
    KillGateway,
}

/// <summary>One event.</summary>
/// <param name="Kind">What happens.</param>
/// <param name="Server">To whom, as an index.</param>
/// <param name="Pause">How long nothing happens afterwards.</param>
internal sealed record ChaosEvent(ChaosKind Kind, int Server, TimeSpan Pause);

/// <summary>The events of a run, all of them drawn before it begins, so that a seed names them.</summary>
internal static class ChaosPlan
{
    private static readonly (ChaosKind Kind, int Weight)[] s_weights =
    [
        (ChaosKind.KillServer, 40), (ChaosKind.KillGrandchild, 5), (ChaosKind.Freeze, 15), (ChaosKind.DieInAnswer, 8), (ChaosKind.CloseInput, 8),
        (ChaosKind.ExitAfterAnswer, 8), (ChaosKind.Restart, 11), (ChaosKind.Edit, 5), (ChaosKind.Rollout, 10), (ChaosKind.Fault, 6),
    ];

    /// <summary>Draws a run.</summary>
    /// <param name="seed">The same seed gives the same events.</param>
    /// <param name="count">How many.</param>
    /// <param name="gatewayEvery">The gateway is killed at every so-manieth event.</param>
    public static IReadOnlyList<ChaosEvent> Draw(int seed, int count, int gatewayEvery)
    {
        var random = new Random(seed);
        var total = s_weights.Sum(static entry => entry.Weight);
        return [.. Enumerable.Range(1, count).Select(number =>
        {
            var (kind, drawn) = (ChaosKind.KillGateway, random.Next(total));
            foreach (var (candidate, weight) in s_weights)
            {
                if (drawn < weight)
                {
                    kind = candidate;
                    break;
                }

                drawn -= weight;
            }

            var happened = new ChaosEvent(kind, random.Next(1000), TimeSpan.FromMilliseconds(random.Next(10, 150)));
            return number % gatewayEvery == 0 ? happened with { Kind = ChaosKind.KillGateway } : happened;
        })];
    }
}
