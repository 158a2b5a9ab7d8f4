using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Fairlead.EndToEnd.Tests.Hostile;

/// <summary>A remote server that refuses everybody with 401 and counts how often it was asked.</summary>
internal sealed class RefusingServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private int _requests;

    private RefusingServer(WebApplication app) => _app = app;

    /// <summary>Where it listens.</summary>
    public string Url => _app.Urls.Single() + "/mcp";

    /// <summary>How many requests it has had.</summary>
    public int Requests => Volatile.Read(ref _requests);

    public static async Task<RefusingServer> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var server = new RefusingServer(builder.Build());
        server._app.Run(context =>
        {
            Interlocked.Increment(ref server._requests);
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return Task.CompletedTask;
        });
        await server._app.StartAsync();
        return server;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
