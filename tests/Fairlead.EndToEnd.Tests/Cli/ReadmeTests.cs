using Fairlead.Configuration;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary>Code shown in README.md is this code.</summary>
public sealed class ReadmeTests
{
    private const string Begin = "// readme: begin";
    private const string End = "// readme: end";

    [Fact]
    public async Task Readme_WhenItShowsTheLibrary_ShowsCodeThatCompiles()
    {
        var readme = await File.ReadAllTextAsync(RepositoryPaths.Source("README.md"));
        var source = await File.ReadAllLinesAsync(RepositoryPaths.Source("tests/Fairlead.EndToEnd.Tests/Cli/ReadmeTests.cs"));
        var snippet = source.SkipWhile(static line => line.Trim() != Begin).Skip(1).TakeWhile(static line => line.Trim() != End).Select(static line => line.Length > 8 ? line[8..] : "");
        Assert.Contains("```csharp\n" + string.Join('\n', snippet) + "\n```", readme, StringComparison.Ordinal);
    }

    /// <summary>Compiled, not run: npx would download.</summary>
    private static async Task UseTheLibraryAsync()
    {
        // readme: begin
        await using var manager = new McpManager();
        await manager.DeployServerAsync(new ServerConfig
        {
            Name = "memory",
            Command = "npx",
            Arguments = ["-y", "@modelcontextprotocol/server-memory@2026.8.31"],
        });

        // Waits while the server starts.
        var result = await manager.ExecuteToolAsync("memory", "search_nodes", new { query = "lighthouse" });
        Console.WriteLine(result.Text);

        foreach (var server in await manager.ListServersAsync())
        {
            Console.WriteLine($"{server.Id}: {server.State}, {server.Tools} tools");
        }
        // readme: end
    }

    [Fact]
    public void Snippet_WhenCompiled_IsThere() => Assert.NotNull((Func<Task>)UseTheLibraryAsync);
}
