using System.Buffers;
using System.Net;
using System.Text;
using System.Text.Json;
using Fairlead.Load.Servers;
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
    public static Task<int> RunAsync(LoadArguments arguments)
    {
        var payload = arguments.Number("--payload", -1);
        var text = payload < 0 ? BenchCall.Answer : EchoText.Answer(arguments.Text("--method", "call"), payload, arguments.Number("--tools", 1));
        var isStream = arguments.Text("--answers", "json") == "sse";
        return ServeAsync(Build(arguments.Number("--port", 0), isStream ? $"data: {text}\n\n" : text, isStream));
    }

    /// <summary>Starts a server, says where it listens, and serves until it is told to end.</summary>
    public static async Task<int> ServeAsync(WebApplication app)
    {
        await using (app.ConfigureAwait(false))
        {
            await app.StartAsync().ConfigureAwait(false);
            Console.WriteLine(JsonSerializer.Serialize(new { @event = "listening", url = UrlOf(app) }));
            await app.WaitForShutdownAsync().ConfigureAwait(false);
            return 0;
        }
    }

    /// <summary>The server, not started yet.</summary>
    /// <param name="port">On loopback; 0 = any free one.</param>
    /// <param name="text">What everybody gets; null = the answer to <see cref="BenchCall.Body"/>.</param>
    /// <param name="isStream">Whether it is an event stream, sent without a length.</param>
    public static WebApplication Build(int port, string? text = null, bool isStream = false)
    {
        var answer = Encoding.UTF8.GetBytes(text ?? BenchCall.Answer);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port));
        var app = builder.Build();
        app.Run(context => AnswerAsync(context, answer, isStream));
        return app;
    }

    /// <summary>Where a started server listens.</summary>
    public static Uri UrlOf(WebApplication app) => new(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    private static async Task AnswerAsync(HttpContext context, byte[] answer, bool isStream)
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
        response.ContentType = isStream ? "text/event-stream" : "application/json";
        response.ContentLength = isStream ? null : answer.Length;
        response.BodyWriter.Write(answer);
        await response.BodyWriter.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }
}
