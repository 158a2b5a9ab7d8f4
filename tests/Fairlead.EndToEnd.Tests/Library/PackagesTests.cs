using System.IO.Compression;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Fairlead.TestKit;

namespace Fairlead.EndToEnd.Tests.Library;

/// <summary>The packages that <c>eng/pack.sh</c> makes work where nothing else of this repository is: a program builds against them, and the tool is installed and run.</summary>
/// <remarks>
/// The packages are the only source, and they go to a package folder of the test's own, since the machine's would keep them and give an older build of the same version to the next run. What
/// they depend on is taken from the machine's package folder, where the restore of the solution has put it.
/// </remarks>
public sealed partial class PackagesTests : IDisposable
{
    private static readonly string[] s_libraries = ["Fairlead", "Fairlead.Abstractions", "Fairlead.AspNetCore", "Fairlead.BuiltIn", "Fairlead.Wire"];

    private readonly string _folder = Directory.CreateTempSubdirectory("fairlead-packages-").FullName;

    private string Packages => Path.Combine(_folder, "packages");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Packages_WhenInstalledElsewhere_AreAllThatIsNeeded()
    {
        await RunAsync("bash", RepositoryPaths.Source("eng/pack.sh"), "--no-build", "yes", "--python", "no", "--output", Packages);
        Assert.All(s_libraries, CheckMetadata);
        await File.WriteAllTextAsync(Path.Combine(_folder, "nuget.config"), $"""
            <configuration>
              <packageSources><clear /><add key="local" value="{Packages}" /></packageSources>
              <fallbackPackageFolders><clear /><add key="machine" value="{await MachinePackagesAsync()}" /></fallbackPackageFolders>
            </configuration>
            """);

        await BuildAndRunAProgramAsync();
        await InstallAndRunTheToolAsync();
    }

    [Fact]
    public void Version_WhereverItIsWritten_IsThatOfTheBuild()
    {
        // What is sent on every connection is constant bytes, and Python reads no MSBuild file: they repeat the number of Directory.Build.props.
        var files = Directory.GetFiles(RepositoryPaths.Source("src"), "*.cs", SearchOption.AllDirectories)
            .Append(RepositoryPaths.Source("bindings/python/pyproject.toml")).Append(RepositoryPaths.Source("bindings/python/src/fairlead/__init__.py"));
        var found = files.SelectMany(static file => WrittenVersion().Matches(File.ReadAllText(file)).Select(match => (File: Path.GetRelativePath(RepositoryPaths.Root, file), Version: match.Groups["version"].Value))).ToList();

        Assert.Contains("bindings/python/pyproject.toml", found.Select(static one => one.File));
        Assert.True(found.Count > 5, $"only {found.Count} places were found");
        Assert.All(found, static one => Assert.True(one.Version == Fairlead.Cli.Program.Version, $"{one.File} says {one.Version}, Directory.Build.props {Fairlead.Cli.Program.Version}."));
    }

    private async Task BuildAndRunAProgramAsync()
    {
        var project = Directory.CreateDirectory(Path.Combine(_folder, "program")).FullName;
        File.Copy(RepositoryPaths.Source("samples/WebApp/Program.cs"), Path.Combine(project, "Program.cs"));
        await File.WriteAllTextAsync(Path.Combine(project, "program.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk.Web">
              <PropertyGroup>
                <TargetFramework>net10.0</TargetFramework>
                <Nullable>enable</Nullable>
                <ImplicitUsings>enable</ImplicitUsings>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
                <NuGetAudit>false</NuGetAudit>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="Fairlead.AspNetCore" Version="{Fairlead.Cli.Program.Version}" />
              </ItemGroup>
            </Project>
            """);
        await RunAsync("dotnet", "build", project, "-o", Path.Combine(project, "out"), "--nologo", "-v", "quiet");

        await using var app = ChildProcess.Start(
            "dotnet", [Path.Combine(project, "out", "program.dll"), "--fleet", await SamplesTests.FleetFileAsync(_folder), "--urls", "http://127.0.0.1:0"]);
        using var http = await SamplesTests.ClientAsync(app);
        Assert.Equal("hello", await SamplesTests.GetAsync(http, "/say/hello"));
        Assert.Equal("Healthy", await SamplesTests.GetAsync(http, "/healthz"));
        Assert.Contains("<html", await SamplesTests.GetAsync(http, "/dashboard/"), StringComparison.OrdinalIgnoreCase);
    }

    private async Task InstallAndRunTheToolAsync()
    {
        var tools = Path.Combine(_folder, "tools");
        await RunAsync("dotnet", "tool", "install", "Fairlead.Cli", "--version", Fairlead.Cli.Program.Version, "--tool-path", tools, "--configfile", Path.Combine(_folder, "nuget.config"));
        var fairlead = Path.Combine(tools, OperatingSystem.IsWindows() ? "fairlead.exe" : "fairlead");
        Assert.Equal(Fairlead.Cli.Program.Version + "\n", await RunAsync(fairlead, "--version"));

        // No configuration: the built-in servers.
        var variables = new Dictionary<string, string>(Variables()) { ["XDG_CONFIG_HOME"] = _folder, ["FAIRLEAD_CONFIG"] = "", ["FAIRLEAD_STATE"] = "" };
        await using var up = ChildProcess.Start(fairlead, ["up", "--json", "--port", "0", "--state", Path.Combine(_folder, "state")], variables);
        var loaded = await up.LineAsync(static line => line.Contains("\"loaded\"", StringComparison.Ordinal), "that the default fleet is loaded");
        Assert.Equal(3, JsonDocument.Parse(loaded).RootElement.GetProperty("servers").GetInt32());
        var listening = await up.LineAsync(static line => line.Contains("\"listening\"", StringComparison.Ordinal), "the address");
        using var http = new HttpClient { BaseAddress = new Uri(JsonDocument.Parse(listening).RootElement.GetProperty("url").GetString()!) };
        Assert.Contains("<html", await SamplesTests.GetAsync(http, "/dashboard/"), StringComparison.OrdinalIgnoreCase);
        await up.LineAsync(static line => line.Contains("\"git\"", StringComparison.Ordinal) && line.Contains("Healthy", StringComparison.Ordinal), "the built-in server git to be Healthy");
        Assert.Equal(0, await up.StopAsync());
    }

    /// <summary>What people read and tools need to know before they install it.</summary>
    private void CheckMetadata(string name)
    {
        using var package = ZipFile.OpenRead(Path.Combine(Packages, $"{name}.{Fairlead.Cli.Program.Version}.nupkg"));
        using var nuspec = package.GetEntry(name + ".nuspec")!.Open();
        var metadata = XDocument.Load(nuspec).Root!.Elements().First(static element => element.Name.LocalName == "metadata").Elements().ToLookup(static element => element.Name.LocalName, static element => element.Value);
        Assert.Equal(["Apache-2.0"], metadata["license"]);
        Assert.Equal(["README.md"], metadata["readme"]);
        Assert.NotEmpty(metadata["description"].Single());
        Assert.Contains("mcp", metadata["tags"].Single(), StringComparison.Ordinal);
        Assert.NotNull(package.GetEntry("README.md"));
        Assert.NotNull(package.GetEntry($"lib/net10.0/{name}.xml"));
        Assert.True(File.Exists(Path.Combine(Packages, $"{name}.{Fairlead.Cli.Program.Version}.snupkg")), $"{name} has no package of symbols.");
    }

    /// <summary>No build server outlives the test: it would keep our pipes open.</summary>
    private Dictionary<string, string> Variables() => new(StringComparer.Ordinal)
    {
        ["NUGET_PACKAGES"] = Path.Combine(_folder, "nuget"), ["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1", ["DOTNET_NOLOGO"] = "1", ["MSBUILDDISABLENODEREUSE"] = "1", ["UseSharedCompilation"] = "false",
        ["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0",
    };

    private static async Task<string> MachinePackagesAsync()
    {
        await using var process = ChildProcess.Start("dotnet", ["nuget", "locals", "global-packages", "--list", "--force-english-output"]);
        Assert.True(await Guard.WithinAsync(process.Exit, "the place of the machine's packages") == 0, process.Output);
        return process.Output.Split(": ", 2)[1].Trim();
    }

    private async Task<string> RunAsync(string program, params string[] arguments)
    {
        // Packing must find the packages that the solution was restored with.
        var variables = Variables();
        if (program == "bash")
        {
            variables.Remove("NUGET_PACKAGES");
        }

        await using var process = ChildProcess.Start(program, arguments, variables);
        var what = $"{program} {string.Join(' ', arguments)}";

        // A build takes as long as the machine is busy; one that hangs is ended, and named, by the time-out of the run.
        var exitCode = await process.Exit;
        Assert.True(exitCode == 0, $"{what} ended with {exitCode}:\n{process.Output}");
        return process.Output;
    }

    [GeneratedRegex("""name\\":\\"fairlead\\",(?:\\"title\\":\\"Fairlead\\",)?\\"version\\":\\"(?<version>[^\\]+)\\"|^(?:__version__|version) = "(?<version>[^"]+)"$""", RegexOptions.Multiline)]
    private static partial Regex WrittenVersion();
}
