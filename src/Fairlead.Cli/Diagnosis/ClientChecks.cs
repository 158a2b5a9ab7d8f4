using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Cli.Clients;
using Fairlead.Cli.Running;

namespace Fairlead.Cli.Diagnosis;

/// <summary>The clients on this machine: whether their files can be read, and whether what leads to Fairlead leads to where it listens.</summary>
internal static class ClientChecks
{
    /// <summary>Runs the check <c>client</c>.</summary>
    /// <param name="at">Where to look.</param>
    /// <param name="port">Where the gateway listens, or would.</param>
    public static IEnumerable<Finding> Run(Surroundings at, int port)
    {
        foreach (var source in ImportSources.OfClients([], withProject: true, at, out _))
        {
            if (source.Problem is { } problem)
            {
                yield return new Finding("client", Verdict.Warn, $"{source.From} cannot read its file: {problem}", "Mend the file; the client ignores all its servers meanwhile.");
                continue;
            }

            foreach (var server in source.Servers.Where(static server => server.Entry is not null && FairleadItself.Is(server.Name, server.Entry)))
            {
                yield return Of(server, at, port);
            }
        }
    }

    private static Finding Of(FoundServer server, Surroundings at, int port)
    {
        var where = $"{server.From} ({at.Short(server.File)})";
        var word = ClientProgram.All.FirstOrDefault(client => server.From.StartsWith(client.Title, StringComparison.Ordinal))?.Word ?? "CLIENT";
        if (Text(server.Entry!["command"]) is { } command)
        {
            string[] files = [command, .. (server.Entry["args"] as JsonArray ?? []).Select(static item => Text(item) ?? "").Where(static word => word.EndsWith(".dll", StringComparison.OrdinalIgnoreCase))];
            return files.FirstOrDefault(static file => Path.IsPathRooted(file) && !File.Exists(file)) is { } gone
                ? new Finding("client", Verdict.Fail, $"{where} starts {gone}, which is not there.", $"fairlead connect {word} writes where it is.")
                : new Finding("client", Verdict.Ok, $"{where} starts fairlead stdio.");
        }

        var url = new Uri(FairleadItself.AddressOf(server.Entry)!);
        return port != 0 && url.Port != port
            ? new Finding("client", Verdict.Warn, $"{where} looks for Fairlead at {url.GetLeftPart(UriPartial.Path)}, and it listens on port {port}.", $"fairlead connect {word} writes the address of the running instance.")
            : new Finding("client", Verdict.Ok, $"{where} leads to {url.GetLeftPart(UriPartial.Path)}");
    }

    private static string? Text(JsonNode? value) => value?.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : null;
}
