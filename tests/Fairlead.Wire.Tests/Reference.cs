using System.Text.Json;
using System.Text.Unicode;

namespace Fairlead.Wire.Tests;

/// <summary>What System.Text.Json says about a message: the second opinion for the scanner.</summary>
internal static class Reference
{
    /// <summary>The parsed text, or null when it is not JSON or nested deeper than 64.</summary>
    public static JsonDocument? Parse(byte[] json)
    {
        try
        {
            return JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 64 });
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Fails when scanner and reference disagree about a message in any way.</summary>
    public static void AssertAgrees(byte[] json)
    {
        var error = EnvelopeScanner.Scan(json, ScanLimits.Default, out var found);
        using var document = Parse(json);
        Assert.Equal(document is not null, error is not (ScanError.NotJson or ScanError.TooDeep));
        if (document is null)
        {
            return;
        }

        // System.Text.Json cannot show names that are not Unicode; the scanner passes them on.
        if (!Utf8.IsValid(json) || HasLoneSurrogate(document.RootElement))
        {
            return;
        }

        Assert.Equal(Judge(document.RootElement), error);
        if (error == ScanError.None && found.Kind != MessageKind.Batch)
        {
            AssertPlaces(json, document.RootElement, found);
        }
    }

    private static bool HasLoneSurrogate(JsonElement element)
    {
        try
        {
            return element.ValueKind switch
            {
                JsonValueKind.Object => element.EnumerateObject().Any(member => member.Name.Length < 0 || HasLoneSurrogate(member.Value)),
                JsonValueKind.Array => element.EnumerateArray().Any(HasLoneSurrogate),
                JsonValueKind.String => element.GetString() is null,
                _ => false,
            };
        }
        catch (InvalidOperationException)
        {
            return true;
        }
    }

    private static ScanError Judge(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            return root.ValueKind == JsonValueKind.Array ? ScanError.None : ScanError.NotJsonRpc;
        }

        var asks = root.TryGetProperty("method", out var method);
        var hasResult = root.TryGetProperty("result", out _);
        var hasError = root.TryGetProperty("error", out _);
        var hasId = root.TryGetProperty("id", out var id);
        if (HasDouble(root) || (asks && AnyParamsDoubled(root)))
        {
            return ScanError.DuplicateMember;
        }

        if (asks ? hasResult || hasError : hasResult && hasError)
        {
            return ScanError.MixedKinds;
        }

        var version = root.TryGetProperty("jsonrpc", out var text) ? text.ValueKind == JsonValueKind.String && text.GetString() == "2.0" : !asks;
        if ((!asks && !hasResult && !hasError) || !version || (hasResult && !hasId))
        {
            return ScanError.NotJsonRpc;
        }

        if (hasId && id.GetRawText().Length > 0 && System.Text.Encoding.UTF8.GetByteCount(id.GetRawText()) > 256)
        {
            return ScanError.IdTooLong;
        }

        if (hasId && id.ValueKind is not (JsonValueKind.String or JsonValueKind.Number) && !(hasError && id.ValueKind == JsonValueKind.Null))
        {
            return ScanError.InvalidId;
        }

        if (!asks)
        {
            return ScanError.None;
        }

        var hasParams = root.TryGetProperty("params", out var parameters);
        var wrongParams = hasParams && parameters.ValueKind is not (JsonValueKind.Object or JsonValueKind.Array);
        var wrongMeta = hasParams && parameters.ValueKind == JsonValueKind.Object && parameters.TryGetProperty("_meta", out var meta) && meta.ValueKind != JsonValueKind.Object;
        return method.ValueKind != JsonValueKind.String || wrongParams || wrongMeta ? ScanError.NotJsonRpc : ScanError.None;
    }

    private static bool HasDouble(JsonElement element)
    {
        var names = element.EnumerateObject().Select(member => member.Name).ToList();
        return names.Distinct(StringComparer.Ordinal).Count() != names.Count;
    }

    private static bool AnyParamsDoubled(JsonElement root) => root.EnumerateObject()
        .Where(member => member.Name == "params" && member.Value.ValueKind == JsonValueKind.Object)
        .Any(member => HasDouble(member.Value)
            || member.Value.EnumerateObject().Any(inner => inner.Name == "_meta" && inner.Value.ValueKind == JsonValueKind.Object && HasDouble(inner.Value)));

    private static void AssertPlaces(byte[] json, JsonElement root, in Envelope found)
    {
        Same(json, found.Root, root);
        Same(json, found.Id, Get(root, "id"));
        Same(json, found.Method, Get(root, "method"));
        Same(json, found.Result, Get(root, "result"));
        Same(json, found.Error, Get(root, "error"));
        Same(json, found.ResultType, Get(Get(root, "result"), "resultType"));
        Same(json, found.TtlMs, Get(Get(root, "result"), "ttlMs"));
        Same(json, found.CacheScope, Get(Get(root, "result"), "cacheScope"));
        if (found.Kind is MessageKind.Result or MessageKind.Error)
        {
            Assert.Equal(default, found.Params);
            return;
        }

        var parameters = Get(root, "params");
        Same(json, found.Params, parameters);
        Same(json, found.Arguments, Get(parameters, "arguments"));
        Same(json, found.Cursor, Get(parameters, "cursor"));
        Same(json, found.Name, Typed(Get(parameters, "name"), JsonValueKind.String));
        Same(json, found.Uri, Typed(Get(parameters, "uri"), JsonValueKind.String));
        var meta = Get(parameters, "_meta");
        Same(json, found.Meta, meta);
        Same(json, found.MetaProtocolVersion, Get(meta, "io.modelcontextprotocol/protocolVersion"));
        if (found.Kind == MessageKind.Request)
        {
            var token = Get(meta, "progressToken");
            Same(json, found.ProgressToken, Typed(token, JsonValueKind.String) ?? Typed(token, JsonValueKind.Number));
        }
    }

    private static JsonElement? Get(JsonElement? element, string name) =>
        element is { ValueKind: JsonValueKind.Object } from && from.TryGetProperty(name, out var value) ? value : null;

    private static JsonElement? Typed(JsonElement? element, JsonValueKind kind) => element?.ValueKind == kind ? element : null;

    private static void Same(byte[] json, ByteRange place, JsonElement? element) =>
        Assert.Equal(element?.GetRawText() ?? "", Messages.Text(place.Of(json)));
}
