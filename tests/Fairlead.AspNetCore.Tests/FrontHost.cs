using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Fairlead.Configuration;
using Fairlead.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Fairlead.AspNetCore.Tests;

/// <summary>A whole Fairlead behind a real Kestrel on a free loopback port.</summary>
internal sealed class FrontHost : IAsyncDisposable
{
    public const string AdminToken = "test-admin-token";

    private readonly WebApplication _app;

    private FrontHost(WebApplication app, McpManager manager, Uri url)
    {
        _app = app;
        Manager = manager;
        Url = url;
        Http = new HttpClient(new SocketsHttpHandler { UseProxy = false, MaxConnectionsPerServer = 256 }) { BaseAddress = url };
    }

    public McpManager Manager { get; }

    public Uri Url { get; }

    public HttpClient Http { get; }

    public IServiceProvider Services => _app.Services;

    public static async Task<FrontHost> StartAsync(FairleadOptions options, Action<McpManager>? prepare = null, TimeProvider? timeProvider = null, ILogger? log = null, bool waits = true, Action<IServiceCollection, McpManager>? services = null)
    {
        var manager = new McpManager(options, timeProvider: timeProvider);
        prepare?.Invoke(manager);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        if (log is not null)
        {
            builder.Logging.AddProvider(new OneLog(log));
        }

        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Listen(IPAddress.Loopback, 0);
        });
        builder.Services.AddFairlead(manager, AdminToken);
        services?.Invoke(builder.Services, manager);
        var app = builder.Build();
        app.MapFairlead();
        await manager.InitializeAsync();
        await app.StartAsync();
        if (waits)
        {
            await Guard.WithinAsync(manager.LaunchAllAsync(), "all servers to start or fail");
        }

        var url = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        return new FrontHost(app, manager, url);
    }

    /// <summary>POSTs raw bytes with the headers given as "Name: value".</summary>
    public async Task<(HttpStatusCode Status, string Body, HttpResponseMessage Response)> PostAsync(string path, string body, params string[] headers)
    {
        using var request = Compose(path, body, headers);
        var response = await Guard.WithinAsync(Http.SendAsync(request), "the answer to " + body[..Math.Min(body.Length, 100)]);
        return (response.StatusCode, await response.Content.ReadAsStringAsync(), response);
    }

    /// <summary>A POST of raw bytes, as <see cref="PostAsync"/> sends it.</summary>
    public static HttpRequestMessage Compose(string path, string body, params string[] headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path);
        request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.TryAddWithoutValidation("Accept", "application/json, text/event-stream");
        foreach (var header in headers)
        {
            var colon = header.IndexOf(':', StringComparison.Ordinal);
            var (name, value) = (header[..colon], header[(colon + 1)..].TrimStart(' '));
            if (name == "Content-Type")
            {
                request.Content.Headers.Remove(name);
                request.Content.Headers.TryAddWithoutValidation(name, value);
            }
            else
            {
                request.Headers.Remove(name);
                request.Headers.TryAddWithoutValidation(name, value);
            }
        }

        return request;
    }

    /// <summary>POSTs a request of 2026-07-28 with the headers it must have.</summary>
    public Task<(HttpStatusCode Status, string Body, HttpResponseMessage Response)> ModernAsync(
        string path, string method, string members, string? name = null, string id = "1", string meta = "", params string[] headers)
    {
        var separator = members.Length == 0 ? "" : ",";
        var more = meta.Length == 0 ? "" : "," + meta;
        var body = "{\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"method\":\"" + method + "\",\"params\":{" + members + separator
            + "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientCapabilities\":{}" + more + "}}}";
        string[] required = name is null
            ? ["MCP-Protocol-Version: 2026-07-28", "Mcp-Method: " + method]
            : ["MCP-Protocol-Version: 2026-07-28", "Mcp-Method: " + method, "Mcp-Name: " + name];
        return PostAsync(path, body, [.. required, .. headers]);
    }

    /// <summary>Opens a legacy session and returns its id.</summary>
    public async Task<string> InitializeAsync(string path, string version = "2025-11-25", string capabilities = "{}")
    {
        var (status, body, response) = await PostAsync(
            path, "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"" + version + "\",\"capabilities\":" + capabilities
            + ",\"clientInfo\":{\"name\":\"t\",\"version\":\"1\"}}}");
        Assert.True(status == HttpStatusCode.OK, body);
        var session = response.Headers.GetValues("Mcp-Session-Id").Single();
        await PostAsync(path, """{"jsonrpc":"2.0","method":"notifications/initialized"}""", "Mcp-Session-Id: " + session);
        return session;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Manager.ShutdownAsync(TimeSpan.Zero);
        await _app.StopAsync();
        await _app.DisposeAsync();
        await Manager.DisposeAsync();
    }

    /// <summary>Whatever the category, one log.</summary>
    private sealed class OneLog(ILogger log) : ILoggerProvider
    {
        public ILogger CreateLogger(string categoryName) => log;

        public void Dispose()
        {
        }
    }
}
