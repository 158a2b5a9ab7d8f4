using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.TestKit;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary><c>fairlead stdio</c>: clients that can only start a command (decision 13).</summary>
public sealed class StdioTests
{
    private const int SigKill = 9;
    private const string Initialize = """{"jsonrpc":"2.0","id":"i","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}""";
    private const string Initialized = """{"jsonrpc":"2.0","method":"notifications/initialized"}""";
    private const string Modern = "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientCapabilities\":{}}";

    [Fact]
    public async Task Clients_WhenFourStartAtTheSameMoment_ShareOneFleetThatEndsAfterTheLast()
    {
        using var folder = Folder();
        var clients = Enumerable.Range(0, 4).Select(_ => Start(folder)).ToArray();
        try
        {
            await Task.WhenAll(clients.Select(async client =>
            {
                await client.WriteLineAsync(Initialize);
                await client.WriteLineAsync(Initialized);
                await client.WriteLineAsync("""{"jsonrpc":"2.0","id":"call","method":"tools/call","params":{"name":"echo__echo","arguments":{"message":"hello"}}}""");
                Assert.Contains("hello", await AnswerAsync(client, "call"), StringComparison.Ordinal);
            }));
            var instance = Instance(folder);
            Assert.Single(ProcessTable.Marked(Mark(folder)));

            foreach (var client in clients)
            {
                client.CloseInput();
                Assert.Equal(0, await Guard.WithinAsync(client.Exit, "the end of a client"));
                Assert.All(client.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries), static line => Assert.Equal("2.0", (string?)JsonNode.Parse(line)!["jsonrpc"]));
            }

            await ProcessTable.WhenGoneAsync(instance);
            await ProcessTable.WhenNoneMarkedAsync(Mark(folder));
            Assert.False(File.Exists(folder.At("state/instance.json")));
        }
        finally
        {
            await EndAsync(folder, clients);
        }
    }

    [Fact]
    public async Task Connection_WhenErasMix_ServesEachMessageByItsOwnClaim()
    {
        using var folder = Folder();
        var client = Start(folder);
        try
        {
            await client.WriteLineAsync("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server/discover\",\"params\":{" + Modern + "}}");
            Assert.Contains("\"supportedVersions\":[\"2026-07-28\"]", await AnswerAsync(client, "1"), StringComparison.Ordinal);
            await client.WriteLineAsync(Initialize.Replace("2025-11-25", "2025-03-26", StringComparison.Ordinal));
            Assert.Contains("\"protocolVersion\":\"2025-03-26\"", await AnswerAsync(client, "i"), StringComparison.Ordinal);
            await client.WriteLineAsync(Initialized);
            await client.WriteLineAsync("{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"echo__echo\",\"arguments\":{\"message\":\"modern\"}," + Modern + "}}");
            Assert.Contains("\"resultType\":\"complete\"", await AnswerAsync(client, "2"), StringComparison.Ordinal);
            await client.WriteLineAsync("""[{"jsonrpc":"2.0","id":3,"method":"ping"},{"jsonrpc":"2.0","id":4,"method":"ping"}]""");
            var batch = await client.LineAsync(static line => line.StartsWith('['), "the answer to a batch");
            Assert.Contains("\"id\":3", batch, StringComparison.Ordinal);
            Assert.Contains("\"id\":4", batch, StringComparison.Ordinal);
            await client.WriteLineAsync("this is no message");
            await client.LineAsync(static line => line.Contains("-32700", StringComparison.Ordinal), "the refusal of junk");
        }
        finally
        {
            await EndAsync(folder, client);
        }
    }

    [Fact]
    public async Task Modern_WhenACallIsCancelled_ItEndsAtTheServerAndOthersGoOn()
    {
        using var folder = Folder();
        var client = Start(folder);
        try
        {
            await client.WriteLineAsync("{\"jsonrpc\":\"2.0\",\"id\":\"w\",\"method\":\"tools/call\",\"params\":{\"name\":\"slow__wait\",\"arguments\":{}," + Modern + "}}");
            await UntilReleasedAsync(client);
            Assert.Contains("released", await AnswerAsync(client, "w"), StringComparison.Ordinal);
            await client.WriteLineAsync("{\"jsonrpc\":\"2.0\",\"id\":\"c\",\"method\":\"tools/call\",\"params\":{\"name\":\"slow__wait\",\"arguments\":{}," + Modern + "}}");
            await client.WriteLineAsync("""{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"c"}}""");
            await client.WriteLineAsync("{\"jsonrpc\":\"2.0\",\"id\":\"after\",\"method\":\"tools/call\",\"params\":{\"name\":\"echo__echo\",\"arguments\":{\"message\":\"still here\"}," + Modern + "}}");
            Assert.Contains("still here", await AnswerAsync(client, "after"), StringComparison.Ordinal);
            Assert.DoesNotContain("\"id\":\"c\"", client.Output, StringComparison.Ordinal);
        }
        finally
        {
            await EndAsync(folder, client);
        }
    }

    [Fact]
    public async Task Instance_WhenItIsKilled_TheNextRequestStartsAnotherAndTheSessionGoesOn()
    {
        using var folder = Folder();
        var client = Start(folder);
        try
        {
            await client.WriteLineAsync(Initialize);
            await client.WriteLineAsync(Initialized);
            await client.WriteLineAsync("""{"jsonrpc":"2.0","id":1,"method":"tools/list"}""");
            await AnswerAsync(client, "1");
            var first = Instance(folder);
            ProcessTable.Signal(first, SigKill);
            await ProcessTable.WhenGoneAsync(first);

            // A call that falls into the moment of the kill may be lost: nobody can know whether it ran. Something that may be repeated never is.
            await client.WriteLineAsync("""{"jsonrpc":"2.0","id":"between","method":"tools/list"}""");
            Assert.Contains("\"result\"", await AnswerAsync(client, "between"), StringComparison.Ordinal);
            await client.WriteLineAsync("""{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"echo__echo","arguments":{"message":"again"}}}""");

            var answer = await AnswerAsync(client, "2");
            Assert.True(answer.Contains("again", StringComparison.Ordinal), answer);
            Assert.NotEqual(first, Instance(folder));
        }
        finally
        {
            await EndAsync(folder, client);
        }
    }

    [Theory]
    [InlineData("2025-11-25", false)]
    [InlineData("2026-07-28", false)]
    [InlineData("2025-11-25", true)]
    public async Task SdkClient_WhenItStartsTheCommand_ListsCallsAndAnswersQuestions(string version, bool standalone)
    {
        using var folder = Folder();
        string[] more = standalone ? ["--standalone"] : ["--state", folder.At("state"), "--until-idle", "1"];
        try
        {
            await using var client = await Guard.WithinAsync(
                McpClient.CreateAsync(
                    new StdioClientTransport(new StdioClientTransportOptions { Command = "dotnet", Arguments = [RepositoryPaths.Cli, "stdio", "--config", folder.At("c.json"), .. more] }),
                    new McpClientOptions
                    {
                        ProtocolVersion = version,
                        Handlers = new McpClientHandlers
                        {
                            ElicitationHandler = static (_, _) => ValueTask.FromResult(new ElicitResult
                            {
                                Action = "accept",
                                Content = new Dictionary<string, JsonElement> { ["colour"] = JsonSerializer.SerializeToElement("violet") },
                            }),
                        },
                    }),
                $"a client of {version} to connect");
            Assert.Equal(version, client.NegotiatedProtocolVersion);

            Assert.Contains("echo__echo", (await Guard.WithinAsync(client.ListToolsAsync(), "the tools")).Select(static tool => tool.Name));
            var echo = await Guard.WithinAsync(client.CallToolAsync("echo__echo", new Dictionary<string, object?> { ["message"] = "hello" }), "an echo");
            Assert.Contains("hello", JsonSerializer.Serialize(echo), StringComparison.Ordinal);
            if (version != "2026-07-28")
            {
                var asked = await Guard.WithinAsync(client.CallToolAsync("asks__ask_elicitation"), "a call that asks");
                Assert.Contains("violet", JsonSerializer.Serialize(asked), StringComparison.Ordinal);
            }
        }
        finally
        {
            await EndAsync(folder);
        }
    }

    [Fact]
    public async Task Start_WhenTheConfigurationIsWrong_SaysWhyOnStderrAlone()
    {
        using var folder = new TempFolder();
        folder.Write("c.json", """{"servers":{"a":{"comand":"x"}}}""");

        var run = (await CliRun.OfAsync("stdio", "--config", folder.At("c.json"), "--state", folder.At("state"))).Ended(4);

        Assert.Contains("comand", run.Output, StringComparison.Ordinal);
        Assert.All(run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries), static line => Assert.StartsWith("! ", line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Url_WhenNobodyAnswersThere_SaysSo()
    {
        var run = (await CliRun.OfAsync("stdio", "--url", "http://127.0.0.1:1")).Ended(4);

        Assert.Contains("no Fairlead answers", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Message_WhenItIsTooLong_IsRefusedAndOthersGoOn_AndALineWithoutEndEndsTheRelay()
    {
        using var folder = Folder();
        var client = Start(folder);
        try
        {
            await client.WriteLineAsync(new string('x', 17 * 1024 * 1024));
            Assert.Contains("send less", await client.LineAsync(static line => line.Contains("-32600", StringComparison.Ordinal), "the refusal"), StringComparison.Ordinal);
            await client.WriteLineAsync("{\"jsonrpc\":\"2.0\",\"id\":\"after\",\"method\":\"server/discover\",\"params\":{" + Modern + "}}");
            await AnswerAsync(client, "after");

            // More than four times the bound, and no end of the line: what follows could not be told apart.
            // It may end before all of it has been written.
            await Record.ExceptionAsync(() => client.WriteLineAsync(new string('x', 65 * 1024 * 1024)));
            Assert.Equal(0, await Guard.WithinAsync(client.Exit, "the end of the relay"));
        }
        finally
        {
            await EndAsync(folder, client);
        }
    }

    [Fact]
    public async Task Profile_IsOfferedAlone()
    {
        using var folder = Folder();
        folder.Write("c.json", File.ReadAllText(folder.At("c.json")).Replace("\"port\":0", "\"port\":0,\"profiles\":{\"one\":{\"servers\":[\"echo\"]}}", StringComparison.Ordinal));
        var client = ChildProcess.StartWithInput("dotnet", [RepositoryPaths.Cli, "stdio", "--profile", "one", "--config", folder.At("c.json"), "--state", folder.At("state"), "--until-idle", "1"]);
        try
        {
            await client.WriteLineAsync("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{" + Modern + "}}");
            var tools = JsonNode.Parse(await AnswerAsync(client, "1"))!["result"]!["tools"]!.AsArray();
            Assert.Equal("echo__echo", (string?)Assert.Single(tools)!["name"]);
        }
        finally
        {
            await EndAsync(folder, client);
        }

        (await CliRun.OfAsync("stdio", "--profile", "one", "--server", "echo")).Ended(2);
    }

    private static TempFolder Folder()
    {
        var folder = new TempFolder();
        var echo = GatewayProcess.Stdio("dotnet", RepositoryPaths.BuiltAssembly("Echo", "echo-server.dll"));
        echo["env"] = new JsonObject { ["FAIRLEAD_STDIO_TEST"] = folder.FullName };
        var misbehave = RepositoryPaths.BuiltAssembly("Misbehave", "misbehave-server.dll");
        folder.Write("c.json", new JsonObject
        {
            ["port"] = 0,
            ["servers"] = new JsonObject { ["echo"] = echo, ["slow"] = GatewayProcess.Stdio("dotnet", misbehave, "slow"), ["asks"] = GatewayProcess.Stdio("dotnet", misbehave, "asks") },
        }.ToJsonString());
        return folder;
    }

    private static ChildProcess Start(TempFolder folder) => ChildProcess.StartWithInput(
        "dotnet", [RepositoryPaths.Cli, "stdio", "--config", folder.At("c.json"), "--state", folder.At("state"), "--until-idle", "1"]);

    /// <summary>What the environment of the echo server holds.</summary>
    private static string Mark(TempFolder folder) => "FAIRLEAD_STDIO_TEST=" + folder.FullName;

    private static int Instance(TempFolder folder) => JsonNode.Parse(File.ReadAllText(folder.At("state/instance.json")))!["pid"]!.GetValue<int>();

    private static Task<string> AnswerAsync(ChildProcess client, string id) => client.LineAsync(
        line => line.StartsWith('{') && JsonNode.Parse(line)!["id"]?.ToString() == id && JsonNode.Parse(line)!["method"] is null, $"the answer to {id}");

    private static async Task UntilReleasedAsync(ChildProcess client)
    {
        for (var i = 0; ; i++)
        {
            await client.WriteLineAsync("{\"jsonrpc\":\"2.0\",\"id\":\"r" + i + "\",\"method\":\"tools/call\",\"params\":{\"name\":\"slow__release\",\"arguments\":{}," + Modern + "}}");
            if ((await AnswerAsync(client, $"r{i}")).Contains("1 released", StringComparison.Ordinal))
            {
                return;
            }
        }
    }

    /// <summary>Ends the clients, then the instance that they left in the background.</summary>
    private static async Task EndAsync(TempFolder folder, params ChildProcess[] clients)
    {
        foreach (var client in clients)
        {
            await client.DisposeAsync();
        }

        if (File.Exists(folder.At("state/instance.json")))
        {
            await CliRun.OfAsync("down", "--state", folder.At("state"));
        }
    }
}
