using System.Globalization;
using Fairlead.Configuration;
using Fairlead.Routing;

namespace Fairlead.Faults;

/// <summary>What a fault must keep to be one, apart from what its server is at the moment.</summary>
internal static class FaultRules
{
    private const int ByMax = 100;

    /// <summary>Whether a kind happens once, instead of lasting for a time.</summary>
    public static bool IsBlow(FaultKind kind) => kind is FaultKind.Disconnect or FaultKind.Crash;

    /// <summary>Checks a request.</summary>
    /// <param name="request">What was asked for.</param>
    /// <param name="server">The server.</param>
    /// <param name="options">The bounds.</param>
    /// <returns>How long it lasts; zero when it happens once.</returns>
    /// <exception cref="InvalidConfiguration">A rule is broken; the message names the parameter.</exception>
    public static TimeSpan Check(FaultRequest request, string server, FaultInjectionOptions options)
    {
        var kind = OptionWords.Word(request.Kind);
        var isOfCalls = request.Kind is FaultKind.Latency or FaultKind.Error or FaultKind.Partition;
        Require(isOfCalls || request.Tool is null, "tool", $"{kind} is done to the whole server. Leave tool out, or choose latency, error or partition.");
        Require(isOfCalls || request.Percent is null, "percent", $"{kind} is done to the whole server. Leave percent out, or choose latency, error or partition.");
        Require(request.Percent is null or (> 0 and <= 100), "percent", $"{Show(request.Percent)} is no share. Choose one above 0 and up to 100.");
        Require(request.Tool is not "", "tool", "it is empty. Name a tool, or leave tool out for all calls.");
        Require(request.By is null || request.By.Length is > 0 and <= ByMax, "by", $"it must have 1 to {ByMax} characters.");
        Require(request.Kind == FaultKind.Latency || request.Latency is null, "latency", $"{kind} takes none. Leave it out, or choose the kind latency.");
        Require(request.Kind == FaultKind.Latency || request.Jitter is null, "jitter", $"{kind} takes none. Leave it out, or choose the kind latency.");
        if (request.Kind == FaultKind.Latency)
        {
            Require(request.Latency is not null, "latency", "it is missing. Say how long calls are held back, such as 500 ms.");
            Require(request.Latency!.Value >= TimeSpan.FromMilliseconds(1) && request.Latency.Value <= FaultRequest.LatencyMax, "latency", $"{Words(request.Latency.Value)} is not between 1 ms and 10 minutes.");
            Require(request.Jitter is null || (request.Jitter.Value >= TimeSpan.Zero && request.Jitter.Value <= FaultRequest.LatencyMax), "jitter", "it is not between 0 and 10 minutes.");
        }

        Require(!IsBlow(request.Kind) || request.Duration is null, "duration", $"{kind} happens once and takes none. Leave it out.");
        if (IsBlow(request.Kind))
        {
            return TimeSpan.Zero;
        }

        var longest = TimeSpan.FromMilliseconds(options.MaxDurationMs);
        var duration = request.Duration ?? (FaultRequest.DefaultDuration < longest ? FaultRequest.DefaultDuration : longest);
        Require(
            duration >= TimeSpan.FromMilliseconds(1) && duration <= longest, "duration",
            $"{Words(duration)} is not between 1 ms and {Words(longest)}. Choose another, or raise faultInjection.maxDurationMs.");
        return duration;

        void Require(bool holds, string parameter, string what)
        {
            if (!holds)
            {
                throw new InvalidConfiguration($"{parameter} of the fault for '{server}': {what}") { ServerId = server };
            }
        }
    }

    /// <summary>Checks that a server has a tool of this name, as far as its tools are known.</summary>
    /// <exception cref="ToolNotFound">It is known to have others only.</exception>
    public static void CheckTool(string? tool, ServerSnapshot snapshot)
    {
        string[] names = [.. snapshot.Catalog.Tools.Select(static entry => entry.Name)];
        if (tool is not null && !snapshot.Catalog.IsUnknown && !names.Contains(tool))
        {
            throw new ToolNotFound($"'{snapshot.Config.Name}' has no tool '{tool}'. {(OptionWords.Nearest(tool, names) is { } near ? $"Did you mean '{near}'?" : $"It has: {string.Join(", ", names.Take(20))}.")}") { ServerId = snapshot.Config.Name };
        }
    }

    /// <summary>A time in words, in milliseconds where it is short.</summary>
    public static string Words(TimeSpan time) => time < TimeSpan.FromSeconds(1)
        ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:0.###} ms")
        : string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.###} s");

    private static string Show(double? percent) => percent?.ToString("0.###", CultureInfo.InvariantCulture) ?? "none";
}
