using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Fairlead.Cli.Running;
using Fairlead.Configuration;
using Fairlead.Security;

namespace Fairlead.Cli.Diagnosis;

/// <summary>Ports and proxies.</summary>
internal static class NetworkChecks
{
    private static readonly string[] s_proxies = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];
    private static readonly string[] s_loopback = ["127.0.0.1", "localhost"];

    /// <summary>Runs the check <c>port</c>: the gateway's own and those of the servers.</summary>
    public static IEnumerable<Finding> Ports(FairleadOptions options, InstanceFile? instance)
    {
        if (options.Port == 0)
        {
            yield return new Finding("port", Verdict.Ok, "Any free one is taken.");
        }
        else
        {
            yield return Port(options.Host, options.Port, instance, null);
        }

        foreach (var server in options.Servers.Where(static server => server is { Port: not null, Disabled: false }))
        {
            yield return Port(options.Host, server.Port!.Value, instance, server.Name);
        }
    }

    /// <summary>Runs the check <c>proxy</c>.</summary>
    /// <param name="environment">The variables of the process.</param>
    public static IEnumerable<Finding> Proxies(IReadOnlyDictionary<string, string> environment)
    {
        var isSet = false;
        foreach (var name in s_proxies)
        {
            var upper = Value(environment, name);
            var lower = Value(environment, name.ToLowerInvariant());
            isSet |= upper is not null || lower is not null;
            if (upper is not null && lower is not null && upper != lower)
            {
                yield return new Finding("proxy", Verdict.Warn, $"{name} and {name.ToLowerInvariant()} are set and differ; some programs read one, some the other.", "Set both to the same value, or unset one.");
            }

            if ((upper ?? lower) is { } value && (!Uri.TryCreate(value, UriKind.Absolute, out var address) || address.Host.Length == 0))
            {
                yield return new Finding("proxy", Verdict.Warn, $"{name} is {SecretTexts.MaskUrl(value)}, which is no whole address; Node refuses it.", "Write it like http://proxy.example.com:3128");
            }
        }

        if (!isSet)
        {
            yield return new Finding("proxy", Verdict.Ok, "None is set.");
            yield break;
        }

        string[] without = (Value(environment, "NO_PROXY") ?? Value(environment, "no_proxy") ?? "").Split([',', ' '], StringSplitOptions.RemoveEmptyEntries);
        string[] missing = [.. s_loopback.Where(host => !without.Contains("*") && !without.Contains(host))];
        yield return missing.Length == 0
            ? new Finding("proxy", Verdict.Ok, "A proxy is set, and this machine is reached without it.")
            : new Finding("proxy", Verdict.Warn, $"A proxy is set, and NO_PROXY does not name {string.Join(" and ", missing)}: clients may send what is for Fairlead to the proxy.", "NO_PROXY=localhost,127.0.0.1,::1");
    }

    private static Finding Port(string host, int port, InstanceFile? instance, string? server)
    {
        var address = host == "localhost" || !IPAddress.TryParse(host, out var parsed) ? IPAddress.Loopback : parsed;
        var number = port.ToString(CultureInfo.InvariantCulture);
        if (PortHolder.TryBind(address, port) is not { } refusal)
        {
            return new Finding("port", Verdict.Ok, $"{number} is free.", null, server);
        }

        if (refusal.SocketErrorCode != SocketError.AddressAlreadyInUse)
        {
            return new Finding("port", Verdict.Fail, $"{host} port {number} cannot be used: {refusal.Message}.", "Choose another port or host.", server);
        }

        var holder = PortHolder.Describe(port);
        var isOurs = instance is not null && (new Uri(instance.Url).Port == port || holder.StartsWith($"process {instance.Pid} ", StringComparison.Ordinal));
        return isOurs
            ? new Finding("port", Verdict.Ok, $"{number} is held by the running instance.", null, server)
            : new Finding("port", Verdict.Fail, $"{number} is taken by {holder}.", server is null ? "Stop that program, or choose another with \"port\" or --port (0 takes a free one)." : "Stop that program, or choose another \"port\" for this server.", server);
    }

    private static string? Value(IReadOnlyDictionary<string, string> environment, string name) => environment.TryGetValue(name, out var value) && value.Length != 0 ? value : null;
}
