using System.Collections.Frozen;
using Fairlead.Diagnostics;

namespace Fairlead.Cli.Output;

/// <summary>Log events that say what <see cref="LaunchView"/> says already.</summary>
internal static class LaunchEvents
{
    private static readonly FrozenSet<int> s_ids = new[] { EventIds.ServerLost, EventIds.ServerStartFailed, EventIds.ServerCrashLoop, EventIds.ServerBackendAway }.ToFrozenSet();

    /// <summary>Whether the view tells of it.</summary>
    public static bool Contains(int id) => s_ids.Contains(id);
}
