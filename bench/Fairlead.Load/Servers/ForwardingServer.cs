using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Fairlead.Load.Servers;

/// <summary>The least that a gateway written with the same libraries can do: Kestrel takes each request, SocketsHttpHandler posts it on, bytes go back as they come. It knows nothing of MCP.</summary>
internal static class ForwardingServer
{
    // Of one connection to the next and not of the message (RFC 9110, 7.6.1).
    private static readonly string[] s_hopHeaders = ["Connection", "Keep-Alive", "Transfer-Encoding", "Content-Length", "Host"];

    public static Task<int> RunAsync(LoadArguments arguments)
    {
        var to = new Uri(arguments.Text("--to", "http://127.0.0.1:1/"));
        var client = new HttpMessageInvoker(new SocketsHttpHandler { UseProxy = false, UseCookies = false, AllowAutoRedirect = false, ActivityHeadersPropagator = null });
        return BareServer.ServeAsync(Build(to, client));
    }

    private static WebApplication Build(Uri to, HttpMessageInvoker client)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(static kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        app.Run(context => ForwardAsync(context, to, client));
        return app;
    }

    private static async Task ForwardAsync(HttpContext context, Uri to, HttpMessageInvoker client)
    {
        using var request = new HttpRequestMessage(new HttpMethod(context.Request.Method), new Uri(to, context.Request.Path + context.Request.QueryString.Value));
        if (context.Request.ContentLength is { } length)
        {
            request.Content = new StreamContent(context.Request.Body);
            request.Content.Headers.ContentLength = length;
        }

        foreach (var (name, values) in context.Request.Headers)
        {
            if (!s_hopHeaders.Contains(name, StringComparer.OrdinalIgnoreCase) && !request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values))
            {
                request.Content?.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
            }
        }

        using var answer = await client.SendAsync(request, context.RequestAborted).ConfigureAwait(false);
        context.Response.StatusCode = (int)answer.StatusCode;
        context.Response.ContentLength = answer.Content.Headers.ContentLength;
        foreach (var (name, values) in answer.Headers.Concat(answer.Content.Headers))
        {
            if (!s_hopHeaders.Contains(name, StringComparer.OrdinalIgnoreCase))
            {
                context.Response.Headers[name] = values.ToArray();
            }
        }

        await answer.Content.CopyToAsync(context.Response.Body, context.RequestAborted).ConfigureAwait(false);
    }
}
