using Fairlead.Cli;
using Fairlead.Cli.Running;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary>Which token goes to which instance.</summary>
public sealed class InstanceTargetTests
{
    private const string Here = "http://127.0.0.1:8080";
    private const string There = "https://fairlead.example.com";

    [Theory]
    [InlineData(null, Here, null, null, "folder")]
    [InlineData(Here, Here, null, null, "folder")]
    [InlineData(There, There, null, null, null)]
    [InlineData("http://192.0.2.1", "http://192.0.2.1", null, null, null)]
    [InlineData(There, There, "file", null, "file")]
    [InlineData(There, There, "file", "variable", "file")]
    [InlineData(There, There, null, "variable", "variable")]
    [InlineData(Here, Here, null, "variable", "variable")]
    [InlineData("http://localhost:1", "http://localhost:1", "file", null, "file")]
    [InlineData("http://[::1]:1", "http://[::1]:1", "file", null, "file")]
    [InlineData(null, Here, null, "variable", "folder")]
    [InlineData(null, Here, "file", null, "file")]
    public void TokenFor_WhereItIsGivenOrKnown_IsThatOne(string? url, string address, string? inFile, string? inVariable, string? expected)
    {
        using var folder = new TempFolder();
        var target = new InstanceTarget(url, null, inFile is null ? null : folder.Write("token", inFile + "\n"), inVariable);
        Assert.Equal(new AdminToken(expected, null), target.TokenFor(new Uri(address), "folder"));
    }

    [Theory]
    [InlineData("http://192.0.2.1:8080")]
    [InlineData("http://fairlead.example.com")]
    public void TokenFor_AnotherMachineOverHttp_IsRefusedWithTheReason(string address)
    {
        var (text, problem) = new InstanceTarget(address, null, null, "planted-secret").TokenFor(new Uri(address), "folder");
        Assert.Null(text);
        Assert.Contains("over http everybody on the way could read it", problem, StringComparison.Ordinal);
        Assert.DoesNotContain("planted-secret", problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("planted secret")]
    [InlineData("planted\nsecret")]
    [InlineData("plánted")]
    public void TokenFor_WhenTheFileHoldsNoToken_SaysSoWithoutItsText(string text)
    {
        using var folder = new TempFolder();
        var (token, problem) = new InstanceTarget(There, null, folder.Write("token", text)).TokenFor(new Uri(There), null);
        Assert.Null(token);
        Assert.Contains("holds no token", problem, StringComparison.Ordinal);
        Assert.DoesNotContain("planted", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void TokenFor_WhenThereIsNoFile_SaysSo() =>
        Assert.Contains("--token-file /no/such/file cannot be read", new InstanceTarget(There, null, "/no/such/file").TokenFor(new Uri(There), null).Problem, StringComparison.Ordinal);

    [Fact]
    public async Task Commands_WithATokenForAnotherStateFolder_SteerTheInstanceThatTheUrlNames()
    {
        await using var gateway = await GatewayProcess.StartAsync("echo", GatewayProcess.Stdio("dotnet", RepositoryPaths.BuiltAssembly("Echo", "echo-server.dll")));
        using var folder = new TempFolder();
        var token = await File.ReadAllTextAsync(Path.Combine(gateway.StateFolder, "admin.token"));
        var file = folder.Write("token", token + "\n");
        var url = gateway.Url.ToString();
        Task<CliRun> Run(string? variable, params string[] arguments) => CliRun.OfAsync(
            new Dictionary<string, string> { [InstanceOptions.TokenVariable] = variable ?? "" }, [.. arguments, "--state", folder.At("other"), "--url", url]);

        (await Run(null, "ps")).Ended(ExitCodes.Ok);
        Assert.Contains("No token was sent: give that of this instance in a file with --token-file, or in FAIRLEAD_TOKEN", (await Run(null, "disable", "echo")).Ended(ExitCodes.Failed).Output, StringComparison.Ordinal);
        Assert.Contains("echo is Disabled", (await Run(null, "disable", "echo", "--token-file", file)).Ended(ExitCodes.Ok).Output, StringComparison.Ordinal);
        Assert.Contains("echo is Initializing", (await Run(token, "enable", "echo")).Ended(ExitCodes.Ok).Output, StringComparison.Ordinal);
        var wrong = (await Run("planted-wrong-token", "disable", "echo")).Ended(ExitCodes.Failed);
        Assert.DoesNotContain("No token was sent", wrong.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("planted-wrong-token", wrong.Output, StringComparison.Ordinal);

        url = "http://192.0.2.1:8080";
        Assert.Contains("the token is not sent to http://192.0.2.1:8080", (await Run(token, "disable", "echo")).Ended(ExitCodes.Usage).Output, StringComparison.Ordinal);
    }
}
