using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Cli.Output;
using Fairlead.Diagnostics;
using Fairlead.EndToEnd.Tests.Cli;
using Fairlead.Security;
using Fairlead.TestKit;
using Microsoft.Extensions.Logging;

namespace Fairlead.EndToEnd.Tests.Telemetry;

/// <summary>Log events as JSON, a line each.</summary>
public sealed class JsonLogTests
{
    private static readonly Action<ILogger, string, int, Exception?> s_event = LoggerMessage.Define<string, int>(LogLevel.Warning, new EventId(EventIds.ServerLost), "Server {Server} is gone with {ExitCode}.");

    [Fact]
    public void Event_WhenItIsWritten_HasNumberNameValuesAndTheSpanItBelongsTo()
    {
        var redactor = new SecretRedactor();
        redactor.Add(["hunter2hunter2"]);
        var lines = new StringWriter();
        using var log = new TerminalLog(new Terminal(TextWriter.Null, lines, isTerminal: false, hasColour: false, static () => (80, 25)), redactor, new FakeTimeProvider(), isVerbose: false, Fairlead.Configuration.LogFormat.Json);
        using var loggers = log.CreateFactory();
        using var span = new Activity("own").SetIdFormat(ActivityIdFormat.W3C).Start();
        s_event(loggers.CreateLogger("Fairlead.Servers"), "git \"hunter2hunter2\"\nnext", 3, new InvalidOperationException("of hunter2hunter2"));
        var line = Assert.Single(lines.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.DoesNotContain("hunter2", line, StringComparison.Ordinal);
        using var json = JsonDocument.Parse(line);
        var root = json.RootElement;
        Assert.Equal(("2026-01-01T00:00:00.0000000Z", "warning", 2002, "ServerLost", "Fairlead.Servers"), (
            root.GetProperty("time").GetString(), root.GetProperty("level").GetString(), root.GetProperty("eventId").GetInt32(), root.GetProperty("event").GetString(), root.GetProperty("category").GetString()));
        Assert.Equal("Server git \"REDACTED\"\nnext is gone with 3.", root.GetProperty("message").GetString());
        Assert.Equal(3, root.GetProperty("values").GetProperty("exitCode").GetInt32());
        Assert.Equal(span.TraceId.ToHexString(), root.GetProperty("traceId").GetString());
        Assert.Contains("InvalidOperationException", root.GetProperty("exception").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Up_WithLogFormatJson_WritesNothingButObjectsToStderr()
    {
        using var folder = new TempFolder();
        var config = folder.Write("fairlead.json", new JsonObject { ["servers"] = new JsonObject { ["broken"] = GatewayProcess.Stdio("dotnet", RepositoryPaths.BuiltAssembly("Misbehave", "misbehave-server.dll"), "exit") } }.ToJsonString());
        await using var process = ChildProcess.Start("dotnet", [RepositoryPaths.Cli, "up", "--config", config, "--port", "0", "--state", folder.At("state"), "--json", "--log-format", "json"]);
        var line = await process.ErrorLineAsync(static line => line.Contains("\"ServerStartFailed\"", StringComparison.Ordinal), "the event ServerStartFailed");
        Assert.Equal("broken", JsonDocument.Parse(line).RootElement.GetProperty("values").GetProperty("server").GetString());
        await process.StopAsync();
        var errors = process.Output.Split('\n').Where(static text => text.StartsWith("! ", StringComparison.Ordinal)).Select(static text => text[2..]).ToArray();
        Assert.NotEmpty(errors);
        Assert.All(errors, static text => Assert.Equal(JsonValueKind.Object, JsonDocument.Parse(text).RootElement.ValueKind));
    }
}
