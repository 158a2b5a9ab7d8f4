using System.Security.Cryptography;
using System.Text;
using Fairlead.Audit;
using Fairlead.Catalog;
using Fairlead.Configuration;
using Fairlead.Routing;
using Fairlead.Sessions;
using Fairlead.Telemetry;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Exchanges;

/// <summary>Records calls in the audit log. A good call of a tool whose client is known allocates nothing.</summary>
internal static class CallAudit
{
    private const int ArgumentsBytesMax = 4096;

    // Looking for isError in an answer that is longer costs more than it tells.
    private const int AnswerBytesMax = 64 * 1024;
    private const string Local = "local";
    private const string Allowed = "allowed";
    private const string Denied = "denied";
    private const string Ok = "ok";
    private const string NotOffered = "NotOffered";
    private const string InProcess = "in-process";

    private static readonly AsyncLocal<(string Via, string? Client)?> s_origin = new();

    /// <summary>By which way, and from which program, the calls of this flow come into the process; null = from this process. Set by the REST API.</summary>
    public static (string Via, string? Client)? Origin
    {
        set => s_origin.Value = value;
    }

    /// <summary>Records a forwarded call that has ended.</summary>
    /// <param name="log">Where.</param>
    /// <param name="call">Not given back yet.</param>
    /// <param name="cell">The server.</param>
    /// <param name="micros">How long it took; 0 when it was not sent.</param>
    public static void Add(AuditLog log, Exchange call, ServerCell cell, long micros)
    {
        var request = call.Request.Span;
        ref readonly var envelope = ref call.RequestEnvelope;
        var isTool = envelope.KnownMethod is McpMethod.ToolsCall or McpMethod.PromptsGet;
        var target = isTool && call.Route?.Entry is { } entry ? entry.Name : TextOf(call.UpstreamName ?? RequestSplicer.NamePlace(request, envelope).Of(request));
        Add(log, envelope.KnownMethod, cell.Name, target, envelope.Arguments.Of(request), micros, call.Error, FailedAtServer(call), ClientOf(log, call), "mcp");
    }

    /// <summary>Records a request that named what nobody offers here.</summary>
    public static void AddUnknown(AuditLog log, Exchange call, LegacySession? session)
    {
        var request = call.Request.Span;
        ref readonly var envelope = ref call.RequestEnvelope;
        log.Add(new AuditEntry
        {
            Kind = AuditKind.Call, Principal = Local, Via = "mcp", Client = log.ClientName(session is null ? envelope.MetaClientInfo.Of(request) : session.ClientInfo),
            Method = CallHistograms.MethodOf(envelope.KnownMethod), Target = TextOf(RequestSplicer.NamePlace(request, envelope).Of(request)), Verdict = Denied, Outcome = NotOffered,
        });
    }

    /// <summary>Records a call of a caller in this process.</summary>
    public static void Add(AuditLog log, ServerCell cell, string tool, ReadOnlySpan<byte> arguments, long micros, ForwardError error, bool failedAtServer)
    {
        var (via, client) = s_origin.Value ?? (InProcess, null);
        Add(log, McpMethod.ToolsCall, cell.Name, tool, arguments, micros, error, failedAtServer, client, via);
    }

    /// <summary>Records a call of a caller in this process that could not be begun.</summary>
    public static void Add(AuditLog log, ServerCell cell, string tool, McpException failure)
    {
        var (via, client) = s_origin.Value ?? (InProcess, null);
        log.Add(new AuditEntry
        {
            Kind = AuditKind.Call, Principal = Local, Client = client, Via = via, Server = cell.Name, Method = CallHistograms.MethodOf(McpMethod.ToolsCall), Target = tool,
            Verdict = failure is ToolNotFound ? Denied : Allowed, Outcome = failure.Word,
        });
    }

    private static void Add(
        AuditLog log, McpMethod method, string server, string? target, ReadOnlySpan<byte> arguments, long micros, ForwardError error, bool failedAtServer, string? client, string via)
    {
        var entry = new AuditEntry
        {
            Kind = AuditKind.Call, Principal = Local, Client = client, Via = via, Server = server, Method = CallHistograms.MethodOf(method), Target = target, Micros = micros,
            Verdict = error is ForwardError.RateLimited or ForwardError.CircuitOpen or ForwardError.TooManyCalls or ForwardError.TooManyParked or ForwardError.AuditFull or ForwardError.ShuttingDown ? Denied : Allowed,
            Outcome = error switch
            {
                ForwardError.None => failedAtServer ? nameof(ToolFailed) : Ok,
                ForwardError.ClientCancelled => "Cancelled",
                _ => CallFailures.Word(error),
            },
        };
        if (log.Arguments != AuditArguments.None && !arguments.IsEmpty)
        {
            entry.HasDigest = true;
            SHA256.HashData(arguments, entry.Digest);
            entry.Arguments = log.Arguments == AuditArguments.Full ? Encoding.UTF8.GetString(arguments[..Math.Min(arguments.Length, ArgumentsBytesMax)]) : null;
        }

        log.Add(entry);
    }

    /// <summary>Whether the server answered with a JSON-RPC error, or the tool with isError.</summary>
    public static bool FailedAtServer(UpstreamCall call)
    {
        if (call.Error != ForwardError.None || call.IsStreamed)
        {
            return false;
        }

        var answer = call.Answer;
        ref readonly var envelope = ref call.AnswerEnvelope;
        return envelope.Kind == MessageKind.Error
            || (envelope.Kind == MessageKind.Result && answer.Length <= AnswerBytesMax && JsonMembers.TryFind(answer, envelope.Result, "isError"u8, out var isError) && isError.Of(answer).SequenceEqual("true"u8));
    }

    private static string? ClientOf(AuditLog log, Exchange call) =>
        log.ClientName(call.Caller?.Owner is LegacySession session ? session.ClientInfo : call.RequestEnvelope.MetaClientInfo.Of(call.Request.Span));

    private static string? TextOf(ReadOnlySpan<byte> token) => token.IsEmpty ? null : JsonText.ToString(token);
}
