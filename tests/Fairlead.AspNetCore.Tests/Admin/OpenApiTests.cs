using System.Text.Json;
using Fairlead.AspNetCore.Auth;
using Fairlead.Configuration;
using Fairlead.TestKit;
using Fairlead.Tests.Servers;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Fairlead.AspNetCore.Tests.Admin;

/// <summary>The OpenAPI document says what the API does: no route, no status and no member beside it, and nothing in it that is not there.</summary>
public sealed class OpenApiTests : IAsyncLifetime
{
    private const string Extra = """{"name":"extra","transport":"in-process"}""";

    // What a running gateway with good code does not answer.
    private static readonly int[] s_notProvoked = [500];

    // For people, and for Prometheus: their answers are no part of the API.
    private static readonly string[] s_pages = ["/", "/dashboard/{**path}"];

    private ApiHost _host = null!;
    private ApiCalls _calls = null!;

    public async Task InitializeAsync()
    {
        _host = await ApiHost.StartAsync();
        _calls = new ApiCalls(_host);
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public void Document_NamesEveryRouteAndNoOther()
    {
        var mapped = from route in _host.Front.Services.GetRequiredService<EndpointDataSource>().Endpoints.Cast<RouteEndpoint>()
                     from verb in route.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? []
                     where verb != "HEAD" // Comes with each GET; the document says so once.
                     where !s_pages.Contains(route.RoutePattern.RawText)
                     select $"{verb} {route.RoutePattern.RawText} {route.Metadata.GetRequiredMetadata<RouteGuard>().Access}";
        Assert.Equal(
            mapped.Order(StringComparer.Ordinal),
            _host.Document.Operations.Select(static one => $"{one.Method} {one.Path} {(one.IsAdmin ? RouteAccess.Admin : RouteAccess.Open)}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Operations_AreNamedOnceDescribedAndShownByExamplesThatAreRight()
    {
        Assert.Equal("3.1.1", _host.Document.Root.GetProperty("openapi").GetString());
        Assert.Distinct(_host.Document.Operations.Select(static one => one.Id));
        foreach (var operation in _host.Document.Operations)
        {
            Assert.NotEmpty(operation.Node.GetProperty("summary").GetString()!);
            Assert.Equal(operation.Path.Split('{').Skip(1).Select(static part => part.Split('}')[0]), operation.Named("path"));
            if (operation.Body is { } schema)
            {
                var example = operation.Node.GetProperty("requestBody").GetProperty("content").GetProperty("application/json").GetProperty("example");
                Assert.Equal([], _host.Document.Schemas.Errors(schema, example, $"the example for the body of {operation.Id}"));
            }

            Assert.Contains(operation.Responses, static one => one.Key < 300);
            foreach (var (status, response) in operation.Responses.Where(static one => one.Key < 300 && one.Value.TryGetProperty("content", out _)))
            {
                foreach (var media in response.GetProperty("content").EnumerateObject())
                {
                    var example = media.Value.TryGetProperty("example", out var own) ? own : _host.Document.Schemas.Resolve(media.Value.GetProperty("examples").EnumerateObject().Single().Value).GetProperty("value");
                    Assert.Equal([], _host.Document.Errors(operation, status, media.Name, example.ValueKind == JsonValueKind.String ? example.GetString()! : example.GetRawText()));
                }
            }
        }
    }

    [Fact]
    public void Entry_NamesMembersThatTheConfigurationHas()
    {
        using var schema = JsonDocument.Parse(File.ReadAllText(Repository.File("docs/reference/fairlead.schema.json")));
        var known = schema.RootElement.GetProperty("$defs").GetProperty("server").GetProperty("properties").EnumerateObject().Select(static one => one.Name);
        Assert.Empty(_host.Document.Root.GetProperty("components").GetProperty("schemas").GetProperty("ServerEntry").GetProperty("properties").EnumerateObject().Select(static one => one.Name).Except(known));
    }

    [Fact]
    public void Words_OfErrors_StandInTheGuide()
    {
        var errors = File.ReadAllText(Repository.File("docs/rest.md")).Split("\n## Errors")[1].Split("\n## ")[0];
        var words = _host.Document.Root.GetProperty("components").GetProperty("schemas").GetProperty("Problem").GetProperty("properties").GetProperty("title").GetProperty("enum").EnumerateArray().Select(static word => word.GetString()!);
        Assert.All(words, word => Assert.Contains(word, errors, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Operations_WhenCalledWithEachEnd_AnswerAsTheDocumentSays()
    {
        await ReadAsync();
        await ChangeAsync();
        await CallToolsAsync();
        await SignInAsync();
        await RefuseAsync();
        await StopAsync();

        var promised = from operation in _host.Document.Operations
                       from status in operation.Responses.Keys.Except(s_notProvoked)
                       from word in operation.Responses[status].TryGetProperty("content", out var content) && content.TryGetProperty("application/json", out _) || status < 300 ? operation.Words(status).Append("") : operation.Words(status)
                       select (operation.Id, status, word);
        Assert.Empty(promised.Except(_calls.Seen));
    }

    private async Task ReadAsync()
    {
        foreach (var id in (string[])["getGatewayHealth", "getReady", "getReadiness", "getLive", "getStarted", "getOpenApi", "getMetrics", "getMetricsPage", "listHealth", "listServers", "listRollouts", "listFaults", "getConfigurationStatus", "getConfiguration"])
        {
            await OkAsync(id);
        }

        Assert.Equal(200, (await _calls.CallAsync("getMetricsPage", headers: ["Accept: application/openmetrics-text"])).Status);
        foreach (var id in (string[])["getServer", "getServerHealth", "listTools", "listInstances", "listServerRollouts", "getServerLogs"])
        {
            await OkAsync(id, ["id=calc"]);
        }

        await OkAsync("getServerHealth", ["id=calc", "depth=history"]);
        await OkAsync("getServerHealth", ["id=calc", "depth=deep"]);
        Assert.Equal(503, (await _calls.CallAsync("getServerHealth", ["id=waits"])).Status);
        using var checks = await _calls.OpenAsync("watchEvents", ["types=health", "servers=steps"]);
        await _calls.WatchAsync("watchEvents", checks, static one => one.TryGetProperty("check", out _));
        await OkAsync("getServerHealth", ["id=steps", "depth=history"]);
    }

    private async Task ChangeAsync()
    {
        using var events = await _calls.OpenAsync("watchEvents", ["types=server,rollout,fault,configuration,health,call"]);
        var watching = _calls.WatchAsync("watchEvents", events, static one => one.GetProperty("type").GetString() == "server.removed");
        var deployed = await _calls.CallAsync("deployServer", body: Extra);
        Assert.Equal((201, "/api/v1/servers/extra"), (deployed.Status, deployed.Response.Headers.Location?.ToString()));
        await ReachedAsync("extra", ServerState.Healthy);
        await _calls.CallAsync("callTool", ["id=extra", "tool=hello"], "{}");
        await OkAsync("updateServer", ["id=extra"], """{"transport":"in-process","timeoutMs":4321}""");
        Assert.Equal(202, (await _calls.CallAsync("startRollout", ["id=extra"], """{"strategy":"blue-green","observeMs":3600000}""")).Status);
        Assert.Equal(202, (await _calls.CallAsync("promoteRollout", ["id=extra"])).Status);
        Assert.Equal(202, (await _calls.CallAsync("startRollout", ["id=extra"], """{"server":{"transport":"in-process","env":{"A":"b"}},"strategy":"canary","observeMs":3600000}""")).Status);
        Assert.Equal(202, (await _calls.CallAsync("abortRollout", ["id=extra"], """{"reason":"wrong build"}""")).Status);
        await OkAsync("listServerRollouts", ["id=extra"]);
        await OkAsync("setMaintenance", ["id=extra"], """{"on":true,"reason":"moving house"}""");
        await OkAsync("setMaintenance", ["id=extra"], """{"on":false}""");
        await OkAsync("scaleServer", ["id=extra"], """{"replicas":2}""");
        await OkAsync("disableTool", ["id=extra", "tool=hello"]);
        await OkAsync("enableTool", ["id=extra", "tool=hello"]);
        foreach (var id in (string[])["disableServer", "enableServer", "stopServer", "startServer", "restartServer"])
        {
            await OkAsync(id, ["id=extra"]);
        }

        var fault = await _calls.CallAsync("injectFault", ["id=calc"], """{"kind":"latency","latencyMs":5,"jitterMs":1,"percent":20,"tool":"say","durationMs":60000,"by":"me"}""");
        Assert.Equal(201, fault.Status);
        await OkAsync("getServer", ["id=calc"]);
        await OkAsync("endFault", [$"faultId={fault.Json.GetProperty("id").GetString()}"]);
        await _calls.CallAsync("injectFault", ["id=calc"], """{"kind":"error"}""");
        await OkAsync("endFaults");
        await OkAsync("listFaults");
        await OkAsync("reloadConfiguration");
        Assert.Equal(204, (await _calls.CallAsync("undeployServer", ["id=extra"])).Status);
        await Guard.WithinAsync(watching, "the event of the removed server");
        await OkAsync("listAudit");
        await OkAsync("listAudit", ["kind=change", "limit=1"]);
        await OkAsync("listServers");
        await OkAsync("listHealth");
        await OkAsync("getMetrics");
    }

    private async Task SignInAsync()
    {
        await OkAsync("validateConfiguration", body: """{"text":"{\"servers\":{\"a\":{\"comand\":\"sh\",\"env\":{\"K\":\"${NOT_SET}\"}},\"b\":{\"command\":\"sh\",\"timeoutMs\":-1}}}"}""");
        var code = await _calls.CallAsync("issueDashboardCode");
        Assert.Equal(201, code.Status);
        var body = JsonSerializer.Serialize(new { code = code.Json.GetProperty("code").GetString() });
        var session = await _calls.CallAsync("exchangeDashboardCode", body: body);
        Assert.Equal(201, session.Status);
        await ProblemAsync(401, "Unauthenticated", "exchangeDashboardCode", [], body);
        Assert.Equal(204, (await _calls.CallAsync("endDashboardSession", headers: [$"Authorization: Bearer {session.Json.GetProperty("token").GetString()}"], withToken: false)).Status);
        await ProblemAsync(409, "NotASession", "endDashboardSession", []);
    }

    private async Task CallToolsAsync()
    {
        await OkAsync("callTool", ["id=calc", "tool=say"], """{"arguments":{"a":1}}""");
        await OkAsync("callTool", ["id=calc", "tool=fail"], "{}");
        await OkAsync("callTool", ["id=calc", "tool=path/like"], "{}");
        var opening = _calls.OpenAsync("callTool", ["id=steps", "tool=hello"], "{}");
        var server = (await _host.Steps.WhenRunAsync(1)).Server;
        await server.WhenReceivedAsync("tools/call");
        var call = server.Received.Single(static request => request.Method == "tools/call");
        var token = JsonDocument.Parse(call.Params).RootElement.GetProperty("_meta").GetProperty("progressToken").GetRawText();
        await server.SendAsync($$$"""{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":{{{token}}},"progress":1,"total":2,"message":"half"}}""");
        using var stream = await opening;
        await server.SendAsync($$$"""{"jsonrpc":"2.0","id":{{{call.Id}}},"result":{"content":[]}}""");
        await _calls.WatchAsync("callTool", stream, static one => one.TryGetProperty("result", out _));

        await ProblemAsync(502, "Unauthenticated", "callTool", ["id=waits", "tool=any"], "{}");
        await ProblemAsync(502, "ToolFailed", "callTool", ["id=refuses", "tool=hello"], "{}");
        await ProblemAsync(504, "Timeout", "callTool", ["id=silent", "tool=hello"], "{}");
        await ProblemAsync(503, "CircuitOpen", "callTool", ["id=silent", "tool=hello"], "{}");
        await OkAsync("callTool", ["id=seldom", "tool=hello"], "{}");
        await ProblemAsync(429, "ResourceExhausted", "callTool", ["id=seldom", "tool=hello"], "{}");
        await _calls.CallAsync("stopServer", ["id=refuses"]);
        await ProblemAsync(502, "ConnectionFailed", "callTool", ["id=refuses", "tool=hello"], "{}");
        (await _calls.OpenAsync("attend")).Dispose();
    }

    /// <summary>What every operation, or every one of a kind, refuses; then what is particular to one.</summary>
    private async Task RefuseAsync()
    {
        await _calls.CallAsync("deployServer", body: """{"name":"other","transport":"in-process"}""");
        await ReachedAsync("other", ServerState.Healthy);
        foreach (var operation in _host.Document.Operations)
        {
            var (values, body) = ApiHost.Good(operation, "other");
            await ProblemAsync(400, "InvalidRequest", operation.Id, [.. values, "nonsense=1"], body);
            Assert.Equal("Forbidden", (await _calls.CallAsync(operation.Id, values, body, headers: ["Host: evil.example"])).Title);
            if (operation.IsAdmin)
            {
                Assert.Equal("Unauthenticated", (await _calls.CallAsync(operation.Id, values, body, withToken: false)).Title);
            }

            if (operation.Named("path").Contains("id"))
            {
                await ProblemAsync(404, "ServerNotFound", operation.Id, ApiHost.Good(operation, "nobody").Values, body);
            }

            if (operation.Named("path").Contains("tool"))
            {
                await ProblemAsync(404, "ToolNotFound", operation.Id, ["id=other", "tool=nothing"], body);
            }

            if (operation.Named("header").Contains("If-Match"))
            {
                var answer = await _calls.CallAsync(operation.Id, values, body, headers: ["If-Match: \"old\""]);
                Assert.Equal("PreconditionFailed", answer.Title);
                Assert.Contains(answer.Response.Headers.ETag!.ToString(), answer.Json.GetProperty("detail").GetString(), StringComparison.Ordinal);
            }

            if (operation.Body is not null)
            {
                Assert.Equal("BodyTooLarge", (await _calls.CallAsync(operation.Id, values, body![..^1] + new string(' ', ApiHost.BodyBytesMax) + "}")).Title);
                Assert.Equal("UnsupportedMediaType", (await _calls.CallAsync(operation.Id, values, body, "text/plain")).Title);
            }
        }

        await ProblemAsync(400, "InvalidConfiguration", "deployServer", [], """{"name":"x","comand":"sh"}""");
        await ProblemAsync(400, "InvalidConfiguration", "updateServer", ["id=other"], """{"comand":"sh"}""");
        await ProblemAsync(400, "InvalidConfiguration", "scaleServer", ["id=other"], """{"replicas":2000}""");
        await ProblemAsync(400, "InvalidConfiguration", "startRollout", ["id=other"], """{"strategy":"sideways"}""");
        await ProblemAsync(400, "InvalidConfiguration", "enableTool", ["id=calc", "tool=secret"]);
        await ProblemAsync(400, "InvalidConfiguration", "injectFault", ["id=calc"], """{"kind":"error","percent":200}""");
        Assert.Equal("Unauthenticated", (await _calls.CallAsync("watchEvents", ["types=log"], withToken: false)).Title);
        await ProblemAsync(404, "ToolNotFound", "injectFault", ["id=calc"], """{"kind":"error","tool":"nothing"}""");
        await ProblemAsync(404, "FaultNotFound", "endFault", ["faultId=f99"]);
        await ProblemAsync(409, "AlreadyExists", "deployServer", [], """{"name":"other","transport":"in-process"}""");
        await DeployUnderKeysAsync();
        await ProblemAsync(409, "FaultRefused", "injectFault", ["id=waits"], """{"kind":"crash"}""");
        await ProblemAsync(409, "OwnedElsewhere", "updateServer", ["id=calc"], """{"transport":"in-process"}""");
        await ProblemAsync(409, "OwnedElsewhere", "startRollout", ["id=calc"], """{"server":{"transport":"in-process"}}""");
        await ProblemAsync(409, "OwnedElsewhere", "undeployServer", ["id=calc"]);
        await ProblemAsync(502, "DeploymentFailed", "updateServer", ["id=other"], """{"url":"http://127.0.0.1:1/mcp"}""");
        await ProblemAsync(502, "DeploymentFailed", "startRollout", ["id=waits"], "{}");
        await ProblemAsync(502, "DeploymentFailed", "promoteRollout", ["id=calc"]);
        await ProblemAsync(502, "DeploymentFailed", "abortRollout", ["id=calc"], "{}");
        await ProblemAsync(400, "InvalidConfiguration", "watchEvents", ["types=nonsense"]);
        var good = await File.ReadAllTextAsync(_host.File);
        await File.WriteAllTextAsync(_host.File, """{"servers":{"x":{"comand":"sh"}}}""");
        await ProblemAsync(400, "InvalidConfiguration", "reloadConfiguration", []);
        await OkAsync("getConfigurationStatus");
        await File.WriteAllTextAsync(_host.File, good);

        // A gateway that was started from no configuration, and whose server takes for ever to start.
        await using var starting = await FrontHost.StartAsync(
            new FairleadOptions { FirstListWaitMs = 600_000, Servers = [new ServerConfig { Name = "slow" }] },
            static manager => manager.AddServer("slow", new ScriptedRuns(static server => server.On("server/discover", static _ => null).On("initialize", static _ => null))),
            waits: false);
        foreach (var id in (string[])["getReady", "getReadiness", "getStarted"])
        {
            Assert.Equal(503, (await _calls.CallAsync(id, at: starting)).Status);
        }

        foreach (var id in (string[])["getConfigurationStatus", "reloadConfiguration", "getConfiguration", "validateConfiguration", "listAudit"])
        {
            Assert.Equal("NotFound", (await _calls.CallAsync(id, body: ApiHost.Good(_host.Document[id], "other").Body, at: starting)).Title);
        }
    }

    private async Task DeployUnderKeysAsync()
    {
        const string First = """{"name":"keyed","transport":"in-process"}""";
        var gate = new TaskCompletionSource();
        var holding = _host.Front.Manager.Live.ChangeByHandAsync("calc", static (overlay, _) => overlay, null, CancellationToken.None, _ => gate.Task);
        var both = new[] { _calls.CallAsync("deployServer", body: First, headers: ["Idempotency-Key: one"]), _calls.CallAsync("deployServer", body: First, headers: ["Idempotency-Key: one"]) };
        var refused = await await Task.WhenAny(both);
        gate.SetResult();
        await holding;
        Assert.Equal((409, "RequestInProgress"), (refused.Status, refused.Title));
        var made = (await Task.WhenAll(both)).Single(static answer => answer.Status != 409);
        Assert.Equal(201, made.Status);
        Assert.Equal(made.Body, (await _calls.CallAsync("deployServer", body: First, headers: ["Idempotency-Key: \"one\""])).Body);
        Assert.Equal("IdempotencyKeyReused", (await _calls.CallAsync("deployServer", body: """{"name":"keyed2","transport":"in-process"}""", headers: ["Idempotency-Key: one"])).Title);
        await _calls.CallAsync("undeployServer", ["id=keyed"]);
    }

    private async Task StopAsync()
    {
        await Guard.WithinAsync(_host.Front.Manager.ShutdownAsync(TimeSpan.Zero), "the end of the manager");
        foreach (var operation in _host.Document.Operations.Where(static one => one.Responses.ContainsKey(503) && one.Words(503).Contains("RuntimeShutdown")))
        {
            var (values, body) = ApiHost.Good(operation, "other");
            await ProblemAsync(503, "RuntimeShutdown", operation.Id, values, body);
        }

        Assert.Equal(202, (await _calls.CallAsync("shutdown")).Status);
    }

    private async Task<ApiAnswer> OkAsync(string id, string[]? values = null, string? body = null)
    {
        var answer = await _calls.CallAsync(id, values, body);
        Assert.True(answer.Status == 200, $"{id}: {answer.Status} {answer.Body}");
        return answer;
    }

    private async Task ProblemAsync(int status, string title, string id, string[] values, string? body = null)
    {
        var answer = await _calls.CallAsync(id, values, body);
        Assert.True((status, title) == (answer.Status, answer.Title), $"{id} {string.Join(' ', values)} {body}: {status} {title} was expected, and it was {answer.Status} {answer.Body}");
    }

    private async Task ReachedAsync(string server, ServerState state)
    {
        while (true)
        {
            Assert.True(_host.Front.Manager.Fleet.TryGet(server, out var cell));
            var changed = cell.Changed;
            if (cell.Current.State == state)
            {
                return;
            }

            await Guard.WithinAsync(changed, $"{state} of {server}, which is {cell.Current.State}: {cell.Current.Reason}");
        }
    }
}
