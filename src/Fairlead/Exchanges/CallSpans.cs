using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Fairlead.Routing;
using Fairlead.Telemetry;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Exchanges;

/// <summary>The spans of a traced call that are open, beside those of its tries at servers.</summary>
/// <param name="front">As the server of its client, from arrival to answer.</param>
internal sealed class CallTrace(Activity front)
{
    /// <summary>As the server of its client.</summary>
    public Activity Front => front;

    /// <summary>From when its server is known until its end, with all tries and fallbacks; null before.</summary>
    public Activity? Exchange { get; set; }

    /// <summary>From when the guards are asked until it is sent: it holds the wait for the server, for a turn and for a permit. Null while the server works.</summary>
    public Activity? Guard;
}

/// <summary>A request that Fairlead answers by itself: a list, a handshake, a ping.</summary>
/// <param name="Method">What is asked.</param>
/// <param name="Id">Its id.</param>
/// <param name="Meta">Its <c>_meta</c>.</param>
/// <param name="Started">The clock's timestamp at its arrival.</param>
internal readonly record struct OwnRequest(McpMethod Method, ByteRange Id, ByteRange Meta, long Started)
{
    /// <summary>One that has come now.</summary>
    public static OwnRequest Now(in Envelope envelope, TimeProvider clock) => new(envelope.KnownMethod, envelope.Id, envelope.Meta, clock.GetTimestamp());
}

/// <summary>Makes the spans of traced calls, by OpenTelemetry's conventions for MCP: the front (server), the exchange, the guards, and each try at a server (client).</summary>
/// <remarks>
/// The context comes from <c>params._meta</c> (<c>traceparent</c>, <c>tracestate</c>; SEP-414), else from the HTTP headers of these names, and goes on to the server in <c>_meta</c> and, over HTTP, in the header.
/// Arguments and results are never looked at. Used only while somebody listens: it allocates.
/// </remarks>
internal static class CallSpans
{
    private const string ServerTag = "fairlead.server_id";

    /// <summary>Begins the span of the front.</summary>
    /// <param name="exchange">Its request is known, its server is not.</param>
    /// <param name="parentHeader">The <c>traceparent</c> of the HTTP request; empty for none.</param>
    /// <param name="stateHeader">The <c>tracestate</c> of the HTTP request; empty for none.</param>
    /// <param name="session">The id of the legacy session; null for none. It is a secret: the span gets a digest.</param>
    public static CallTrace? Begin(Exchange exchange, string? parentHeader, string? stateHeader, string? session)
    {
        ref readonly var envelope = ref exchange.RequestEnvelope;
        return BeginFront(exchange.Request.Span, envelope.KnownMethod, envelope.Id, envelope.Meta, exchange.ClientVersion, parentHeader, stateHeader, session) is { } span ? new CallTrace(span) : null;
    }

    /// <summary>Makes the span of a request that Fairlead has answered by itself.</summary>
    /// <param name="request">What it was.</param>
    /// <param name="source">Its bytes.</param>
    /// <param name="version">The revision that the client speaks.</param>
    /// <param name="parentHeader">The <c>traceparent</c> of the HTTP request; empty or null for none.</param>
    /// <param name="stateHeader">The <c>tracestate</c> of the HTTP request; empty or null for none.</param>
    /// <param name="session">The id of the legacy session; null for none.</param>
    /// <param name="code">The code of the error that it was answered with; 0 = none.</param>
    /// <param name="began">When it came, in UTC.</param>
    public static void AddOwn(
        in OwnRequest request, ReadOnlySpan<byte> source, ProtocolVersion version, string? parentHeader, string? stateHeader, string? session, int code, DateTime began)
    {
        if (BeginFront(source, request.Method, request.Id, request.Meta, version, parentHeader, stateHeader, session, began) is not { } span)
        {
            return;
        }

        if (code != 0)
        {
            Refuse(span, code);
        }

        Tracing.End(span);
    }

    /// <summary>The server of a call is known.</summary>
    public static void NoteRoute(Exchange exchange)
    {
        var span = exchange.Trace!.Front;
        span.SetTag(ServerTag, exchange.Cell!.Name);
        var place = RequestSplicer.NamePlace(exchange.Request.Span, exchange.RequestEnvelope);
        Tracing.NoteTarget(span, exchange.RequestEnvelope.KnownMethod, JsonText.ToString(place.Of(exchange.Request.Span)));
    }

    /// <summary>The guards of a server are asked for the call.</summary>
    public static void BeginGuard(CallTrace trace, ServerCell cell)
    {
        trace.Exchange ??= Tracing.Begin("exchange", ActivityKind.Internal, trace.Front.Context);
        trace.Guard = Tracing.Begin("guard", ActivityKind.Internal, (trace.Exchange ?? trace.Front).Context);
        trace.Guard?.SetTag(ServerTag, cell.Name);
    }

    /// <summary>The call waits because as many as <c>maxConnections</c> allows are in flight.</summary>
    public static void NoteQueued(UpstreamCall call) => (call as Exchange)?.Trace?.Guard?.AddEvent(new ActivityEvent("queued"));

    /// <summary>The guards have let the call in, or not. Nothing happens when they had not been asked.</summary>
    public static void EndGuard(CallTrace trace, ForwardError error)
    {
        if (Interlocked.Exchange(ref trace.Guard, null) is { } span)
        {
            EndTry(span, error);
        }
    }

    /// <summary>Begins the span of one try at the server.</summary>
    /// <param name="exchange">Open at its instance.</param>
    public static Activity? BeginTry(Exchange exchange)
    {
        var trace = exchange.Trace!;
        EndGuard(trace, ForwardError.None);
        var source = exchange.Request.Span;
        var name = exchange.UpstreamName ?? RequestSplicer.NamePlace(source, exchange.RequestEnvelope).Of(source);
        return BeginTry((trace.Exchange ?? trace.Front).Context, exchange.Connection!, exchange.RequestEnvelope.KnownMethod, JsonText.ToString(name), exchange.Cell!, exchange.Tries);
    }

    /// <summary>Begins the span of one try at a server.</summary>
    /// <param name="parent">The span of the front, or of a caller in this process.</param>
    /// <param name="connection">The instance.</param>
    /// <param name="method">What is called.</param>
    /// <param name="name">The server's own name of the tool, prompt or resource.</param>
    /// <param name="cell">The server.</param>
    /// <param name="tries">How often it has been sent, this time included.</param>
    public static Activity? BeginTry(ActivityContext parent, UpstreamConnection connection, McpMethod method, string? name, ServerCell cell, int tries)
    {
        var word = CallHistograms.MethodOf(method);
        if (Tracing.Begin(word, ActivityKind.Client, parent) is not { } span)
        {
            return null;
        }

        span.SetTag(Tracing.MethodTag, word);
        span.SetTag(ServerTag, cell.Name);
        span.SetTag("fairlead.instance", connection.Number);
        span.SetTag("mcp.protocol.version", connection.Identity.Version.Format());
        if (ServerFamilies.TransportOf(cell.Current.Config) is { } transport)
        {
            span.SetTag("network.transport", transport);
        }

        if (tries > 1)
        {
            span.SetTag("fairlead.try", tries);
        }

        Tracing.NoteTarget(span, method, name);
        return span;
    }

    /// <summary>Ends the span of a try.</summary>
    public static void EndTry(Activity span, ForwardError error)
    {
        if (error != ForwardError.None)
        {
            Tracing.Fail(span, ForwardErrors.Tag(error));
        }

        Tracing.End(span);
    }

    /// <summary>Ends the span of the front, with what the client is told.</summary>
    public static void End(Exchange exchange)
    {
        var span = exchange.Trace!.Front;
        if (exchange.Error != ForwardError.None)
        {
            Tracing.Fail(span, ForwardErrors.Tag(exchange.Error));
        }
        else if (exchange.AnswerEnvelope.Kind == MessageKind.Error)
        {
            Refuse(span, exchange.AnswerEnvelope.ErrorCode);
        }
        else if (CallAudit.FailedAtServer(exchange))
        {
            Tracing.Fail(span, Tracing.ToolError);
        }

        Close(exchange.Trace);
    }

    /// <summary>Ends what is open of a trace.</summary>
    public static void Close(CallTrace trace)
    {
        EndGuard(trace, ForwardError.ClientCancelled);
        if (trace.Exchange is { } span)
        {
            Tracing.End(span);
        }

        Tracing.End(trace.Front);
    }

    /// <summary>Ends the span of a request that has no server.</summary>
    public static void Refuse(Exchange exchange, int code)
    {
        Refuse(exchange.Trace!.Front, code);
        Close(exchange.Trace);
    }

    /// <summary>Puts the context of a span into a request, in the place of the client's own.</summary>
    /// <param name="splice">The request.</param>
    /// <param name="source">Its bytes.</param>
    /// <param name="meta">Its <c>_meta</c>, which exists.</param>
    /// <param name="span">What the server is to continue.</param>
    public static void Write(scoped ref Splice splice, ReadOnlySpan<byte> source, ByteRange meta, Activity span)
    {
        Put(ref splice, source, meta, "traceparent"u8, span.Id!);
        if (span.TraceStateString is { Length: > 0 } state)
        {
            Put(ref splice, source, meta, "tracestate"u8, state);
        }
    }

    /// <summary>The context of a span as raw members for a <c>_meta</c> that is made.</summary>
    public static byte[] Members(Activity span) => span.TraceStateString is { Length: > 0 } state
        ? [.. "\"traceparent\":"u8, .. JsonText.Quote(span.Id!), .. ",\"tracestate\":"u8, .. JsonText.Quote(state)]
        : [.. "\"traceparent\":"u8, .. JsonText.Quote(span.Id!)];

    private static Activity? BeginFront(
        ReadOnlySpan<byte> source, McpMethod method, ByteRange id, ByteRange meta, ProtocolVersion version, string? parentHeader, string? stateHeader, string? session, DateTime began = default)
    {
        ActivityContext.TryParse(parentHeader, stateHeader, isRemote: true, out var ofRequest);
        var isMeta = Tracing.TryReadContext(source, meta, out var ofMeta);
        var word = CallHistograms.MethodOf(method);
        if (Tracing.Begin(word, ActivityKind.Server, isMeta ? ofMeta : ofRequest, isMeta && ofRequest.SpanId != ofMeta.SpanId ? ofRequest : default, began) is not { } span)
        {
            return null;
        }

        span.SetTag(Tracing.MethodTag, word);
        span.SetTag("mcp.protocol.version", version.Format());
        span.SetTag("jsonrpc.request.id", JsonText.ToString(id.Of(source)) ?? Encoding.UTF8.GetString(id.Of(source)));
        span.SetTag("network.protocol.name", "http");
        span.SetTag("network.transport", "tcp");
        if (session is not null)
        {
            span.SetTag("mcp.session.id", Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(session)).AsSpan(0, 16)));
        }

        return span;
    }

    private static void Put(scoped ref Splice splice, ReadOnlySpan<byte> source, ByteRange meta, ReadOnlySpan<byte> name, string value)
    {
        if (JsonMembers.TryFind(source, meta, name, out var old))
        {
            splice.Replace(old, JsonText.Quote(value));
        }
        else
        {
            splice.AppendMember(meta, name, JsonText.Quote(value));
        }
    }

    private static void Refuse(Activity span, int code)
    {
        var text = code.ToString(CultureInfo.InvariantCulture);
        span.SetTag("rpc.response.status_code", text);
        Tracing.Fail(span, text);
    }
}
