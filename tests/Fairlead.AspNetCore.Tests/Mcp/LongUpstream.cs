using System.Text;
using Fairlead.Tests.Upstreams.Http;
using Microsoft.AspNetCore.Http;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>A Streamable HTTP server whose tools <c>long</c> and <c>look</c> (which says that it changes nothing) give what a test wants, in pieces that the test can hold back.</summary>
internal static class LongUpstream
{
    /// <summary>Starts it in one era.</summary>
    /// <param name="era">modern or legacy.</param>
    /// <param name="call">Answers tools/call.</param>
    public static Task<RawUpstream> StartAsync(string era, Func<RawUpstream, HttpContext, RawRequest, Task> call)
    {
        Task AnswerAsync(RawUpstream upstream, HttpContext context, RawRequest request) => request.RpcMethod == "tools/list"
            ? context.ResultAsync(request, (era == "modern" ? """{"resultType":"complete","ttlMs":60000,"cacheScope":"public",""" : "{")
                + """ "tools":[{"name":"long","inputSchema":{"type":"object"}},{"name":"look","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true}}]}""")
            : call(upstream, context, request);
        return era == "modern" ? ModernScript.StartAsync(AnswerAsync) : new LegacyScript { HasSessions = false, Call = AnswerAsync }.StartAsync();
    }

    /// <summary>Begins a response whose length is not said.</summary>
    public static async Task BeginAsync(HttpContext context, bool isStream)
    {
        context.Response.ContentType = isStream ? RawAnswers.Events : "application/json";
        await context.Response.StartAsync();
        if (isStream)
        {
            await context.WriteAsync("event: message\ndata: ");
        }
    }

    /// <summary>The whole answer of a text of that length, in one of the orders that servers write.</summary>
    public static async Task AnswerAsync(HttpContext context, RawRequest request, bool isStream, string resultStart, int bytes, bool idFirst)
    {
        await BeginAsync(context, isStream);
        await context.WriteAsync(Start(request, resultStart, idFirst).Replace("\n", isStream ? "\ndata: " : "\n", StringComparison.Ordinal));
        foreach (var part in Text(bytes).Chunk(300_000))
        {
            await context.WriteAsync(new string(part));
        }

        await context.WriteAsync(End(request, idFirst) + (isStream ? "\n\n" : ""));
    }

    /// <summary>The answer up to its text.</summary>
    public static string Start(RawRequest request, string resultStart, bool idFirst) =>
        (idFirst ? "{\"jsonrpc\":\"2.0\",\"id\":" + request.Id + ",\n\"result\":{" : "{ \"result\":{") + resultStart + "\"content\":[{\"type\":\"text\",\"text\":\"";

    /// <summary>The answer from its text on.</summary>
    public static string End(RawRequest request, bool idFirst) => "\"}]}" + (idFirst ? "}" : ",\"jsonrpc\":\"2.0\",\"id\":" + request.Id + "}");

    /// <summary>A text as it stands in JSON, with what structure could be taken for.</summary>
    public static string Text(int bytes)
    {
        var text = new StringBuilder(bytes + 64);
        for (var line = 0; text.Length < bytes; line++)
        {
            text.Append("{[line ").Append(line).Append("]} \\\"id\\\":7, \\\\ \\n\\u00e4");
        }

        return text.ToString();
    }
}
