using System.Diagnostics;
using System.Reflection;

namespace Fairlead.Telemetry;

/// <summary>Where spans come from, and what they have in common. While nobody listens to <see cref="SourceName"/> nothing is made and the road of a call costs one look.</summary>
internal static class Tracing
{
    /// <summary>The name of the source, and of the meter.</summary>
    public const string SourceName = "Fairlead";

    private static readonly ActivitySource s_source = new(SourceName, Version);

    /// <summary>Whether somebody listens.</summary>
    public static bool IsOn => s_source.HasListeners();

    /// <summary>The version of Fairlead.</summary>
    public static string Version => typeof(Tracing).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    /// <summary>Begins a span, without making it the current one: calls change threads, and what runs beside them is none of theirs.</summary>
    /// <param name="name">Its name until more is known.</param>
    /// <param name="kind">Which side of a request it is.</param>
    /// <param name="parent">Whose child it is; default = of the current one, if there is one.</param>
    /// <param name="linked">Another span that has to do with it; default = none.</param>
    /// <param name="began">When it began, in UTC; default = now.</param>
    /// <returns>Null when it is not sampled.</returns>
    public static Activity? Begin(string name, ActivityKind kind, ActivityContext parent, ActivityContext linked = default, DateTime began = default)
    {
        var links = linked == default ? null : new[] { new ActivityLink(linked) };
        if (s_source.CreateActivity(name, kind, parent, tags: null, links) is not { } span)
        {
            return null;
        }

        // Not disposed of: it has not begun, and the end of a span that has not is an exception inside Stop.
        if (!span.IsAllDataRequested)
        {
            return null;
        }

        if (began != default)
        {
            span.SetStartTime(began);
        }

        var current = Activity.Current;
        span.Start();
        Activity.Current = current;
        return span;
    }

    /// <summary>Ends a span. Nothing happens when it has ended.</summary>
    public static void End(Activity span)
    {
        var current = Activity.Current;
        span.Stop();
        Activity.Current = current;
    }
}
