using System.Text;
using System.Text.RegularExpressions;
using Fairlead.TestKit;

namespace Fairlead.EndToEnd.Tests.Library;

/// <summary>C# shown in README.md and docs/ is compiled, and run unless its page says why not; what it prints is what the page says. Messages quoted in docs/operations.md are the program's.</summary>
public sealed partial class DocCodeTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fairlead-docs-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Blocks_WhenCompiledAndRun_PrintWhatTheirPagesSay()
    {
        var blocks = Pages().SelectMany(static page => DocBlock.Of(page.Path, page.Text)).ToList();
        Assert.Equal(Pages().Sum(static page => Fence().Count(page.Text)), blocks.Count);
        Assert.All(blocks, static block => Assert.True(block.NotRun is not null != block.Prints is not null, $"{block.Page}:{block.Line}: say after the block what it prints (<!-- prints), or before it why it is only compiled (<!-- compile REASON -->)."));
        await BuildAsync(blocks);

        // Where a block finds the server that it starts.
        var server = Path.GetDirectoryName(RepositoryPaths.BuiltAssembly("Echo", "echo-server.dll"))!;
        for (var i = 0; i < blocks.Count; i++)
        {
            if (blocks[i].Prints is { } expected)
            {
                var script = """cd "$1" && exec dotnet "$2" "$3" """;
                await using var process = ChildProcess.Start("sh", ["-c", script, "sh", server, Path.Combine(_folder, "out", "blocks.dll"), $"{i}"]);
                var exitCode = await Guard.WithinAsync(process.Exit, $"the end of the block at {blocks[i].Page}:{blocks[i].Line}");
                Assert.True(exitCode == 0 && process.Output == expected, $"{blocks[i].Page}:{blocks[i].Line} should print\n{expected}and ended with {exitCode} after\n{process.Output}");
            }
        }
    }

    [Fact]
    public void Messages_WhenQuotedInOperations_AreThoseOfTheProgram()
    {
        var page = File.ReadAllText(RepositoryPaths.Source("docs/operations.md"));
        var quoted = FirstCell().Matches(page[page.IndexOf("## Troubleshooting", StringComparison.Ordinal)..]).SelectMany(static row => Quoted().Matches(row.Groups["cell"].Value)).Select(static match => match.Groups["text"].Value).ToList();
        var sources = string.Concat(Directory.GetFiles(RepositoryPaths.Source("src"), "*.cs", SearchOption.AllDirectories).Select(File.ReadAllText));
        Assert.True(quoted.Count > 20, $"only {quoted.Count} messages were found");
        Assert.All(quoted, message => Assert.All(message.Split("...", StringSplitOptions.RemoveEmptyEntries), part =>
            Assert.True(sources.Contains(part, StringComparison.Ordinal), $"docs/operations.md quotes `{message}`, but no source says \"{part}\".")));
    }

    private async Task BuildAsync(List<DocBlock> blocks)
    {
        var code = new StringBuilder("switch (args[0])\n{\n");
        for (var i = 0; i < blocks.Count; i++)
        {
            code.Append($"case \"{i}\": await Block{i}.RunAsync(); break;\n");
        }

        code.Append("}\n");
        for (var i = 0; i < blocks.Count; i++)
        {
            code.Append(blocks[i].ToClass($"Block{i}"));
        }

        var libraries = Path.GetDirectoryName(RepositoryPaths.BuiltAssembly("Fairlead.AspNetCore", "Fairlead.AspNetCore.dll"))!;
        await File.WriteAllTextAsync(Path.Combine(_folder, "Blocks.cs"), code.ToString());
        await File.WriteAllTextAsync(Path.Combine(_folder, "blocks.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk.Web">
              <PropertyGroup>
                <TargetFramework>net10.0</TargetFramework>
                <Nullable>enable</Nullable>
                <ImplicitUsings>enable</ImplicitUsings>
                <NuGetAudit>false</NuGetAudit>
              </PropertyGroup>
              <ItemGroup>
                <Using Include="System.Text.Json;Fairlead;Fairlead.AspNetCore;Fairlead.Configuration" />
                <Reference Include="{libraries}/Fairlead*.dll" />
              </ItemGroup>
            </Project>
            """);
        Dictionary<string, string> variables = new(StringComparer.Ordinal) { ["MSBUILDDISABLENODEREUSE"] = "1", ["UseSharedCompilation"] = "false", ["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0", ["DOTNET_NOLOGO"] = "1" };
        await using var build = ChildProcess.Start("dotnet", ["build", Path.Combine(_folder, "blocks.csproj"), "-o", Path.Combine(_folder, "out"), "-v", "quiet", "--nologo"], variables);

        // As long as the machine is busy; one that hangs is ended, and named, by the time-out of the run.
        Assert.True(await build.Exit == 0, build.Output);
    }

    private static IEnumerable<(string Path, string Text)> Pages() =>
        Directory.GetFiles(RepositoryPaths.Source("docs"), "*.md", SearchOption.AllDirectories).Append(RepositoryPaths.Source("README.md")).Order(StringComparer.Ordinal)
            .Select(static file => (Path.GetRelativePath(RepositoryPaths.Root, file), File.ReadAllText(file)));

    [GeneratedRegex("^```(?:csharp|cs|c#)", RegexOptions.Multiline)]
    private static partial Regex Fence();

    [GeneratedRegex(@"^\| (?<cell>.*?) \|", RegexOptions.Multiline)]
    private static partial Regex FirstCell();

    [GeneratedRegex("`(?<text>[^`]* [^`]*)`")]
    private static partial Regex Quoted();
}
