using System.Text;
using Fairlead.Sessions;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Exchanges;

/// <summary>
/// What of a result's content is written otherwise for its client: blocks that its revision does not know become text that says the same (resource links before 2025-06-18, audio before
/// 2025-03-26; protocol.md 6), and URIs of resources that it knows by a wrapped URI become that one (protocol.md 7). URIs of other resources are noted on the way, so that the client can read them.
/// </summary>
internal readonly ref struct ContentEdits
{
    private readonly ReadOnlySpan<byte> _source;
    private readonly Exchange _exchange;
    private readonly bool _linksAreText;
    private readonly bool _audioIsText;

    private ContentEdits(Exchange exchange, ReadOnlySpan<byte> source)
    {
        var isOlder = IsOlder(exchange);
        _source = source;
        _exchange = exchange;
        _linksAreText = isOlder;
        _audioIsText = isOlder && AudioText.IsDueFor(exchange.ClientVersion);
    }

    /// <summary>Whether the answer of a call must be looked through. For nearly all it need not: the client is no older than the server, and nothing of the server is wrapped.</summary>
    public static bool AreDue(Exchange exchange) => AreRewritten(exchange) || NamesResources(exchange);

    /// <summary>Whether anything in the content may be written otherwise, wherever it stands. If not, resources are noted at most.</summary>
    public static bool AreRewritten(Exchange exchange) => IsOlder(exchange) || exchange.Route is { Wrapped: not null } || IsReadByAnotherUri(exchange);

    /// <summary>Notes the resources that the first blocks of a tool's result name. Of an answer that is passed on while it comes nothing more is seen.</summary>
    /// <param name="exchange">The call.</param>
    /// <param name="look">The first bytes of the answer.</param>
    /// <param name="contentStart">Where <c>content</c> begins in it.</param>
    public static void NoteResources(Exchange exchange, ReadOnlySpan<byte> look, int contentStart)
    {
        if (exchange.Connection is not { Identity.HasResources: true })
        {
            return;
        }

        var edits = new ContentEdits(exchange, look);
        foreach (var block in new JsonElements(look, new ByteRange(contentStart, look.Length - contentStart)))
        {
            var type = edits.Find(block, "type"u8).Of(look);
            if (JsonText.Equals(type, "resource_link"u8))
            {
                edits.Note(edits.Find(block, "uri"u8));
            }
            else if (JsonText.Equals(type, "resource"u8))
            {
                edits.Note(edits.Find(edits.Find(block, "resource"u8), "uri"u8));
            }
        }
    }

    /// <summary>Edits a tool's result (also one that a task gives), a prompt's messages, or the contents of a resource.</summary>
    /// <param name="splice">Of the answer.</param>
    /// <param name="exchange">Answered with a result.</param>
    public static void Apply(scoped ref Splice splice, Exchange exchange)
    {
        var edits = new ContentEdits(exchange, exchange.Answer);
        var result = exchange.AnswerEnvelope.Result;
        switch (exchange.RequestEnvelope.KnownMethod)
        {
            case McpMethod.ToolsCall or McpMethod.TasksResult when edits.Find(result, "content"u8) is { Exists: true } content:
                edits.EditBlocks(ref splice, content);
                break;
            case McpMethod.TasksGet when edits.Find(edits.Find(result, "result"u8), "content"u8) is { Exists: true } content:
                edits.EditBlocks(ref splice, content);
                break;
            case McpMethod.PromptsGet when edits.Find(result, "messages"u8) is { Exists: true } messages:
                foreach (var message in new JsonElements(edits._source, messages))
                {
                    edits.EditBlock(ref splice, edits.Find(message, "content"u8));
                }

                break;
            case McpMethod.ResourcesRead when edits.Find(result, "contents"u8) is { Exists: true } contents:
                foreach (var content in new JsonElements(edits._source, contents))
                {
                    edits.EditUri(ref splice, edits.Find(content, "uri"u8));
                }

                break;
            default:
                break;
        }
    }

    /// <summary>Puts the client's URI into the <c>data.uri</c> of an error about the resource that it knows by another URI than the server.</summary>
    /// <param name="splice">Of <paramref name="source"/>.</param>
    /// <param name="exchange">Answered with an error.</param>
    /// <param name="source">The answer, or a part of it.</param>
    /// <param name="data">The error's <c>data</c> in it.</param>
    public static void ApplyToErrorData(scoped ref Splice splice, Exchange exchange, ReadOnlySpan<byte> source, ByteRange data)
    {
        if (IsReadByAnotherUri(exchange) && JsonMembers.TryFind(source, data, "uri"u8, out var uri) && IsUpstreamName(exchange, uri.Of(source)))
        {
            splice.Replace(uri, exchange.RequestEnvelope.Uri.Of(exchange.Request.Span));
        }
    }

    /// <summary>Whether a resource is read by another URI than the client's.</summary>
    public static bool IsReadByAnotherUri(Exchange exchange) => exchange.UpstreamName is not null && exchange.RequestEnvelope.KnownMethod == McpMethod.ResourcesRead;

    // The text of a block's type, whatever else it may be: only servers that have resources are looked through, at the speed of a search for bytes.
    private static bool NamesResources(Exchange exchange) =>
        exchange.Connection is { Identity.HasResources: true } && exchange.RequestEnvelope.KnownMethod is McpMethod.ToolsCall or McpMethod.TasksResult or McpMethod.TasksGet or McpMethod.PromptsGet
        && exchange.Answer.IndexOf("\"resource"u8) >= 0;

    private static bool IsOlder(Exchange exchange) => exchange.ClientVersion < ProtocolVersion.V20250618 && exchange.ClientVersion < exchange.AnswerVersion;

    private static bool IsUpstreamName(Exchange exchange, ReadOnlySpan<byte> uriToken) =>
        JsonText.ToString(uriToken) is { } uri && uri == JsonText.ToString(exchange.UpstreamName);

    private void EditBlocks(scoped ref Splice splice, ByteRange content)
    {
        foreach (var block in new JsonElements(_source, content))
        {
            EditBlock(ref splice, block);
        }
    }

    private void EditBlock(scoped ref Splice splice, ByteRange block)
    {
        var type = Find(block, "type"u8).Of(_source);
        if (JsonText.Equals(type, "resource_link"u8))
        {
            Note(Find(block, "uri"u8));
            if (_linksAreText)
            {
                splice.Replace(block, AudioText.TextBlock(_source, block, DescribeLink(block)));
            }
            else
            {
                EditUri(ref splice, Find(block, "uri"u8));
            }
        }
        else if (JsonText.Equals(type, "resource"u8))
        {
            var uri = Find(Find(block, "resource"u8), "uri"u8);
            Note(uri);
            EditUri(ref splice, uri);
        }
        else if (_audioIsText && JsonText.Equals(type, "audio"u8))
        {
            splice.Replace(block, AudioText.BlockFor(_source, block));
        }
    }

    // One that clients know by a wrapped URI leads to its server as it is.
    private void Note(ByteRange uri)
    {
        if (JsonText.ToString(uri.Of(_source)) is { } text && _exchange.Route?.Wrapped?.TryWrap(uri.Of(_source), out _) != true)
        {
            _exchange.Cell!.NamedUris.Add(Encoding.UTF8.GetBytes(text));
        }
    }

    private void EditUri(scoped ref Splice splice, ByteRange uri)
    {
        if (!uri.Exists)
        {
            return;
        }

        if (IsReadByAnotherUri(_exchange) && IsUpstreamName(_exchange, uri.Of(_source)))
        {
            splice.Replace(uri, _exchange.RequestEnvelope.Uri.Of(_exchange.Request.Span));
        }
        else if (_exchange.Route?.Wrapped is { } known && known.TryWrap(uri.Of(_source), out var wrapped))
        {
            splice.Replace(uri, JsonText.Quote(wrapped));
        }
    }

    private string DescribeLink(ByteRange block)
    {
        var uri = Find(block, "uri"u8).Of(_source);
        var text = new StringBuilder("Resource: ").Append(Text(block, "title"u8) ?? Text(block, "name"u8) ?? "without a name");
        Line(text, "URI", _exchange.Route?.Wrapped is { } known && known.TryWrap(uri, out var wrapped) ? wrapped : JsonText.ToString(uri));
        Line(text, "Description", Text(block, "description"u8));
        Line(text, "Type", Text(block, "mimeType"u8));
        return text.ToString();
    }

    private static void Line(StringBuilder text, string what, string? value)
    {
        if (value is not null)
        {
            text.Append('\n').Append(what).Append(": ").Append(value);
        }
    }

    private ByteRange Find(ByteRange container, ReadOnlySpan<byte> member)
    {
        JsonMembers.TryFind(_source, container, member, out var value);
        return value;
    }

    private string? Text(ByteRange block, ReadOnlySpan<byte> member) => JsonText.ToString(Find(block, member).Of(_source));
}
