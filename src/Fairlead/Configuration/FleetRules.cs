using System.Net;

namespace Fairlead.Configuration;

/// <summary>Rules of the gateway's keys and rules between servers.</summary>
internal static class FleetRules
{
    /// <summary>Checks everything but the single servers.</summary>
    public static void Check(FairleadOptions options, IReadOnlyList<ServerEntry> servers, Problems problems)
    {
        OptionRules.CheckRanges(options, "", problems.Error);
        CheckGateway(options, problems);
        CheckLimits(options.Limits, problems);
        CheckNames(servers, problems);
        CheckPorts(options, servers, problems);
        CheckDependencies(servers, problems);
        CheckProfiles(options, servers, problems);
    }

    private static void CheckProfiles(FairleadOptions options, IReadOnlyList<ServerEntry> servers, Problems problems)
    {
        string[] names = [.. servers.Select(static entry => entry.Config.Name)];
        foreach ((string profile, ProfileOptions chosen) in options.Profiles)
        {
            string place = ConfigNode.PathOf("profiles", profile);
            if (!ServerName.IsValid(profile))
            {
                string slug = ServerName.ToSlug(profile);
                problems.Error(place, null, "The name of a profile is a part of its address: 1 to 32 of a-z, 0-9 and -.", ServerName.IsValid(slug) ? $"Call it {slug}." : "Choose another name.");
            }

            for (int i = 0; i < chosen.Servers.Count; i++)
            {
                if (!names.Contains(chosen.Servers[i]))
                {
                    string? nearest = OptionWords.Nearest(chosen.Servers[i], names);
                    problems.Error($"{place}.servers[{i}]", $"\"{chosen.Servers[i]}\"", "There is no server of this name.",
                        nearest is not null ? $"Did you mean {nearest}?" : names.Length == 0 ? "Add it to servers." : $"The servers are {string.Join(", ", names)}.");
                }
            }
        }
    }

    private static void CheckGateway(FairleadOptions options, Problems problems)
    {
        if (options.Host.Length > 0 && !IPAddress.TryParse(options.Host, out _) && Uri.CheckHostName(options.Host) == UriHostNameType.Unknown)
        {
            problems.Error("host", $"\"{options.Host}\"", "The host must be an address or a name, without scheme and port.", "Write it like \"127.0.0.1\" or \"localhost\"; the port has a key of its own.");
        }

        if (options.PublicUrl is { } url && (url.Scheme is not ("http" or "https") || url.Query.Length > 0 || url.Fragment.Length > 0))
        {
            problems.Error("publicUrl", $"\"{Security.SecretTexts.MaskUrl(url.OriginalString)}\"", "The address must begin with http:// or https:// and have no query.", "Write it like \"https://mcp.example.com\".");
        }

        for (int i = 0; i < options.AllowedOrigins.Count; i++)
        {
            string origin = options.AllowedOrigins[i];
            bool good = Uri.TryCreate(origin, UriKind.Absolute, out Uri? parsed) && parsed.GetLeftPart(UriPartial.Authority).Equals(origin, StringComparison.OrdinalIgnoreCase)
                && parsed.Host.Length > 0 && parsed.UserInfo.Length == 0;
            if (!good)
            {
                problems.Error($"allowedOrigins[{i}]", $"\"{Security.SecretTexts.MaskUrl(origin)}\"", "An origin is scheme://host[:port] and nothing else.",
                    origin == "*" ? "Name the origins one by one: every web page could steer the servers otherwise." : "Write it like \"https://app.example.com\".");
            }
        }
    }

    private static void CheckLimits(LimitsOptions limits, Problems problems)
    {
        NotAbove("requestTimeout", limits.RequestTimeout, "requestTimeoutMax", limits.RequestTimeoutMax);
        NotAbove("restartBase", limits.RestartBase, "restartMax", limits.RestartMax);
        NotAbove("upstreamMessageBytesMax", limits.UpstreamMessageBytesMax, "bufferedBytesMax", limits.BufferedBytesMax);
        NotAbove("bufferedBytesMax", limits.BufferedBytesMax, "bufferedBytesTotalMax", limits.BufferedBytesTotalMax);
        NotAbove("sessionsPerPrincipalMax", limits.SessionsPerPrincipalMax, "sessionsMax", limits.SessionsMax);
        NotAbove("parkedPerPrincipalMax", limits.ParkedPerPrincipalMax, "parkedMax", limits.ParkedMax);

        void NotAbove<T>(string lower, T low, string upper, T high)
            where T : IComparable<T>
        {
            if (low.CompareTo(high) > 0)
            {
                problems.Error($"limits.{lower}", OptionRules.Show(low), $"{lower} must not be above {upper}, which is {OptionRules.Show(high)}.", $"Lower {lower} or raise {upper}.");
            }
        }
    }

    private static void CheckNames(IReadOnlyList<ServerEntry> servers, Problems problems)
    {
        var first = new Dictionary<string, ServerEntry>(StringComparer.Ordinal);
        foreach (ServerEntry entry in servers)
        {
            if (entry.Config.Name.Length > 0 && !first.TryAdd(entry.Config.Name, entry))
            {
                ServerEntry other = first[entry.Config.Name];
                string line = problems.Places.TryGetValue(other.Place, out ConfigNode? node) && node.Line > 0 ? $" (line {node.Line})" : "";
                problems.Error(entry.Place, null, $"{entry.Place} and {other.Place}{line} both come out as the name {entry.Config.Name}.", "Give one of them another name; upper and lower case, spaces and signs make no difference.");
            }
        }
    }

    private static void CheckPorts(FairleadOptions options, IReadOnlyList<ServerEntry> servers, Problems problems)
    {
        var taken = new Dictionary<int, string>();
        if (options.Port > 0)
        {
            taken[options.Port] = "the gateway itself";
        }

        foreach (ServerEntry entry in servers)
        {
            if (entry.Config is { Port: { } port, Disabled: false } && !taken.TryAdd(port, entry.Place))
            {
                problems.Error($"{entry.Place}.port", $"{port}", $"The port is taken by {taken[port]}.", "Choose another port, or remove it: the server is reachable on the main port in any case.");
            }
        }
    }

    private static void CheckDependencies(IReadOnlyList<ServerEntry> servers, Problems problems)
    {
        var byName = servers.GroupBy(static entry => entry.Config.Name).ToDictionary(static group => group.Key, static group => group.First(), StringComparer.Ordinal);
        foreach (ServerEntry entry in servers)
        {
            for (int i = 0; i < entry.Config.DependsOn.Count; i++)
            {
                string name = entry.Config.DependsOn[i];
                if (name.Length > 0 && !byName.ContainsKey(name))
                {
                    string? nearest = OptionWords.Nearest(name, byName.Keys);
                    // As a slug the value of a variable would get past the redactor.
                    string shown = entry.Config.SecretPaths.Contains($"dependsOn[{i}]") ? Security.SecretRedactor.Mask : $"\"{name}\"";
                    problems.Error($"{entry.Place}.dependsOn[{i}]", shown, "There is no server of this name.", nearest is null ? "Add it, or remove it from dependsOn." : $"Did you mean {nearest}?");
                }
            }
        }

        var done = new HashSet<string>(StringComparer.Ordinal);
        foreach (ServerEntry entry in servers)
        {
            FindCycle(entry, byName, done, [], problems);
        }
    }

    /// <summary>Walks along dependsOn; a server that is met again on the same walk closes a cycle, which is reported once.</summary>
    private static void FindCycle(ServerEntry entry, Dictionary<string, ServerEntry> byName, HashSet<string> done, List<string> walk, Problems problems)
    {
        string name = entry.Config.Name;
        int met = walk.IndexOf(name);
        if (met >= 0)
        {
            problems.Error($"{entry.Place}.dependsOn", null, $"The servers wait for each other: {string.Join(" -> ", walk[met..])} -> {name}.", "Remove one of these dependencies.");
            return;
        }

        if (done.Contains(name))
        {
            return;
        }

        walk.Add(name);
        foreach (string next in entry.Config.DependsOn.Distinct())
        {
            if (byName.TryGetValue(next, out ServerEntry? other))
            {
                FindCycle(other, byName, done, walk, problems);
            }
        }

        walk.RemoveAt(walk.Count - 1);
        done.Add(name);
    }
}
