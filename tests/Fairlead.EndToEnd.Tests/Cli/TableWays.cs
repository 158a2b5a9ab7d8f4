using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Fairlead.Configuration;
using Fairlead.TestKit;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary>How a deed ended.</summary>
/// <param name="Error">The word of the error; null = well, or the way does not say it.</param>
/// <param name="Text">Why, as it was told.</param>
/// <param name="Code">The HTTP status or the exit code; 0 where there is none.</param>
internal sealed record DeedEnd(string? Error, string Text, int Code);

/// <summary>Does the deeds of the table by the methods of the manager.</summary>
internal sealed class DotnetWay(McpManager manager, Func<JsonElement, ServerConfig> entry)
{
    public async Task<DeedEnd> DoAsync(Deed deed)
    {
        try
        {
            await Guard.WithinAsync(RunAsync(deed), $"the end of {deed}");
            return new DeedEnd(null, "", 0);
        }
        catch (McpException exception)
        {
            Assert.Equal(exception is McpTimeout ? "Timeout" : exception.GetType().Name, exception.Word);
            return new DeedEnd(exception.Word, exception.Message, 0);
        }
    }

    private Task RunAsync(Deed deed) => deed.Verb switch
    {
        "call" => manager.ExecuteToolAsync(deed.Server, deed.Tool).AsTask(),
        "maintain" => manager.SetMaintenanceAsync(deed.Server, true, StateTable.Text(deed.All, "reason")),
        "stop" => manager.ShutdownServerAsync(deed.Server),
        "scale" => manager.ScaleServerAsync(deed.Server, deed.All.GetProperty("replicas").GetInt32()),
        "deploy" => manager.DeployServerAsync(entry(deed.Operand)),
        "update" => manager.UpdateServerAsync(deed.Server, entry(deed.Operand)),
        "undeploy" => manager.UndeployServerAsync(deed.Server),
        "injectFault" => manager.InjectFaultAsync(deed.Server, new FaultRequest(Enum.Parse<FaultKind>(StateTable.Text(deed.All, "kind")!, ignoreCase: true))),
        "endFault" => manager.EndFaultAsync(deed.Server),
        _ => throw new ArgumentException($"'{deed.Verb}' is no deed that is known here."),
    };
}

/// <summary>Does the deeds of the table over the REST API, as an administrator.</summary>
internal sealed class RestWay(HttpClient http, string token)
{
    public async Task<DeedEnd> DoAsync(Deed deed)
    {
        var (verb, path, body) = deed.Verb switch
        {
            "call" => ("POST", $"servers/{deed.Server}/tools/{deed.Tool}/call", "{}"),
            "maintain" => ("POST", $"servers/{deed.Server}/maintenance", JsonSerializer.Serialize(new { on = true, reason = StateTable.Text(deed.All, "reason") })),
            "stop" => ("POST", $"servers/{deed.Server}/stop", "{}"),
            "scale" => ("POST", $"servers/{deed.Server}/scale", $$"""{"replicas":{{deed.All.GetProperty("replicas")}}}"""),
            "deploy" => ("POST", "servers", deed.Operand.GetRawText()),
            "update" => ("PUT", $"servers/{deed.Server}", deed.Operand.GetRawText()),
            "undeploy" => ("DELETE", $"servers/{deed.Server}", null),
            "disableTool" => ("POST", $"servers/{deed.Server}/tools/{deed.Tool}/disable", "{}"),
            "enableTool" => ("POST", $"servers/{deed.Server}/tools/{deed.Tool}/enable", "{}"),
            "injectFault" => ("POST", $"servers/{deed.Server}/faults", $$"""{"kind":"{{StateTable.Text(deed.All, "kind")}}"}"""),
            "endFaults" => ("DELETE", "faults", null),
            "endFault" => ("DELETE", $"faults/{deed.Server}", (string?)null),
            _ => throw new ArgumentException($"'{deed.Verb}' is no deed that is known here."),
        };
        using var request = new HttpRequestMessage(new HttpMethod(verb), "/api/v1/" + path);
        request.Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        if (StateTable.Text(deed.All, "ifMatch") is { } tag)
        {
            request.Headers.TryAddWithoutValidation("If-Match", tag);
        }

        using var response = await Guard.WithinAsync(http.SendAsync(request), $"the answer to {deed}");
        var text = await response.Content.ReadAsStringAsync();
        if (response.IsSuccessStatusCode)
        {
            return new DeedEnd(null, text, (int)response.StatusCode);
        }

        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        using var problem = JsonDocument.Parse(text);
        var title = StateTable.Text(problem.RootElement, "title");
        Assert.Equal($"urn:fairlead:error:{title}", StateTable.Text(problem.RootElement, "type"));
        return new DeedEnd(title, StateTable.Text(problem.RootElement, "detail")!, (int)response.StatusCode);
    }
}

/// <summary>Does the deeds of the table by the command line.</summary>
internal sealed class CliWay(TempFolder folder, string url)
{
    public async Task<DeedEnd> DoAsync(Deed deed)
    {
        string[] arguments = deed.Verb switch
        {
            "call" => ["call", deed.Server, deed.Tool],
            "maintain" => ["maintenance", deed.Server, "on", "--reason", StateTable.Text(deed.All, "reason")!],
            "stop" => ["stop", deed.Server],
            "scale" => ["scale", deed.Server, deed.All.GetProperty("replicas").GetRawText()],
            "deploy" => ["deploy", folder.Write("entry.json", deed.Operand.GetRawText())],
            "update" => ["deploy", "--replace", folder.Write("entry.json", deed.Operand.GetRawText())],
            "undeploy" => ["undeploy", deed.Server],
            "injectFault" => ["fault", "inject", deed.Server, "--kind", StateTable.Text(deed.All, "kind")!],
            "endFault" => ["fault", "clear", deed.Server],
            _ => throw new ArgumentException($"'{deed.Verb}' is no deed that is known here."),
        };
        var run = await RunAsync(arguments);
        var errors = run.Output.Split('\n').Where(static line => line.StartsWith("! ", StringComparison.Ordinal)).Select(static line => line[2..]);
        return new DeedEnd(null, run.ExitCode == 0 ? run.Output : string.Join('\n', errors), run.ExitCode);
    }

    /// <summary>Runs a command against the gateway.</summary>
    public Task<CliRun> RunAsync(params string[] arguments) => CliRun.OfAsync([.. arguments, "--url", url, "--state", folder.FullName]);
}
