using System.Net;
using System.Text.Json.Nodes;
using Fairlead.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary>Secrets in the open (incidents of this field): planted values are searched in everything that a full run prints, answers and writes.</summary>
public sealed class SecretsTests
{
    private const string FromDotEnv = "planted-dotenv-7Jq2xW";
    private const string FromFile = "planted-infile-9Zk4pR";
    private const string FromProcess = "planted-process-3Vb8nT";
    private const string FromHeader = "planted-header-5Ms1cY";

    [Fact]
    public async Task Fairlead_WhenSecretsArePlanted_ShowsThemNowhere()
    {
        using var folder = new TempFolder();
        await using var gossip = await StartGossipAsync();
        var chatty = GatewayProcess.Stdio("sh", "-c", "env >&2; echo \"$0 $1\" >&2; exit 3", "--token", "${PROCESS_SECRET}");
        chatty["env"] = new JsonObject { ["API_KEY"] = "${DOTENV_SECRET}", ["MY_PASSWORD"] = FromFile };
        var remote = GatewayProcess.Http(gossip.Urls.First() + "/mcp?key=${PROCESS_SECRET}");
        remote["headers"] = new JsonObject { ["Authorization"] = "Bearer " + FromHeader };
        var file = folder.Write("c.json", new JsonObject { ["servers"] = new JsonObject { ["chatty"] = chatty, ["remote"] = remote } }.ToJsonString());
        folder.Write(".env", $"DOTENV_SECRET={FromDotEnv}\n");
        var environment = new Dictionary<string, string> { ["PROCESS_SECRET"] = FromProcess };
        var state = folder.At("state");
        var outputs = new List<(string What, string Text)>();

        await using (var up = ChildProcess.Start("dotnet", [RepositoryPaths.Cli, "up", "--config", file, "--port", "0", "--state", state, "--json", "--verbose"], environment))
        {
            var listening = JsonNode.Parse(await up.LineAsync(static line => line.Contains("\"event\":\"listening\"", StringComparison.Ordinal), "the event 'listening'"))!;
            await up.LineAsync(static line => line.Contains("\"event\":\"summary\"", StringComparison.Ordinal), "the summary");
            string[][] commands = [["ps"], ["ps", "--json"], ["logs", "chatty"], ["tools"], ["call", "remote", "any"], ["call", "chatty", "any"]];
            foreach (var command in commands)
            {
                outputs.Add((string.Join(' ', command), (await CliRun.OfAsync(environment, [.. command, "--state", state])).Output));
            }

            string[][] local = [["config", "show", "--all", file], ["config", "validate", file, "--json"]];
            foreach (var command in local)
            {
                outputs.Add((string.Join(' ', command), (await CliRun.OfAsync(environment, command)).Ended(0).Output));
            }

            using var http = new HttpClient { BaseAddress = new Uri(listening["url"]!.GetValue<string>()) };
            string[] paths = ["/health", "/ready", "/api/v1/servers", "/api/v1/servers/chatty", "/api/v1/servers/remote", "/api/v1/servers/remote/tools", "/api/v1/metrics"];
            foreach (var path in paths)
            {
                using var answer = await Guard.WithinAsync(http.GetAsync(path), $"the answer to {path}");
                outputs.Add((path, await answer.Content.ReadAsStringAsync()));
            }

            await up.StopAsync();
            outputs.Add(("up", up.Output));
        }

        foreach (var written in Directory.EnumerateFiles(state, "*", SearchOption.AllDirectories))
        {
            outputs.Add((written, await File.ReadAllTextAsync(written)));
        }

        // The test would prove nothing if the servers had not tried to tell.
        Assert.Contains(outputs, static output => output.What == "logs chatty" && output.Text.Contains("API_KEY=REDACTED", StringComparison.Ordinal));
        Assert.Contains(outputs, static output => output.What == "ps" && output.Text.Contains("gossip", StringComparison.Ordinal));
        foreach (var (what, text) in outputs)
        {
            foreach (var secret in new[] { FromDotEnv, FromFile, FromProcess, FromHeader })
            {
                Assert.False(text.Contains(secret, StringComparison.Ordinal), $"'{what}' shows a planted secret:\n{text}");
            }
        }
    }

    /// <summary>A remote server that tells in its errors what it was given.</summary>
    private static async Task<WebApplication> StartGossipAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(static kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        app.Run(static context =>
        {
            context.Response.StatusCode = StatusCodes.Status500InternalServerError;
            return context.Response.WriteAsync($"gossip: {context.Request.Headers.Authorization} {context.Request.QueryString}");
        });
        await app.StartAsync();
        return app;
    }
}
