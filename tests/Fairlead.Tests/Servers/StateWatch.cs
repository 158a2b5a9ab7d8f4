using Fairlead.Routing;
using Fairlead.TestKit;

namespace Fairlead.Tests.Servers;

/// <summary>Waits for states of servers; when the guard runs out, the way the server went is in the message.</summary>
internal static class StateWatch
{
    /// <summary>The server's place in the fleet.</summary>
    public static ServerCell Cell(this McpManager manager, string id) => manager.Fleet.TryGet(id, out var cell) ? cell : throw new ServerNotFound(id);

    /// <summary>The first snapshot in this state.</summary>
    public static Task<ServerSnapshot> ReachedAsync(this McpManager manager, string id, ServerState state) =>
        manager.ReachedAsync(id, snapshot => snapshot.State == state, state.ToString());

    /// <summary>The first snapshot that satisfies the condition.</summary>
    public static async Task<ServerSnapshot> ReachedAsync(this McpManager manager, string id, Func<ServerSnapshot, bool> condition, string what)
    {
        var cell = manager.Cell(id);
        var way = new List<string>();
        while (true)
        {
            var changed = cell.Changed;
            var snapshot = cell.Current;
            if (condition(snapshot))
            {
                return snapshot;
            }

            way.Add($"{snapshot.State}: {snapshot.Reason}");
            await Guard.WithinAsync(changed, $"{what} of '{id}', which went {string.Join(" -> ", way)}");
        }
    }

    /// <summary>Moves the clock to the planned restart.</summary>
    public static async Task AdvanceToRetryAsync(this FakeTimeProvider clock, ServerSnapshot snapshot)
    {
        var delay = snapshot.NextRetry!.Value - clock.GetUtcNow();
        await clock.WhenTimerArmedAsync(delay);
        clock.Advance(delay);
    }
}
