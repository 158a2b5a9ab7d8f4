using Fairlead.Catalog;
using Fairlead.Configuration;
using Fairlead.Guards;
using Fairlead.Routing;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Exchanges;

/// <summary>What a client of a tool gets when its server cannot answer: an earlier result, that of another server, or a fixed text, in the order of the configuration (product D10).</summary>
internal static class CallFallback
{
    private static ReadOnlySpan<byte> Meta => "io.fairlead/fallback"u8;

    /// <summary>Keeps a good result, where the configuration wants that.</summary>
    /// <param name="exchange">Answered; its answer can be read.</param>
    public static void Keep(Exchange exchange)
    {
        ref readonly var envelope = ref exchange.AnswerEnvelope;
        if (envelope.Kind != MessageKind.Result || !IsTool(exchange) || exchange.FallbackSteps != 0 || !exchange.Cell!.Current.Config.Fallback.Order.Contains("cached")
            || (envelope.ResultType.Exists && !JsonText.Equals(envelope.ResultType.Of(exchange.Answer), "complete"u8)) || AnswerTranslation.IsFailure(exchange))
        {
            return;
        }

        Keep(exchange.Cell, KeyOf(exchange), envelope.Result.Of(exchange.Answer));
    }

    /// <summary>Keeps a good result of a caller in this process, where the configuration wants that.</summary>
    /// <param name="cell">Whose result it is.</param>
    /// <param name="tool">The server's own definition of the tool.</param>
    /// <param name="arguments">The raw arguments; empty when there are none.</param>
    /// <param name="result">The raw result.</param>
    public static void Keep(ServerCell cell, CatalogEntry tool, ReadOnlySpan<byte> arguments, ToolResult result)
    {
        if (!result.IsError && cell.Current.Config.Fallback.Order.Contains("cached"))
        {
            Keep(cell, AnswerCache.KeyOf(tool.Name, arguments), result.Raw.Span);
        }
    }

    /// <summary>Whether something else may stand in for a call that failed so.</summary>
    public static bool Helps(McpException failure) => failure is ConnectionFailed or McpTimeout or CircuitOpen or Unauthenticated or ResourceExhausted { IsServerFull: true };

    /// <summary>What stands in for a call of a caller in this process, as <see cref="TryBegin"/> finds it for clients.</summary>
    /// <param name="cell">The server that was called.</param>
    /// <param name="tool">The server's own definition of the tool.</param>
    /// <param name="arguments">The raw arguments; empty when there are none.</param>
    /// <param name="fleet">All servers.</param>
    /// <param name="call">Calls a tool of another server by its name there.</param>
    /// <returns>Null when nothing does.</returns>
    public static async ValueTask<ToolResult?> FindAsync(
        ServerCell cell, CatalogEntry tool, ReadOnlyMemory<byte> arguments, Fleet fleet, Func<ServerCell, string, ValueTask<ToolResult>> call)
    {
        var options = cell.Current.Config.Fallback;
        cell.Counters.NoteFallback();
        foreach (var word in options.Order)
        {
            switch (word)
            {
                case "cached" when FindKept(cell, AnswerCache.KeyOf(tool.Name, arguments.Span), options) is { } kept:
                    return new ToolResult(Marked(kept, "cached"u8), isError: false);
                case "static" when options.Text is { } text:
                    return new ToolResult(Marked(TextResult(text), "static"u8), isError: false);
                case "server" when options.Server is { } name && fleet.TryGet(name, out var other) && other.Offered.TryRoute(ListKind.Tools, tool.NameToken.Of(tool.Raw), out _):
                    try
                    {
                        return await call(other, tool.Name).ConfigureAwait(false);
                    }
                    catch (McpException failure) when (Helps(failure))
                    {
                        break;
                    }

                default:
                    break;
            }
        }

        return null;
    }

    // Which revision will ask for it is not known: it is kept as a legacy result, and clients of later ones get what those have added.
    private static void Keep(ServerCell cell, string key, ReadOnlySpan<byte> result)
    {
        using var splice = new Splice(result, stackalloc byte[Splice.ScratchBytes], blankNewlines: true);
        if (JsonMembers.TryFind(result, new ByteRange(0, result.Length), "resultType"u8, out var type))
        {
            splice.RemoveMember(type);
        }

        cell.Guards.Answers.Keep(key, splice.ToArray(), cell.Guards.Time.GetTimestamp());
    }

    /// <summary>Goes on with the next fallback. Must not block.</summary>
    /// <param name="exchange">It has failed, or was refused.</param>
    /// <param name="error">How.</param>
    /// <param name="fleet">All servers.</param>
    /// <param name="dispatcher">Sends the call to another one.</param>
    /// <returns>True when the call goes on or has an answer.</returns>
    public static bool TryBegin(Exchange exchange, ForwardError error, Fleet fleet, CallDispatcher dispatcher)
    {
        var options = (exchange.FallbackOf ?? exchange.Cell!).Current.Config.Fallback;
        if (options.Order.Count == 0 || !IsTool(exchange) || exchange.HasDelivered || exchange.IsGivenUp || !Helps(error))
        {
            return false;
        }

        exchange.FallbackOf ??= exchange.Cell;
        exchange.FallbackOf!.Counters.NoteFallback();
        while (exchange.FallbackSteps < options.Order.Count)
        {
            switch (options.Order[exchange.FallbackSteps++])
            {
                case "cached" when FindKept(exchange.FallbackOf!, KeyOf(exchange), options) is { } kept:
                    Complete(exchange, Marked(kept, "cached"u8));
                    return true;
                case "static" when options.Text is { } text:
                    Complete(exchange, Marked(TextResult(text), "static"u8));
                    return true;
                case "server" when options.Server is { } name && fleet.TryGet(name, out var other) && TryRedirect(exchange, other):
                    dispatcher.SendElsewhere(exchange);
                    return true;
                default:
                    break;
            }
        }

        return false;
    }

    private static bool IsTool(Exchange exchange) => exchange.RequestEnvelope.KnownMethod == McpMethod.ToolsCall && exchange is { Cell: not null, Route.Entry: not null };

    private static bool Helps(ForwardError error) => ForwardErrors.IsServerFailure(error)
        || error is ForwardError.ServerUnavailable or ForwardError.StartTimedOut or ForwardError.CircuitOpen or ForwardError.TooManyCalls or ForwardError.AuthenticationRequired;

    private static string KeyOf(Exchange exchange)
    {
        var source = exchange.Request.Span;
        JsonMembers.TryFind(source, exchange.RequestEnvelope.Params, "arguments"u8, out var arguments);
        return AnswerCache.KeyOf(exchange.Route!.Entry!.Name, arguments.Of(source));
    }

    private static byte[]? FindKept(ServerCell cell, string key, FallbackOptions options)
    {
        var guards = cell.Guards;
        return guards.Answers.Find(key, guards.Time.GetTimestamp(), (long)(options.MaxAgeMs / 1000.0 * guards.Time.TimestampFrequency));
    }

    private static byte[] TextResult(string text) => [.. "{\"content\":[{\"type\":\"text\",\"text\":"u8, .. JsonText.Quote(text), .. "}]}"u8];

    /// <summary>The same tool, by the server's own name, at another server.</summary>
    private static bool TryRedirect(Exchange exchange, ServerCell other)
    {
        var entry = exchange.Route!.Entry!;
        if (!other.Offered.TryRoute(ListKind.Tools, entry.NameToken.Of(entry.Raw), out var route))
        {
            return false;
        }

        exchange.Cell = other;
        exchange.Route = route;
        exchange.UpstreamName = route.NameToken;
        exchange.Headers = route.Entry is { Headers.Length: > 0 } target ? target.Headers : null;
        exchange.Tries = 1;
        return true;
    }

    /// <summary>The result says that it is a fallback, and which: a program that must know can look.</summary>
    private static byte[] Marked(byte[] result, ReadOnlySpan<byte> kind)
    {
        var root = new ByteRange(0, result.Length);
        using var splice = new Splice(result, stackalloc byte[Splice.ScratchBytes]);
        if (JsonMembers.TryFind(result, root, "_meta"u8, out var meta) && result[meta.Start] == (byte)'{')
        {
            splice.PrependMember(meta, (byte[])[.. "\""u8, .. Meta, .. "\":\""u8, .. kind, .. "\""u8]);
        }
        else
        {
            splice.PrependMember(root, (byte[])[.. "\"_meta\":{\""u8, .. Meta, .. "\":\""u8, .. kind, .. "\"}"u8]);
        }

        return splice.ToArray();
    }

    private static void Complete(Exchange exchange, byte[] result)
    {
        byte[] answer = [.. "{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":"u8, .. result, .. "}"u8];
        EnvelopeScanner.Scan(answer, new ScanLimits(int.MaxValue, answer.Length), out var envelope);
        exchange.LooksAtAnswer = false;
        exchange.IsFallback = true;
        exchange.Complete(answer, envelope);
    }
}
