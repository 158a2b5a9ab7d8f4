using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Fairlead.Cli.Diagnosis;
using Fairlead.Cli.Running;
using Fairlead.Configuration;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary>The checks of <c>fairlead doctor</c>, each with the mistake that it is for.</summary>
public sealed class DoctorTests
{
    [Theory]
    [InlineData(">=18", "v20.1.0", true)]
    [InlineData(">= 18.17.1", "v18.17.0", false)]
    [InlineData("^18.17 || >=20.5", "v19.0.0", false)]
    [InlineData("^18.17 || >=20.5", "v18.20.4", true)]
    [InlineData(">=18 <23", "v23.0.0", false)]
    [InlineData("20.x", "v20.9.0", true)]
    [InlineData("20.x", "v21.0.0", false)]
    [InlineData("20", "v20.9.0", true)]
    [InlineData("=20.9.0", "v20.9.1", false)]
    [InlineData("~20.9", "v20.10.0", false)]
    [InlineData("~20.9.2", "v20.9.3", true)]
    [InlineData("18 - 20", "v20.99.0", true)]
    [InlineData("18 - 20", "v21.0.0", false)]
    [InlineData(">20", "v20.5.0", false)]
    [InlineData("<=20", "v20.5.0", true)]
    [InlineData("^0.12.1", "v0.12.9", true)]
    [InlineData("^0.12.1", "v0.13.0", false)]
    [InlineData("*", "v1.0.0", true)]
    [InlineData("lts/*", "v1.0.0", true)]
    public void NodeRange_WhenAVersionIsHeldAgainstIt_AnswersAsNpmDoes(string range, string version, bool expected) => Assert.Equal(expected, NodeRange.Satisfies(range, version));

    [Theory]
    [InlineData("@a/b@1.2.3", "-y", "@a/b@1.2.3", "--flag")]
    [InlineData("b", "--package=b", "run-b")]
    [InlineData("b", "-p", "b", "run-b")]
    [InlineData("c", "-w", "space", "c")]
    [InlineData(null, "-y")]
    public void PackageOf_WhenNpxIsCalled_FindsThePackage(string? expected, params string[] arguments) => Assert.Equal(expected, NodePackages.PackageOf(arguments));

    [Fact]
    public void Programs_WhenOneIsMissing_SaysWhatAndHow()
    {
        using var home = new UserHome();
        var findings = Programs(home, "v22.0.0", Server("gone", "uvx-that-is-not-there"), Server("off", "nothing", disabled: true), Server("there", "true"), new ServerConfig { Name = "far", Url = new Uri("https://x/") });
        Assert.Equal(["fail program gone", "ok program there"], findings.Select(Word));
        Assert.Contains("searched PATH", findings[0].Found, StringComparison.Ordinal);
        Assert.NotNull(findings[0].Mend);
    }

    [Fact]
    public void Programs_WhenTheFolderIsMissing_SaysSo()
    {
        using var home = new UserHome();
        var server = Server("a", "true");
        server.WorkingDirectory = home.Path("nowhere");
        Assert.Contains("working directory", Assert.Single(Programs(home, null, server)).Found, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("v22.0.0", "ok")]
    [InlineData("v18.0.0", "fail")]
    [InlineData(null, "fail")]
    public void Node_WhenAScriptsPackageNeedsAVersion_HoldsItAgainstTheNodeThatRuns(string? version, string verdict)
    {
        using var home = new UserHome();
        home.Write("tool/package.json", """{"name":"tool","engines":{"node":">=20"}}""");
        var server = Server("a", Executable(home, "node"), home.Write("tool/dist/index.js", ""));
        Assert.Equal(["ok program a", $"{verdict} node a"], Programs(home, version, server).Select(Word));
    }

    [Fact]
    public void Node_WhenAPackageIsInTheCacheOfNpx_KnowsWhatItNeeds()
    {
        using var home = new UserHome();
        home.Write(".npm/_npx/1/node_modules/@a/b/package.json", """{"name":"@a/b","version":"1.0.0","engines":{"node":">=30"}}""");
        home.Write(".npm/_npx/2/node_modules/@a/b/package.json", """{"name":"@a/b","version":"2.0.0","engines":{"node":">=10"}}""");
        var folder = Path.GetDirectoryName(Executable(home, "node"))!;
        Executable(home, "npx");
        ServerConfig Npx(string package)
        {
            var server = Server("a", "npx", "-y", package);
            server.Environment["PATH"] = folder;
            return server;
        }

        Assert.Equal(Verdict.Fail, Programs(home, "v22.0.0", Npx("@a/b@1.0.0"))[1].Verdict);
        Assert.Equal(Verdict.Ok, Programs(home, "v22.0.0", Npx("@a/b@2.0.0"))[1].Verdict);
        Assert.Contains("known once it was started", Programs(home, "v22.0.0", Npx("other"))[1].Found, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "ok")]
    [InlineData("HTTPS_PROXY=http://p:1;NO_PROXY=localhost,127.0.0.1", "ok")]
    [InlineData("HTTPS_PROXY=http://p:1;NO_PROXY=localhost", "warn")]
    [InlineData("http_proxy=http://p:1", "warn")]
    [InlineData("HTTP_PROXY=http://p:1;http_proxy=http://q:1;NO_PROXY=*", "warn ok")]
    [InlineData("HTTP_PROXY=p:1;NO_PROXY=*", "warn ok")]
    public void Proxies_WhenVariablesAreSet_SaysWhatIsOdd(string variables, string expected)
    {
        var environment = variables.Split(';', StringSplitOptions.RemoveEmptyEntries).ToDictionary(static pair => pair.Split('=')[0], static pair => pair.Split('=')[1], StringComparer.Ordinal);
        Assert.Equal(expected, string.Join(' ', NetworkChecks.Proxies(environment).Select(static finding => finding.Verdict.ToString().ToLowerInvariant())));
    }

    [Fact]
    public void Proxies_WhenAnAddressHoldsAPassword_HidesIt() =>
        Assert.DoesNotContain("planted-secret", string.Join('\n', NetworkChecks.Proxies(new Dictionary<string, string> { ["HTTP_PROXY"] = "//me:planted-secret@p:1" })), StringComparison.Ordinal);

    [Fact]
    public void Ports_WhenOneIsTaken_NamesTheHolder()
    {
        using var holder = new TcpListener(IPAddress.Loopback, 0);
        holder.Start();
        var port = ((IPEndPoint)holder.LocalEndpoint).Port;
        var taken = Assert.Single(NetworkChecks.Ports(new FairleadOptions { Port = port }, null));
        Assert.Equal(Verdict.Fail, taken.Verdict);
        Assert.Contains($"process {Environment.ProcessId} ", taken.Found, StringComparison.Ordinal);
        var ours = new InstanceFile(Environment.ProcessId, $"http://127.0.0.1:{port}", "0");
        Assert.Equal(Verdict.Ok, Assert.Single(NetworkChecks.Ports(new FairleadOptions { Port = port }, ours)).Verdict);
    }

    [Fact]
    public void State_WhenThingsWereLeftBehind_NamesThem()
    {
        using var home = new UserHome();
        Assert.Equal(["ok state"], StateChecks.Run(home.At.StateFolder, null, null).Select(Word));
        home.Write("state/verdicts.json.corrupt-20260101T000000Z", "");
        home.Write("state/instance.lock", "");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(home.At.StateFolder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherRead);
        }

        Assert.Equal(["warn state", "warn lock", "warn corrupt"], StateChecks.Run(home.At.StateFolder, null, "the last one has ended").Select(Word));
        using (StateFolder.TryLock(home.At.StateFolder))
        {
            Assert.Contains("Another process holds", StateChecks.Run(home.At.StateFolder, null, null).First(static finding => finding.Check == "lock").Found, StringComparison.Ordinal);
        }

        Assert.Equal(Verdict.Fail, StateChecks.Run(home.Write("file", ""), null, null).Single().Verdict);
    }

    [Fact]
    public async Task Instance_WhenItsProcessDoesNotAnswerAndIsOlder_SaysBoth()
    {
        var findings = await InstanceChecks.RunAsync(new InstanceFile(1, "http://127.0.0.1:1", "0.0.1"), "0.1.0", null);
        Assert.Equal(["warn instance", "fail instance"], findings.Select(Word));
    }

    [Fact]
    public void Clients_WhenOneLeadsElsewhere_SaysHowToLeadItHere()
    {
        using var home = new UserHome();
        home.Write(".cursor/mcp.json", """{"mcpServers":{"fairlead":{"url":"http://127.0.0.1:9999/mcp"}}}""");
        home.Write(".config/Claude/claude_desktop_config.json", """{"mcpServers":{"fairlead":{"command":"/nowhere/fairlead","args":["stdio"]}}}""");
        home.Write(".claude.json", "{");
        var findings = ClientChecks.Run(home.At, 8080).ToArray();
        Assert.Equal(["fail client", "warn client", "warn client"], findings.Select(Word));
        Assert.Contains("fairlead connect claude-desktop", findings[0].Mend, StringComparison.Ordinal);
        Assert.Contains("fairlead connect cursor", findings[2].Mend, StringComparison.Ordinal);
        Assert.Contains(".claude.json:1:2", findings[1].Found, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Doctor_WhenSomethingCannotWork_EndsWith9AndHidesSecrets()
    {
        using var folder = new TempFolder();
        var file = folder.Write("c.json", """{"port":0,"servers":{"gone":{"command":"no-such-program","args":["--token","planted-secret"]},"waits":{"command":"true","env":{"T":"${DOCTOR_TEST_NOPE}"}}}}""");
        var variables = new Dictionary<string, string> { ["HOME"] = folder.FullName };
        var text = (await CliRun.OfAsync(variables, "doctor", "--config", file, "--state", folder.At("state"))).Ended(9).Output;
        Assert.Matches("(?m)^fail  program gone ", text);
        Assert.Matches("(?m)^warn  variables waits .*DOCTOR_TEST_NOPE", text);
        Assert.DoesNotContain("planted-secret", text, StringComparison.Ordinal);

        var json = JsonNode.Parse((await CliRun.OfAsync(variables, "doctor", "--config", file, "--state", folder.At("state"), "--json")).Ended(9).Output)!;
        Assert.Equal("fail", (string?)json["verdict"]);
        Assert.All(json["findings"]!.AsArray(), static finding => Assert.True((string?)finding!["verdict"] == "ok" || finding["mend"] is not null, finding.ToJsonString()));
    }

    private static Finding[] Programs(UserHome home, string? nodeVersion, params ServerConfig[] servers)
    {
        Directory.CreateDirectory(home.At.CurrentDirectory);
        return [.. new ProgramChecks(home.At, _ => nodeVersion).Run(servers)];
    }

    private static ServerConfig Server(string name, string command, params string[] arguments) => new() { Name = name, Command = command, Arguments = arguments };

    private static ServerConfig Server(string name, string command, bool disabled) => new() { Name = name, Command = command, Disabled = disabled };

    /// <summary>A file that may be executed; nothing runs it.</summary>
    private static string Executable(UserHome home, string name)
    {
        var path = home.Write("bin/" + name, "");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }

        return path;
    }

    private static string Word(Finding finding) => $"{finding.Verdict.ToString().ToLowerInvariant()} {finding.Check}{(finding.Server is null ? "" : " " + finding.Server)}";
}
