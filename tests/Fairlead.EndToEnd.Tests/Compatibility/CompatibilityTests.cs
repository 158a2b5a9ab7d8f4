using System.Text;
using System.Text.Json.Nodes;

namespace Fairlead.EndToEnd.Tests.Compatibility;

/// <summary>Every revision over every transport on one side against every one on the other (decision 19), for lists and plain calls. The table of <c>docs/compatibility.md</c> is what
/// this run saw: with <c>FAIRLEAD_UPDATE_DOCS=1</c> it is written, else compared.</summary>
public sealed class CompatibilityTests(CompatibilityTests.Fleet fleet) : IClassFixture<CompatibilityTests.Fleet>
{
    private static readonly string[] s_legacy = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];
    private static readonly string[] s_all = [.. s_legacy, "2026-07-28"];

    // Which revisions a transport can carry.
    private static readonly (string Transport, string Key, string[] Revisions)[] s_transports =
    [
        ("stdio", "stdio", s_all),
        ("HTTP+SSE", "sse", s_legacy),
        ("Streamable HTTP", "http", s_all[1..]),
    ];

    /// <summary>The rows: client transport and revision.</summary>
    public static TheoryData<string, string> Clients()
    {
        var data = new TheoryData<string, string>();
        foreach (var (transport, _, revisions) in s_transports)
        {
            foreach (var revision in revisions)
            {
                data.Add(transport, revision);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Clients))]
    public async Task Client_OfARevision_ListsAndCallsServersOfEveryRevision(string transport, string revision)
    {
        await using var client = await RevisionClient.OpenAsync(transport, revision, fleet.Gateway);
        var listed = await client.AskAsync("tools/list", []);
        var names = listed["result"]!["tools"]!.AsArray().Select(static tool => (string)tool!["name"]!).ToHashSet(StringComparer.Ordinal);
        var row = new StringBuilder($"| {transport} {revision} |");
        foreach (var (_, key, revisions) in s_transports)
        {
            foreach (var server in revisions)
            {
                var tool = $"{Name(key, server)}__hello";
                var answer = await client.AskAsync("tools/call", new JsonObject { ["name"] = tool, ["arguments"] = new JsonObject() });
                var isServed = names.Contains(tool) && (string?)answer["result"]?["content"]?[0]?["text"] == $"hello from {server}"
                    && (answer["result"]!["resultType"] is not null) == (revision == "2026-07-28");
                row.Append(isServed ? " yes |" : " **no** |");
                Assert.True(isServed, $"{transport} {revision} to {tool}: {answer.ToJsonString()}");
            }
        }

        Record(row.ToString());
    }

    private static string Name(string transport, string revision) => $"{transport}-by-{revision}";

    private static void Record(string row)
    {
        var path = RepositoryPaths.Source("docs/compatibility.md");
        var lines = File.ReadAllLines(path);
        var key = row[..row.IndexOf('|', 2)];
        var at = Array.FindIndex(lines, line => line.StartsWith(key, StringComparison.Ordinal));
        Assert.True(at >= 0, $"docs/compatibility.md has no row that begins with '{key}'; add one: {row}");
        if (Environment.GetEnvironmentVariable("FAIRLEAD_UPDATE_DOCS") == "1")
        {
            lines[at] = row;
            File.WriteAllText(path, string.Join('\n', lines) + "\n", new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
            return;
        }

        Assert.True(lines[at] == row, $"docs/compatibility.md says\n{lines[at]}\nbut measured was\n{row}\nRun the tests with FAIRLEAD_UPDATE_DOCS=1 to write it down.");
    }

    /// <summary>One gateway in front of a server for each column.</summary>
    public sealed class Fleet : IAsyncLifetime
    {
        private HttpRevisionServer _server = null!;

        internal GatewayProcess Gateway { get; private set; } = null!;

        public async Task InitializeAsync()
        {
            _server = await HttpRevisionServer.StartAsync();
            var servers = new JsonObject();
            foreach (var (_, key, revisions) in s_transports)
            {
                foreach (var revision in revisions)
                {
                    servers[Name(key, revision)] = key switch
                    {
                        "stdio" => GatewayProcess.Stdio("dotnet", RepositoryPaths.BuiltAssembly("Misbehave", "misbehave-server.dll"), "revision", revision),
                        "sse" => GatewayProcess.Http($"{_server.Url}/{revision}/sse"),
                        _ => GatewayProcess.Http($"{_server.Url}/http/{revision}"),
                    };
                }
            }

            Gateway = await GatewayProcess.StartAsync(new JsonObject { ["firstListWaitMs"] = 60_000, ["servers"] = servers });
            await Gateway.LineAsync(static line => line.Contains("\"event\":\"summary\"", StringComparison.Ordinal), "that all servers are up");
        }

        public async Task DisposeAsync()
        {
            await Gateway.DisposeAsync();
            await _server.DisposeAsync();
        }
    }
}
