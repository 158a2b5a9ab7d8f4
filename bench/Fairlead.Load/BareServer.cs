using System.Buffers;
using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Fairlead.Load;

/// <summary>
/// The yardstick: a slim Kestrel that reads each body to its end and writes a constant JSON answer. What it answers per second is the most
/// that any gateway on the same web server could.
/// </summary>
internal static class BareServer
{
    public static async Task<int> RunAsync(LoadArguments arguments)
    {
        await using var app = Build(arguments.Number("--port", 0));
        await app.StartAsync().ConfigureAwait(false);
        Console.WriteLine(JsonSerializer.Serialize(new { @event = "listening", url = UrlOf(app) }));
        await app.WaitForShutdownAsync().ConfigureAwait(false);
        return 0;
    }

    /// <summary>The server, not started yet.</summary>
    /// <param name="port">On loopback; 0 = any free one.</param>
    public static WebApplication Build(int port)
    {
        var answer = Encoding.UTF8.GetBytes(BenchCall.Answer);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port));
        var app = builder.Build();
        app.Run(context => AnswerAsync(context, answer));
        return app;
    }

    /// <summary>Where a started server listens.</summary>
    public static Uri UrlOf(WebApplication app) => new(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    private static async Task AnswerAsync(HttpContext context, byte[] answer)
    {
        var body = context.Request.BodyReader;
        while (true)
        {
            var read = await body.ReadAsync(context.RequestAborted).ConfigureAwait(false);
            body.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
            {
                break;
            }
        }

        var response = context.Response;
        response.ContentType = "application/json";
        response.ContentLength = answer.Length;
        response.BodyWriter.Write(answer);
        await response.BodyWriter.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }
}
