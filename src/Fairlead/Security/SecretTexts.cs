using System.Text;

namespace Fairlead.Security;

/// <summary>Finds the secret parts of values that are only partly secret: header values, addresses, arguments.</summary>
internal static class SecretTexts
{
    /// <summary>The secret parts of a header: the whole value, what follows a scheme such as Bearer, and the password inside Basic.</summary>
    public static IEnumerable<string> OfHeader(string value)
    {
        yield return value;
        int space = value.IndexOf(' ', StringComparison.Ordinal);
        if (space <= 0)
        {
            yield break;
        }

        string rest = value[(space + 1)..].Trim();
        yield return rest;
        byte[] decoded = new byte[rest.Length];
        if (value.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase) && Convert.TryFromBase64String(rest, decoded, out int length))
        {
            string pair = Encoding.UTF8.GetString(decoded, 0, length);
            int colon = pair.IndexOf(':', StringComparison.Ordinal);
            if (colon >= 0)
            {
                yield return pair[(colon + 1)..];
            }
        }
    }

    /// <summary>The secret parts of an address: the password before the host, and query values whose name is that of a secret.</summary>
    public static IEnumerable<string> OfUrl(Uri url)
    {
        if (url.UserInfo.Length > 0)
        {
            string[] pair = url.UserInfo.Split(':', 2);
            yield return Uri.UnescapeDataString(pair[^1]);
        }

        foreach (string pair in url.Query.TrimStart('?').Split('&'))
        {
            int equals = pair.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0 && SecretNames.IsSecret(pair[..equals]))
            {
                yield return Uri.UnescapeDataString(pair[(equals + 1)..]);
            }
        }
    }

    /// <summary>The secrets that stand openly in arguments: <c>--api-key VALUE</c>, <c>--token=VALUE</c>, <c>-e NAME_TOKEN=VALUE</c>, <c>--header "Authorization: VALUE"</c>.</summary>
    /// <returns>Index of the argument and the secret part of it.</returns>
    public static IEnumerable<(int Index, string Secret)> OfArguments(IList<string> arguments)
    {
        for (int i = 0; i < arguments.Count; i++)
        {
            string argument = arguments[i];
            int equals = argument.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0 && SecretNames.IsSecret(argument[..equals]))
            {
                yield return (i, argument[(equals + 1)..]);
            }
            else if (argument.StartsWith("Authorization:", StringComparison.OrdinalIgnoreCase) || argument.StartsWith("X-API-Key:", StringComparison.OrdinalIgnoreCase))
            {
                foreach (string part in OfHeader(argument[(argument.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim()))
                {
                    yield return (i, part);
                }
            }
            else if (argument.StartsWith('-') && equals < 0 && SecretNames.IsSecret(argument) && i + 1 < arguments.Count && !arguments[i + 1].StartsWith('-'))
            {
                yield return (i + 1, arguments[i + 1]);
            }
        }
    }

    /// <summary>An address as it may be shown, also when it is not a valid one: without what stands before the host and without the query.</summary>
    public static string MaskUrl(string url)
    {
        int query = url.IndexOf('?', StringComparison.Ordinal);
        string shown = query < 0 ? url : url[..query] + "?" + SecretRedactor.Mask;
        int slashes = shown.IndexOf("//", StringComparison.Ordinal);
        int from = slashes < 0 ? 0 : slashes + 2;
        int at = shown.IndexOf('@', from);
        return at < 0 ? shown : shown[..from] + SecretRedactor.Mask + shown[at..];
    }
}
