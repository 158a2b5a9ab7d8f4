using System.Text;
using Fairlead.Configuration;
using Fairlead.Routing;
using Fairlead.TestKit;
using Fairlead.Tests.Upstreams.Http;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Tests.Servers;

public sealed class OwnInstancesTests
{
    private const string CanElicit = """{"elicitation":{"form":{}}}""";

    private static Caller Session(object owner, string capabilities) => new(owner, Encoding.UTF8.GetBytes(capabilities)) { IsSession = true };

    private static async Task<(McpManager Manager, ServerCell Cell)> StartAsync(McpManager manager, ServerConfig config)
    {
        await manager.DeployServerAsync(config);
        await manager.ReachedAsync(config.Name, ServerState.Healthy);
        return (manager, manager.Cell(config.Name));
    }

    private static Task<UpstreamConnection?> InstanceForAsync(ServerCell cell, Caller caller) =>
        Guard.WithinAsync(cell.InstanceFor!(caller, CancellationToken.None), "an instance");

    /// <summary>Calls a tool as a client of its own would, answering questions with <paramref name="answer"/>.</summary>
    private static async Task<(string Result, List<string> Questions)> CallAsync(ServerCell cell, Caller caller, string tool, string message, string answer)
    {
        var connection = await InstanceForAsync(cell, caller) ?? cell.Current.Shared!;
        var call = UpstreamCall.Create();
        call.Owner = caller.Owner;
        call.CarriesMessages = true;
        Assert.True(connection.TryOpen(call));
        connection.Send(call, ControlRequest.Compose(
            call.UpstreamId, McpMethod.ToolsCall, Encoding.UTF8.GetBytes($"\"name\":\"{tool}\",\"arguments\":{{\"message\":\"{message}\",\"force\":true}}"), modern: false));
        var questions = new List<string>();
        while (!call.IsComplete)
        {
            await Guard.WithinAsync(call.WaitAsync(), $"the answer to {message}");
            while (call.TryReadMessage(out var received))
            {
                questions.Add(Encoding.UTF8.GetString(received!.Bytes));
                received.Question!.Answer("result"u8, Encoding.UTF8.GetBytes(answer));
            }
        }

        Assert.Equal(ForwardError.None, call.Error);
        var text = Encoding.UTF8.GetString(call.Answer);
        call.Release();
        return (text, questions);
    }

    [Fact]
    public async Task Ask_WhenTwoOwnersAreAskedAtOnce_NeitherSeesTheOthersQuestion()
    {
        var (manager, cell) = await StartAsync(new McpManager(), MisbehaveServer.Config("asks", "asks"));
        await using var _ = manager;
        var first = Session(new object(), CanElicit);
        await CallAsync(cell, first, "ask_elicitation", "warm-up", """{"action":"cancel"}""");
        await manager.ReachedAsync("asks", static snapshot => snapshot.IsAsking, "the mark of asking");

        var owners = Enumerable.Range(0, 3).Select(i => (Id: $"owner-{i}", Caller: Session(new object(), CanElicit))).ToArray();
        var calls = await Guard.WithinAsync(
            Task.WhenAll(owners.SelectMany(owner => Enumerable.Range(0, 20).Select(_ => CallAsync(
                cell, owner.Caller, "ask_elicitation", owner.Id, $$$"""{"action":"accept","content":{"colour":"{{{owner.Id}}}"}}""")))),
            "calls of three owners");

        for (var i = 0; i < calls.Length; i++)
        {
            var id = owners[i / 20].Id;
            Assert.Contains(id, calls[i].Result, StringComparison.Ordinal);
            Assert.All(calls[i].Questions, question => Assert.Contains(id, question, StringComparison.Ordinal));
        }

        Assert.Equal(3, Assert.Single(await manager.ListServersAsync()).OwnInstances);
    }

    [Fact]
    public async Task InstanceFor_WhenTheServerHasNotAsked_EverybodySharesAndNothingIsStarted()
    {
        var runs = ScriptedRuns.Legacy();
        var manager = new McpManager();
        manager.AddServer("s", runs);
        var (_, cell) = await StartAsync(manager, new ServerConfig { Name = "s" });
        await using var __ = manager;

        Assert.Null(await InstanceForAsync(cell, Session(new object(), CanElicit)));

        Assert.Equal(1, runs.Count);
    }

    [Fact]
    public async Task InstanceFor_WhenTheServerAsks_OwnersGetInstancesThatDeclareWhatTheyDeclared()
    {
        var (manager, runs, cell) = await AskingAsync();
        await using var _ = manager;

        var sampler = Session(new object(), """{"experimental":{},"sampling":{"tools":{}},"roots":{}}""");
        var own = await InstanceForAsync(cell, sampler);
        Assert.NotNull(own);
        Assert.Same(own, await InstanceForAsync(cell, sampler));
        Assert.Equal("""{"sampling":{"tools":{}},"roots":{}}""", await DeclaredAsync(runs, 2));

        var mute = await InstanceForAsync(cell, Session(new object(), "{}"));
        Assert.Same(mute, await InstanceForAsync(cell, Session(new object(), """{"experimental":{}}""")));
        Assert.NotSame(own, mute);
        Assert.Equal("{}", await DeclaredAsync(runs, 3));
    }

    [Fact]
    public async Task InstanceFor_WhenASessionHasUsedTheSharedInstance_ItStaysThere()
    {
        var runs = ScriptedRuns.Legacy();
        var manager = new McpManager();
        manager.AddServer("s", runs);
        var (_, cell) = await StartAsync(manager, new ServerConfig { Name = "s" });
        await using var __ = manager;
        var early = Session(new object(), CanElicit);
        Assert.Null(await InstanceForAsync(cell, early));

        await MakeAskAsync(manager, runs);

        Assert.Null(await InstanceForAsync(cell, early));
        Assert.NotNull(await InstanceForAsync(cell, Session(new object(), CanElicit)));
    }

    [Fact]
    public async Task InstanceFor_WhenTheServerIsStateless_EverybodyMovesToWhatDeclaresExactlyWhatTheyDeclare()
    {
        var runs = ScriptedRuns.Legacy();
        var manager = new McpManager();
        manager.AddServer("s", runs);
        var (_, cell) = await StartAsync(manager, new ServerConfig { Name = "s", Stateless = true });
        await using var __ = manager;
        var (session, modern) = (Session(new object(), CanElicit), new Caller(new object(), """{"elicitation":{},"sampling":{}}"""u8.ToArray()));
        Assert.Null(await InstanceForAsync(cell, session));
        Assert.Null(await InstanceForAsync(cell, modern));

        await MakeAskAsync(manager, runs);

        Assert.NotNull(await InstanceForAsync(cell, session));
        Assert.Equal(CanElicit, await DeclaredAsync(runs, 2));
        Assert.NotNull(await InstanceForAsync(cell, modern));

        // The same client, which can be asked for less this time.
        var less = new Caller(modern.Owner, Encoding.UTF8.GetBytes(CanElicit)) { InstanceKey = new object() };
        Assert.NotSame(await InstanceForAsync(cell, modern), await InstanceForAsync(cell, less));
        Assert.Equal(CanElicit, await DeclaredAsync(runs, 4));
    }

    [Fact]
    public async Task InstanceFor_WhenAsManyAsAllowedExist_FurtherOwnersShare()
    {
        var options = new FairleadOptions();
        options.Limits.InstancesPerServerMax = 2;
        var (manager, _, cell) = await AskingAsync(new McpManager(options));
        await using var __ = manager;
        var owners = Enumerable.Range(0, 3).Select(_ => Session(new object(), CanElicit)).ToArray();

        Assert.NotNull(await InstanceForAsync(cell, owners[0]));
        Assert.NotNull(await InstanceForAsync(cell, owners[1]));
        Assert.Null(await InstanceForAsync(cell, owners[2]));
        manager.Fleet.ReleaseOwner(owners[0].Owner!);

        Assert.NotNull(await InstanceForAsync(cell, owners[2]));
    }

    [Fact]
    public async Task Release_WhenAnOwnerHasGone_ItsInstanceEnds()
    {
        var (manager, _, cell) = await AskingAsync();
        await using var __ = manager;
        var owner = Session(new object(), CanElicit);
        var own = await InstanceForAsync(cell, owner);

        manager.Fleet.ReleaseOwner(owner.Owner!);

        Assert.Contains("stopped", await Guard.WithinAsync(own!.Lost, "the end of the instance"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Idle_WhenNobodyUsedAnInstance_ItEnds()
    {
        var clock = new FakeTimeProvider();
        var (manager, _, cell) = await AskingAsync(new McpManager(timeProvider: clock));
        await using var __ = manager;
        var own = await InstanceForAsync(cell, Session(new object(), CanElicit));

        clock.Advance(TimeSpan.FromMinutes(4));
        Assert.False(own!.Lost.IsCompleted);
        clock.Advance(TimeSpan.FromMinutes(2));

        await Guard.WithinAsync(own.Lost, "the end of the idle instance");
    }

    [Fact]
    public async Task Loss_WhenAnOwnInstanceCrashes_TheNextCallGetsAnotherAndTheServerIsUnharmed()
    {
        var (manager, runs, cell) = await AskingAsync();
        await using var _ = manager;
        var owner = Session(new object(), CanElicit);
        var own = await InstanceForAsync(cell, owner);

        (await runs.WhenRunAsync(2)).Crash("gone");
        await Guard.WithinAsync(own!.Lost, "the loss");
        var next = await InstanceForAsync(cell, owner);

        Assert.NotNull(next);
        Assert.NotSame(own, next);
        Assert.Equal(ServerState.Healthy, cell.Current.State);
    }

    [Fact]
    public async Task Isolation_WhenSessionIsDemanded_EachSessionHasItsOwnFromTheFirstCall()
    {
        var runs = ScriptedRuns.Legacy();
        var manager = new McpManager();
        manager.AddServer("s", runs);
        var (_, cell) = await StartAsync(manager, new ServerConfig { Name = "s", Isolation = ServerIsolation.Session });
        await using var __ = manager;

        var one = await InstanceForAsync(cell, Session(new object(), "{}"));
        var two = await InstanceForAsync(cell, Session(new object(), "{}"));

        Assert.NotNull(one);
        Assert.NotSame(one, two);
    }

    [Fact]
    public async Task Isolation_WhenSharedIsDemanded_AnAskingServerIsSharedAllTheSame()
    {
        var (manager, _, cell) = await AskingAsync(config: new ServerConfig { Name = "s", Isolation = ServerIsolation.Shared });
        await using var __ = manager;

        Assert.Null(await InstanceForAsync(cell, Session(new object(), CanElicit)));
    }

    [Fact]
    public async Task Execute_WhenAHandlerIsSet_TheServersQuestionIsAnswered()
    {
        await using var manager = new McpManager();
        manager.OnElicitation = static (question, _) =>
        {
            Assert.Equal("asks", question.Server);
            return Task.FromResult<object>(new { action = "accept", content = new { colour = question.Params.GetProperty("message").GetString() } });
        };
        await manager.DeployServerAsync(MisbehaveServer.Config("asks", "asks"));

        var result = await Guard.WithinAsync(manager.ExecuteToolAsync("asks", "ask_elicitation", new { message = "which?" }), "the call");

        Assert.Contains("\"colour\":\"which?\"", result.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Execute_WhenTheCallerGivesUpWhileItIsAsked_TheServerIsToldOfBoth()
    {
        using var giveUp = new CancellationTokenSource();
        var runs = ScriptedRuns.Legacy(static server => server.On("tools/call", request =>
        {
            _ = server.SendAsync("""{"jsonrpc":"2.0","id":7,"method":"elicitation/create","params":{"message":"?","requestedSchema":{"type":"object","properties":{}}}}""");
            return null;
        }));
        await using var manager = new McpManager();
        manager.OnElicitation = async (_, cancellationToken) =>
        {
            await giveUp.CancelAsync();
            cancellationToken.ThrowIfCancellationRequested();
            return new { action = "accept" };
        };
        manager.AddServer("s", runs);
        await manager.DeployServerAsync(new ServerConfig { Name = "s" });

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () => await Guard.WithinAsync(manager.CallAsync("s", "hello", cancellationToken: giveUp.Token), "the end of the call"));

        var server = (await runs.WhenRunAsync(1)).Server;
        await server.WhenReceivedAsync("notifications/cancelled");
        await server.WhenReceivedAsync(static received => received.Any(static line => line.Line == """{"jsonrpc":"2.0","id":7,"result":{"action":"cancel"}}"""), "the question to be declined");
    }

    [Fact]
    public async Task Execute_WhenTheServerWithdrawsItsQuestion_TheHandlerIsCancelledAndTheCallGoesOn()
    {
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var runs = ScriptedRuns.Legacy(static server => server.On("tools/call", request =>
        {
            _ = server.SendAsync("""{"jsonrpc":"2.0","id":7,"method":"elicitation/create","params":{"message":"?","requestedSchema":{"type":"object","properties":{}}}}""");
            return null;
        }));
        await using var manager = new McpManager();
        manager.OnElicitation = async (_, cancellationToken) =>
        {
            using var registration = cancellationToken.Register(cancelled.SetResult);
            asked.SetResult();
            await cancelled.Task;
            throw new OperationCanceledException(cancellationToken);
        };
        manager.AddServer("s", runs);
        await manager.DeployServerAsync(new ServerConfig { Name = "s" });
        var call = manager.CallAsync("s", "hello").AsTask();
        await Guard.WithinAsync(asked.Task, "the question");
        var server = (await runs.WhenRunAsync(1)).Server;

        await server.SendAsync("""{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}""");
        await Guard.WithinAsync(cancelled.Task, "the cancellation of the handler");
        await server.SendAsync($$$"""{"jsonrpc":"2.0","id":{{{server.Received.Single(static received => received.Method == "tools/call").Id}}},"result":{"content":[]}}""");

        await Guard.WithinAsync(call, "the end of the call");
        Assert.DoesNotContain(server.Received, static received => received.Method.Length == 0);
    }

    [Fact]
    public async Task Execute_WhileTheCallerIsAsked_ProgressDoesNotWakeTheDeadline()
    {
        var clock = new FakeTimeProvider();
        var answer = new TaskCompletionSource<object>(TaskCreationOptions.RunContinuationsAsynchronously);
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var upstream = await new LegacyScript
        {
            Capabilities = """{"tools":{}}""",
            Call = async (_, context, request) =>
            {
                if (request.RpcMethod == "tools/list")
                {
                    await context.ResultAsync(request, """{"tools":[{"name":"hello","inputSchema":{"type":"object"}}]}""");
                    return;
                }

                await context.StartEventsAsync();
                await context.EventAsync("""{"jsonrpc":"2.0","id":7,"method":"elicitation/create","params":{"message":"?","requestedSchema":{"type":"object","properties":{}}}}""");
                await asked.Task;
                await context.EventAsync("""{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":ID,"progress":1}}""".Replace("ID", request.Id, StringComparison.Ordinal));
                await context.EventAsync("""{"jsonrpc":"2.0","id":8,"method":"ping"}""");
                await answer.Task;
                await context.EventAsync($$$"""{"jsonrpc":"2.0","id":{{{request.Id}}},"result":{"content":[{"type":"text","text":"done"}]}}""");
            },
        }.StartAsync();
        await using var manager = new McpManager(new FairleadOptions(), timeProvider: clock);
        manager.OnElicitation = (_, _) =>
        {
            asked.TrySetResult();
            return answer.Task;
        };
        await manager.DeployServerAsync(new ServerConfig { Name = "s", Url = upstream.Url, HealthCheck = { Kind = HealthCheckKind.None } });
        var call = manager.CallAsync("s", "hello").AsTask();

        // The ping comes after the progress: its answer says that both have been read.
        await upstream.NextAsync(static one => one.Body.Contains("\"id\":8", StringComparison.Ordinal), "the answer to the ping");
        clock.Advance(TimeSpan.FromMinutes(5));
        answer.SetResult(new { action = "decline" });

        Assert.Equal("done", (await Guard.WithinAsync(call, "the call")).Text);
    }

    [Fact]
    public async Task Execute_WhenNoHandlerIsSet_TheQuestionIsDeclinedAndTheCallEnds()
    {
        await using var manager = new McpManager();
        await manager.DeployServerAsync(MisbehaveServer.Config("asks", "asks"));

        var result = await Guard.WithinAsync(manager.CallAsync("asks", "ask_elicitation", new { message = "which?" }), "the call");

        Assert.Contains("cancel", result.Text, StringComparison.Ordinal);
    }

    private static async Task<string> DeclaredAsync(ScriptedRuns runs, int run)
    {
        var server = (await runs.WhenRunAsync(run)).Server;
        await server.WhenReceivedAsync("initialize");
        var given = server.Received.Single(static request => request.Method == "initialize").Params;
        using var document = System.Text.Json.JsonDocument.Parse(given);
        return document.RootElement.GetProperty("capabilities").GetRawText();
    }

    private static async Task<(McpManager Manager, ScriptedRuns Runs, ServerCell Cell)> AskingAsync(McpManager? manager = null, ServerConfig? config = null)
    {
        manager ??= new McpManager();
        var runs = ScriptedRuns.Legacy();
        manager.AddServer("s", runs);
        var (_, cell) = await StartAsync(manager, config ?? new ServerConfig { Name = "s" });
        await MakeAskAsync(manager, runs);
        return (manager, runs, cell);
    }

    private static async Task MakeAskAsync(McpManager manager, ScriptedRuns runs)
    {
        await (await runs.WhenRunAsync(1)).Server.SendAsync("""{"jsonrpc":"2.0","id":0,"method":"elicitation/create","params":{}}""");
        await manager.ReachedAsync("s", static snapshot => snapshot.IsAsking, "the mark of asking");
    }
}
