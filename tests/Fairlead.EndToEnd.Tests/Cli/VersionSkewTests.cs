using System.Text.Json.Nodes;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary>Commands beside an instance of another version (decision 13).</summary>
public sealed class VersionSkewTests : IAsyncLifetime
{
    private GatewayProcess _gateway = null!;

    public async Task InitializeAsync() => _gateway = await GatewayProcess.StartAsync(new JsonObject { ["servers"] = new JsonObject() });

    public Task DisposeAsync() => _gateway.DisposeAsync().AsTask();

    [Fact]
    public async Task Command_WhenTheInstanceIsOfAnotherVersion_SaysWhichAndGoesOn()
    {
        await PretendAsync(file => file["version"] = "0.0.9");
        var run = (await CliRun.OfAsync("ps", "--state", _gateway.StateFolder)).Ended(0);
        Assert.Contains("is Fairlead 0.0.9, this is ", run.Output, StringComparison.Ordinal);
        Assert.Contains("going on", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Command_WhenTheInstanceSpeaksAnotherApi_SaysSoAndStops()
    {
        await PretendAsync(file =>
        {
            file["version"] = "9.0.0";
            file["apiVersion"] = 2;
        });
        var run = (await CliRun.OfAsync("ps", "--state", _gateway.StateFolder)).Ended(1);
        Assert.Contains("Fairlead 9.0.0", run.Output, StringComparison.Ordinal);
        Assert.Contains("Use that version", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Command_WhenTheInstanceIsTheSame_SaysNothingOfVersions()
    {
        var run = (await CliRun.OfAsync("ps", "--state", _gateway.StateFolder)).Ended(0);
        Assert.DoesNotContain("! ", run.Output, StringComparison.Ordinal);
    }

    private async Task PretendAsync(Action<JsonNode> change)
    {
        var path = Path.Combine(_gateway.StateFolder, "instance.json");
        var file = JsonNode.Parse(await File.ReadAllTextAsync(path))!;
        change(file);
        await File.WriteAllTextAsync(path, file.ToJsonString());
    }
}
