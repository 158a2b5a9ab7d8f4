using System.Text.Json;
using System.Text.Json.Nodes;
using Fairlead.Security;

namespace Fairlead.Cli.Clients;

/// <summary>A server in one line for people: the command or the address, and the names of its variables and headers. Never a value of theirs.</summary>
internal static class ShownServer
{
    private const int TokenLengthMin = 20;
    private const int HexLengthMin = 32;

    /// <summary>The line.</summary>
    public static string Of(JsonObject entry)
    {
        var words = new List<string>();
        if (Text(entry["command"]) is { } command)
        {
            words.Add(command);
            words.AddRange(Arguments(entry["args"] as JsonArray ?? []));
        }
        else if (FairleadItself.AddressOf(entry) is { } url)
        {
            words.Add(SecretTexts.MaskUrl(url));
        }

        Add(words, "env", entry["env"]);
        Add(words, "headers", entry["headers"]);
        return string.Join(' ', words);
    }

    /// <summary>Arguments with what is, or looks like, a credential masked: nobody declared what these files hold.</summary>
    private static IEnumerable<string> Arguments(JsonArray list)
    {
        string[] arguments = [.. list.Select(static item => Text(item) ?? item?.ToJsonString() ?? "null")];
        var secrets = SecretTexts.OfArguments(arguments).ToLookup(static found => found.Index, static found => found.Secret);
        for (var i = 0; i < arguments.Length; i++)
        {
            var shown = arguments[i];
            foreach (var secret in secrets[i].Where(static secret => secret.Length != 0 && !secret.StartsWith("${", StringComparison.Ordinal)))
            {
                shown = shown.Replace(secret, SecretRedactor.Mask, StringComparison.Ordinal);
            }

            shown = shown.Contains("://", StringComparison.Ordinal) ? SecretTexts.MaskUrl(shown) : string.Join('=', shown.Split('=').Select(MaskToken));
            yield return shown.Length == 0 || shown.Contains(' ', StringComparison.Ordinal) ? $"\"{shown}\"" : shown;
        }
    }

    private static string MaskToken(string text)
    {
        var isPlain = text.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');
        var isMixed = text.Length >= TokenLengthMin && text.Any(char.IsAsciiLetterLower) && text.Any(char.IsAsciiLetterUpper) && text.Any(char.IsAsciiDigit);
        var isHex = text.Length >= HexLengthMin && text.All(char.IsAsciiHexDigit);
        return isPlain && (isMixed || isHex) ? SecretRedactor.Mask : text;
    }

    private static void Add(List<string> words, string key, JsonNode? map)
    {
        if (map is JsonObject { Count: > 0 } values)
        {
            words.Add($"({key}: {string.Join(", ", values.Select(static pair => pair.Key))})");
        }
    }

    private static string? Text(JsonNode? value) => value?.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : null;
}
