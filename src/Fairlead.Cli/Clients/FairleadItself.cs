using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Fairlead.Cli.Clients;

/// <summary>Recognises the entry by which a client reaches Fairlead: taken over, it would make Fairlead its own server.</summary>
internal static class FairleadItself
{
    /// <summary>The name under which <c>fairlead connect</c> writes it.</summary>
    public const string EntryName = "fairlead";

    /// <summary>Whether an entry of a client starts <c>fairlead stdio</c> or names an endpoint of a gateway on this machine under a name of ours.</summary>
    public static bool Is(string name, JsonObject entry)
    {
        if (Text(entry["command"]) is { } command)
        {
            string[] words = [command, .. (entry["args"] as JsonArray ?? []).Select(static item => Text(item) ?? "")];
            return words.Contains("stdio") && words.Any(static word => word[(word.LastIndexOfAny(['/', '\\']) + 1)..].ToUpperInvariant() is "FAIRLEAD" or "FAIRLEAD.EXE" or "FAIRLEAD.CLI" or "FAIRLEAD.CLI.EXE" or "FAIRLEAD.CLI.DLL");
        }

        return (name == EntryName || name.StartsWith(EntryName + "-", StringComparison.Ordinal)) && Uri.TryCreate(AddressOf(entry), UriKind.Absolute, out var url)
            && (url.IsLoopback || (IPAddress.TryParse(url.Host, out var address) && IPAddress.IsLoopback(address)));
    }

    /// <summary>The address in an entry, in whichever of the keys that clients have for it; null when there is none.</summary>
    public static string? AddressOf(JsonObject entry) => Text(entry["url"]) ?? Text(entry["serverUrl"]) ?? Text(entry["httpUrl"]);

    private static string? Text(JsonNode? value) => value?.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : null;
}
