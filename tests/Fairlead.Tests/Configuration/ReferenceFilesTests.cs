using System.Text.RegularExpressions;
using Fairlead.Configuration;
using Fairlead.Tests.Tidy;

namespace Fairlead.Tests.Configuration;

/// <summary>The schema, the reference page, the samples and the examples in the docs say what the code does.</summary>
public sealed partial class ReferenceFilesTests
{
    /// <summary>Every file in the folder of samples.</summary>
    public static TheoryData<string> Samples => [.. Directory.GetFiles(Path.Combine(Repository.Root, "samples"), "*.json").Select(file => Path.GetFileName(file))];

    [Fact]
    public void Schema_WhenTheOptionsChange_IsWrittenAgain() => Compare("docs/reference/fairlead.schema.json", SchemaWriter.Write());

    [Fact]
    public void ReferencePage_WhenTheOptionsChange_IsWrittenAgain() => Compare("docs/reference/configuration.md", ReferencePageWriter.Write());

    [Theory]
    [MemberData(nameof(Samples))]
    public void Sample_WhenLoaded_HasServersAndNoErrorAndNoWarning(string name)
    {
        ConfigurationResult result = ConfigurationLoader.Load(Path.Combine(Repository.Root, "samples", name), Loading.Variables());

        Assert.Equal("", string.Join("\n", result.Errors.Concat(result.Warnings)));
        Assert.NotEmpty(result.Options.Servers);
    }

    [Fact]
    public void Docs_WhenABlockIsMarkedAsConfiguration_ItLoads()
    {
        var blocks = Repository.Files.Where(file => file.Path.EndsWith(".md", StringComparison.Ordinal))
            .SelectMany(file => ConfigurationBlock().Matches(file.Text).Select(match => (file.Path, Json: match.Groups["json"].Value))).ToList();

        Assert.NotEmpty(blocks);
        foreach ((string path, string json) in blocks)
        {
            ConfigurationResult result = Loading.Text(json);
            Assert.True(result.IsValid, $"{path}: {string.Join("\n", result.Errors)}\nin\n{json}");
        }
    }

    [Fact]
    public void Repository_WhenItHasSamples_HasThoseThatTheDocsName()
    {
        string[] named = ["everything.json", "desk.json", "claude-desktop.json", "vscode.json", "remote-http.json", "naming-on-collision.json"];

        Assert.Empty(named.Except(Directory.GetFiles(Path.Combine(Repository.Root, "samples")).Select(Path.GetFileName)));
    }

    private static void Compare(string path, string expected)
    {
        string file = Path.Combine(Repository.Root, path);
        if (Environment.GetEnvironmentVariable("FAIRLEAD_UPDATE_DOCS") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, expected);
        }

        string actual = File.Exists(file) ? File.ReadAllText(file) : "";
        Assert.True(expected == actual, $"{path} is not what the options classes say. Run FAIRLEAD_UPDATE_DOCS=1 ./test --filter ReferenceFiles and commit the file.");
    }

    [GeneratedRegex(@"^```jsonc? configuration\n(?<json>.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex ConfigurationBlock();
}
