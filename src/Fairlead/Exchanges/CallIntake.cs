using Fairlead.Catalog;
using Fairlead.Routing;
using Fairlead.Wire;

namespace Fairlead.Exchanges;

/// <summary>What routing says of a request.</summary>
internal enum IntakeFault : byte
{
    /// <summary>The exchange knows its server.</summary>
    None,

    /// <summary>The request lacks the name, uri or reference that its method needs. JSON-RPC -32602.</summary>
    NameMissing,

    /// <summary>Nobody offers that name or URI here. JSON-RPC -32602; a refusal by policy looks the same (decision 3).</summary>
    Unknown,
}

/// <summary>Step 3 of the road: from the name in a request to its server, by the lists that the endpoint offers.</summary>
internal static class CallIntake
{
    /// <summary>Finds the server of a forwarded request and fills the exchange's cell, upstream name and headers. Allocates nothing when the name is listed.</summary>
    /// <param name="exchange">Its request and envelope are set.</param>
    /// <param name="offered">What the endpoint offers.</param>
    public static IntakeFault Route(Exchange exchange, CatalogSnapshot offered)
    {
        var source = exchange.Request.Span;
        ref readonly var envelope = ref exchange.RequestEnvelope;
        var kind = KindOf(source, envelope);
        var place = RequestSplicer.NamePlace(source, envelope);
        if (!place.Exists)
        {
            return IntakeFault.NameMissing;
        }

        if (!offered.TryRoute(kind, place.Of(source), out var route))
        {
            return IntakeFault.Unknown;
        }

        exchange.Cell = route.Cell;
        exchange.Route = route;
        exchange.UpstreamName = route.UpstreamName(place.Of(source));
        exchange.Headers = route.Entry is { Headers.Length: > 0 } entry ? entry.Headers : null;
        return IntakeFault.None;
    }

    /// <summary>Which list a request's name stands in.</summary>
    private static ListKind KindOf(ReadOnlySpan<byte> source, in Envelope envelope) => envelope.KnownMethod switch
    {
        McpMethod.ToolsCall => ListKind.Tools,
        McpMethod.PromptsGet => ListKind.Prompts,
        McpMethod.CompletionComplete => CompletionReference.Find(source, envelope.Params).IsPrompt ? ListKind.Prompts : ListKind.ResourceTemplates,
        _ => ListKind.Resources,
    };
}
