using System.Text.Json.Nodes;

namespace Fairlead.EndToEnd.Tests.Conformance;

/// <summary>A server that offers what the suite's scenarios ask for, as a program: <c>stdio|http --era legacy|modern</c>.</summary>
/// <param name="Name">What it reports as its own name.</param>
/// <param name="RowPrefix">How its roads begin in the table of results.</param>
/// <param name="OffersTasks">Whether its modern half has the tasks extension.</param>
/// <param name="Command">The program, before the mode.</param>
internal sealed record ConformanceFixture(string Name, string RowPrefix, bool OffersTasks, params string[] Command)
{
    /// <summary>Processes kept ready for clients that can be asked.</summary>
    public const int WarmPool = 2;

    /// <summary>On the official C# SDK, <c>tests/TestServers/Conformance</c>.</summary>
    public static ConformanceFixture CSharp { get; } = new("conformance-server", "", OffersTasks: true, "dotnet", RepositoryPaths.ConformanceServer);

    /// <summary>On npm's <c>@modelcontextprotocol/server</c>, <c>tests/node/conformance-server</c>. Its questions to legacy clients have the ids that the SDK counts.</summary>
    public static ConformanceFixture Npm { get; } = new("npm-conformance-server", "npm, ", OffersTasks: false, RepositoryPaths.Node, RepositoryPaths.Source("tests/node/conformance-server/server.mjs"));

    /// <summary>As a stdio server in the gateway's configuration.</summary>
    /// <param name="era"><c>legacy</c> or <c>modern</c>.</param>
    /// <remarks>The fixtures keep nothing between calls and say so: each client is served by a process that was told exactly what it declares.</remarks>
    public JsonObject Stdio(string era)
    {
        var server = GatewayProcess.Stdio(Command[0], [.. Command[1..], "stdio", "--era", era]);
        server["stateless"] = true;
        server["warmPool"] = WarmPool;
        return server;
    }

    /// <summary>The era of a revision.</summary>
    public static string EraOf(string revision) => revision == "2026-07-28" ? "modern" : "legacy";
}
