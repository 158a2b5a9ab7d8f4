using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using Fairlead.Wire;

namespace Fairlead.Measuring;

/// <summary>The bytes of one request, made once; a call only writes its id into them. Ids have always the same number of digits, so nothing else changes.</summary>
internal sealed class McpRequest
{
    /// <summary>Digits of every id.</summary>
    public const int IdDigits = 10;

    /// <summary>The revision that <see cref="LoadEra.Modern"/> claims.</summary>
    public const string ModernVersion = "2026-07-28";

    /// <summary>The revision that <see cref="LoadEra.Legacy"/> offers.</summary>
    public const string LegacyVersion = "2025-11-25";

    private const long FirstId = 1_000_000_000;

    private readonly byte[] _bytes;
    private readonly int _idAt;

    private McpRequest(byte[] bytes, int idAt) => (_bytes, _idAt) = (bytes, idAt);

    /// <summary>The request as it is sent.</summary>
    public ReadOnlyMemory<byte> Bytes => _bytes;

    /// <summary>The id in it; <see cref="FirstId"/> - 1 before the first.</summary>
    public long Id { get; private set; } = FirstId - 1;

    /// <summary>Puts the next id into it.</summary>
    public void NextId()
    {
        Id = Id >= (FirstId * 10) - 1 ? FirstId : Id + 1;
        if (_idAt >= 0)
        {
            Utf8Formatter.TryFormat(Id, _bytes.AsSpan(_idAt, IdDigits), out _);
        }
    }

    /// <summary>The measured request of a target.</summary>
    /// <param name="target">What is called.</param>
    /// <param name="session">The legacy session; null = none.</param>
    /// <param name="version">The legacy revision that was agreed on; not used by modern requests.</param>
    public static McpRequest ForTarget(LoadTarget target, string? session, string version) => target.RawBody is { } raw
        ? new McpRequest(Join(Head(target, [], Encoding.UTF8.GetByteCount(raw)), raw), -1)
        : target.Tool is { } tool
            ? Create(target, "tools/call", tool, $"\"name\":{JsonSerializer.Serialize(tool)},\"arguments\":{target.ArgumentsJson}", session, version)
            : Create(target, "tools/list", null, "", session, version);

    /// <summary>The next page of the list of tools.</summary>
    /// <inheritdoc cref="ForTarget"/>
    /// <param name="target">Whose list.</param>
    /// <param name="cursor">Of the page; null = the first.</param>
    /// <param name="session">The legacy session; null = none.</param>
    /// <param name="version">The legacy revision that was agreed on; not used by modern requests.</param>
    public static McpRequest ForList(LoadTarget target, string? cursor, string? session, string version) =>
        Create(target, "tools/list", null, cursor is null ? "" : $"\"cursor\":{JsonSerializer.Serialize(cursor)}", session, version);

    /// <summary>The legacy handshake's first message.</summary>
    public static McpRequest ForInitialize(LoadTarget target) => Create(
        target, "initialize", null,
        "\"protocolVersion\":\"" + LegacyVersion + "\",\"capabilities\":{},\"clientInfo\":{\"name\":\"fairlead-bench\",\"version\":\"1\"}", null, null);

    /// <summary>The legacy handshake's last message.</summary>
    public static McpRequest ForInitialized(LoadTarget target, string? session, string version)
    {
        const string Body = """{"jsonrpc":"2.0","method":"notifications/initialized"}""";
        return new McpRequest(Join(Head(target, SessionHeaders(session, version), Body.Length), Body), -1);
    }

    // The version is null only for <c>initialize</c>, which carries no version header (MCP 2025-11-25, basic/transports).
    private static McpRequest Create(LoadTarget target, string method, string? name, string parameters, string? session, string? version)
    {
        const string Meta =
            "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"" + ModernVersion + "\",\"io.modelcontextprotocol/clientCapabilities\":{}," +
            "\"io.modelcontextprotocol/clientInfo\":{\"name\":\"fairlead-bench\",\"version\":\"1\"}}";
        var isModern = target.Era == LoadEra.Modern;
        var inside = !isModern ? parameters : parameters.Length == 0 ? Meta : $"{parameters},{Meta}";
        const string Start = "{\"jsonrpc\":\"2.0\",\"id\":";
        var body = Start + FirstId + ",\"method\":\"" + method + "\",\"params\":{" + inside + "}}";

        List<KeyValuePair<string, string>> headers = isModern
            ? [new("MCP-Protocol-Version", ModernVersion), new("Mcp-Method", method)]
            : version is null ? [] : [.. SessionHeaders(session, version)];
        if (isModern && name is not null)
        {
            headers.Add(new("Mcp-Name", HeaderValues.Encode(Encoding.UTF8.GetBytes(name))));
        }

        var head = Head(target, headers, Encoding.UTF8.GetByteCount(body));
        return new McpRequest(Join(head, body), Encoding.UTF8.GetByteCount(head) + Start.Length);
    }

    /// <summary>Ends a legacy session. It is no POST and has no body; what is answered does not matter (MCP 2025-11-25, basic/transports, Session Management).</summary>
    public static McpRequest ForDelete(LoadTarget target, string session, string version) =>
        new(Encoding.UTF8.GetBytes(Head(target, SessionHeaders(session, version), 0, "DELETE")), -1);

    private static IEnumerable<KeyValuePair<string, string>> SessionHeaders(string? session, string version)
    {
        yield return new("MCP-Protocol-Version", version);
        if (session is not null)
        {
            yield return new("Mcp-Session-Id", session);
        }
    }

    private static string Head(LoadTarget target, IEnumerable<KeyValuePair<string, string>> headers, int bodyBytes, string method = "POST")
    {
        var head = new StringBuilder($"{method} {target.Endpoint.PathAndQuery} HTTP/1.1\r\nHost: {target.Endpoint.Authority}\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n");
        foreach (var (name, value) in headers.Concat(target.Headers))
        {
            head.Append(name).Append(": ").Append(value).Append("\r\n");
        }

        return head.Append("Content-Length: ").Append(bodyBytes).Append("\r\n\r\n").ToString();
    }

    private static byte[] Join(string head, string body) => Encoding.UTF8.GetBytes(head + body);
}
