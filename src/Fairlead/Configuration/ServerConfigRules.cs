namespace Fairlead.Configuration;

/// <summary>The checks every server goes through, whether it came from a file or from code.</summary>
public static class ServerConfigRules
{
    private const string TokenMarks = "!#$%&'*+-.^_`|~";

    private static readonly HashSet<string> s_protocolHeaders = new(StringComparer.OrdinalIgnoreCase)
    {
        "Accept", "Accept-Encoding", "Connection", "Content-Length", "Content-Type", "Expect", "Host", "Keep-Alive", "Last-Event-ID", "Proxy-Connection",
        "TE", "Trailer", "Transfer-Encoding", "Upgrade", "Mcp-Session-Id", "MCP-Protocol-Version", "Mcp-Method", "Mcp-Name",
    };

    /// <summary>Brings names into their final form (<see cref="ServerConfig.Name"/> and <see cref="ServerConfig.DependsOn"/> become slugs, the name as
    /// written becomes the title), drops headers that belong to the protocol, and checks everything that can be seen on the server alone.</summary>
    /// <returns>Everything that is wrong; empty = good. Values of secrets are not in it.</returns>
    public static IReadOnlyList<ConfigurationError> Normalise(ServerConfig server)
    {
        ArgumentNullException.ThrowIfNull(server);
        List<ConfigurationError> errors = [];
        void Report(string key, string? value, string rule, string fix) => errors.Add(new ConfigurationError(key, value, rule, fix));
        Check(server, "", Report, static (_, _, _, _) => { }, static _ => false);
        return errors;
    }

    /// <summary>The same with a path before each key, and with warnings.</summary>
    /// <param name="server">Changed as <see cref="Normalise"/> says.</param>
    /// <param name="place">Path of the server.</param>
    /// <param name="error">Told what is wrong.</param>
    /// <param name="warning">Told what is odd.</param>
    /// <param name="isWritten">Whether a key, by its full path, was written. One that was written and could not be read has its error already; it is not missing too.</param>
    internal static void Check(ServerConfig server, string place, ReportRule error, ReportRule warning, Func<string, bool> isWritten)
    {
        ReportRule at = (key, value, rule, fix) => error(Below(place, key), value, rule, fix);
        ReportRule odd = (key, value, rule, fix) => warning(Below(place, key), value, rule, fix);
        OptionRules.CheckRanges(server, place, error);
        NormaliseName(server, at);
        CheckTransport(server, at, odd, key => isWritten(Below(place, key)));
        CheckProcess(server, at);
        CheckLimits(server, odd, OperatingSystem.IsLinux());
        CheckHeaders(server, at, odd);
        ServerPolicyRules.Check(server, at, key => isWritten(Below(place, key)));
        for (int i = 0; i < server.DependsOn.Count; i++)
        {
            server.DependsOn[i] = ServerName.ToSlug(server.DependsOn[i]);
        }
    }

    private static string Below(string place, string key) => place.Length == 0 ? key : key.Length == 0 ? place : $"{place}.{key}";

    private static void NormaliseName(ServerConfig server, ReportRule error)
    {
        string written = server.Name;
        string slug = ServerName.ToSlug(written);
        if (slug.Length == 0)
        {
            error("name", written.Length == 0 ? null : $"\"{written}\"", "A server needs a name with at least one letter a-z or digit.", "Give it a name such as \"files\"; any text can be its title.");
        }
        else if (!ServerName.IsValid(slug))
        {
            error("name", $"\"{written}\"", $"The name {slug} belongs to the gateway itself.", $"Choose another one, such as {slug}-server.");
        }

        server.Title ??= written == slug ? null : written;
        server.Name = slug;
    }

    private static void CheckTransport(ServerConfig server, ReportRule error, ReportRule warning, Func<string, bool> isWritten)
    {
        bool hasCommand = server.Command is not null;
        bool hasUrl = server.Url is not null;
        switch (server.EffectiveTransport)
        {
            case ServerTransport.Stdio when !hasCommand && !server.IsMissingAuth && !isWritten("command"):
                error("command", null, "A stdio server needs a command.", "Write the program, such as \"command\": \"npx\".");
                break;
            case ServerTransport.Http or ServerTransport.Sse when !hasUrl && !server.IsMissingAuth && !isWritten("url"):
                error("url", null, $"A server on {OptionWords.Word(server.EffectiveTransport)} needs an address.", "Write \"url\": \"https://...\".");
                break;
            case ServerTransport.InProcess when server is { Transport: null, Type: ServerType.Custom, IsMissingAuth: false } && !isWritten("command") && !isWritten("url"):
                error("", null, "The server has neither command nor url.", "Write a command for a local server or a url for a remote one.");
                break;
        }

        if (hasCommand && hasUrl)
        {
            if (server.Transport is null)
            {
                error("url", null, "The server has both command and url.", "Keep one of the two, or say which with transport.");
            }
            else
            {
                string unused = server.Transport == ServerTransport.Stdio ? "url" : "command";
                warning(unused, null, $"{unused} has no effect on transport {OptionWords.Word(server.Transport)}.", "Remove it.");
            }
        }

        if (server.Url is { } url && url.Scheme != Uri.UriSchemeHttp && url.Scheme != Uri.UriSchemeHttps)
        {
            error("url", $"\"{Security.SecretTexts.MaskUrl(url.OriginalString)}\"", "The address must begin with http:// or https://.", "Mend the address.");
        }

        bool remote = server.EffectiveTransport is ServerTransport.Http or ServerTransport.Sse;
        if (!remote && server.Headers.Count > 0)
        {
            warning("headers", null, "Headers have no effect on a server without an address.", "Remove them, or pass the values in env.");
        }

        if (!remote && server.Auth.Kind != AuthKind.None)
        {
            warning("auth", null, "auth has no effect on a server without an address.", "Remove it, or pass the credential in env.");
        }

        if (remote && !hasCommand && server.Arguments.Count > 0)
        {
            warning("args", null, "args have no effect on a remote server.", "Remove them.");
        }
    }

    private static void CheckProcess(ServerConfig server, ReportRule error)
    {
        if (server.Command is { } command && command.AsSpan().IndexOfAny('\0', '\n', '\r') >= 0)
        {
            error("command", null, "The command must be one line.", "Write the program alone; its arguments belong to args.");
        }

        for (int i = 0; i < server.Arguments.Count; i++)
        {
            if (server.Arguments[i].Contains('\0', StringComparison.Ordinal))
            {
                error($"args[{i}]", null, "An argument cannot hold the character NUL.", "Take it out.");
            }
        }

        foreach ((string name, string value) in server.Environment)
        {
            if (name.Length == 0 || name.AsSpan().IndexOfAny('=', '\0') >= 0)
            {
                error(ConfigNode.PathOf("env", name), null, "The name of a variable cannot be empty nor hold = or NUL.", "Write \"NAME\": \"value\".");
            }
            else if (value.Contains('\0', StringComparison.Ordinal))
            {
                error(ConfigNode.PathOf("env", name), null, "A variable cannot hold the character NUL.", "Take it out.");
            }
        }
    }

    /// <summary>Limits that nobody applies are worth a word: whoever wrote them relies on them.</summary>
    internal static void CheckLimits(ServerConfig server, ReportRule warning, bool isLinux)
    {
        if (server.Limits is { MaxOpenFiles: null, MaxMemoryMb: null, Nice: null })
        {
            return;
        }

        if (server.EffectiveTransport != ServerTransport.Stdio)
        {
            warning("limits", null, "limits have no effect on a server without a command.", "Remove them.");
        }
        else if (!isLinux)
        {
            warning("limits", null, "limits have no effect on this system, only on Linux.", "Remove them, or limit the server by means of the system.");
        }
    }

    private static void CheckHeaders(ServerConfig server, ReportRule error, ReportRule warning)
    {
        foreach ((string name, string value) in server.Headers.ToArray())
        {
            string key = ConfigNode.PathOf("headers", name);
            if (name.Length == 0 || !name.All(static c => char.IsAsciiLetterOrDigit(c) || TokenMarks.Contains(c, StringComparison.Ordinal)))
            {
                error(key, null, "The name of a header has only letters, digits and hyphens.", "Mend the name.");
            }
            else if (value.Any(static c => char.IsControl(c) && c != '\t') || value.Any(static c => c > '\u00ff'))
            {
                error(key, null, "A header is one line of plain characters.", "Remove line breaks and letters outside Latin-1.");
            }
            else if (s_protocolHeaders.Contains(name) || name.StartsWith("Mcp-Param-", StringComparison.OrdinalIgnoreCase))
            {
                warning(key, null, $"Fairlead sets {name} itself, so this one is dropped.", "Remove it.");
                server.Headers.Remove(name);
            }
        }
    }
}
