using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Fairlead.TestServers.Conformance.Http;

/// <summary>A small web server on loopback with one endpoint, <c>/mcp</c>.</summary>
internal static class HttpHost
{
    /// <summary>Serves until the process is asked to stop. Prints the endpoint's URL as the only line on stdout; logs go to stderr.</summary>
    /// <param name="port">0 = any free port.</param>
    public static async Task RunAsync(Fixture fixture, ushort port)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Logging.AddConsole(options => options.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.WebHost.ConfigureKestrel(options => options.Listen(System.Net.IPAddress.Loopback, port));
        await using var app = builder.Build();

        await using var sessions = new LegacyEndpoint(fixture, app.Lifetime.ApplicationStopping);
        var modern = new ModernEndpoint(fixture);
        app.Use(async (context, next) =>
        {
            if (!IsLocal(context.Request))
            {
                const string Refusal = "Host or Origin is not this server's; call it by its loopback address.";
                await HttpAnswers.ErrorAsync(context, StatusCodes.Status403Forbidden, -32600, Refusal);
                return;
            }

            await next(context);
        });
        RequestDelegate endpoint = fixture.Era == FixtureEra.Modern ? modern.HandleAsync : sessions.HandleAsync;
        app.Map("/mcp", branch => branch.Run(endpoint));
        await app.StartAsync();
        var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        await Console.Out.WriteLineAsync($"{address}/mcp");
        await app.WaitForShutdownAsync();
    }

    // Both revisions, basic/transports, Security Warning: a page of another site must not reach a local server by DNS rebinding.
    private static bool IsLocal(HttpRequest request)
    {
        var origin = request.Headers.Origin.ToString();
        return IsLocalName(request.Host.Host)
            && (origin.Length == 0 || (Uri.TryCreate(origin, UriKind.Absolute, out var uri) && IsLocalName(uri.Host)));
    }

    private static bool IsLocalName(string name) => name is "127.0.0.1" or "localhost" or "[::1]" or "::1";
}
