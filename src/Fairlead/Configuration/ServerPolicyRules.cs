namespace Fairlead.Configuration;

/// <summary>Rules between the keys of one section of a server. Keys are reported below the server.</summary>
internal static class ServerPolicyRules
{
    private const int ToolNameLengthMax = 128;

    public static void Check(ServerConfig server, ReportRule error, Func<string, bool> isWritten)
    {
        CheckAuth(server, error, isWritten);
        CheckExpose(server.Expose, error);
        CheckReplicas(server, server.Replicas, error);
        CheckHealth(server.HealthCheck, error);
        CheckFallback(server, server.Fallback, error);
        if (server.Retry.DelayMs > server.Retry.DelayMaxMs)
        {
            error("retry.delayMs", $"{server.Retry.DelayMs}", $"The first wait must not be longer than delayMaxMs, which is {server.Retry.DelayMaxMs}.", "Lower delayMs or raise delayMaxMs.");
        }

        CheckNotBlank(server.Tags, "tags", error);
        CheckNotBlank(server.Capabilities, "capabilities", error);
        CheckNotBlank(server.DependsOn, "dependsOn", error);
    }

    private static void CheckAuth(ServerConfig server, ReportRule error, Func<string, bool> isWritten)
    {
        if (server.IsMissingAuth)
        {
            return;
        }

        ServerAuth auth = server.Auth;
        IEnumerable<(string Key, string? Value)> needed = auth.Kind switch
        {
            AuthKind.ApiKey => [("key", auth.Key)],
            AuthKind.Bearer => [("token", auth.Token)],
            AuthKind.Basic => [("user", auth.User), ("password", auth.Password)],
            AuthKind.OAuth2 when auth.ClientSecret is not null => [("clientId", auth.ClientId)],
            _ => [],
        };
        foreach ((string key, string? value) in needed)
        {
            if (value is null && !isWritten($"auth.{key}"))
            {
                error($"auth.{key}", null, $"auth of type {OptionWords.Word(auth.Kind)} needs {key}.", $"Write \"{key}\": \"${{NAME_OF_A_VARIABLE}}\".");
            }
        }

        string? header = auth.Kind switch { AuthKind.None => null, AuthKind.ApiKey => auth.Header, _ => "Authorization" };
        if (header is not null && server.Headers.ContainsKey(header))
        {
            error(ConfigNode.PathOf("headers", header), null, $"Both auth and headers set {header}.", "Keep one of the two.");
        }

        if (auth.TokenUrl is { } url && url.Scheme != Uri.UriSchemeHttp && url.Scheme != Uri.UriSchemeHttps)
        {
            error("auth.tokenUrl", $"\"{Security.SecretTexts.MaskUrl(url.OriginalString)}\"", "The address must begin with http:// or https://.", "Mend the address.");
        }
    }

    private static void CheckExpose(ExposeOptions expose, ReportRule error)
    {
        CheckNotBlank(expose.Tools, "expose.tools", error);
        CheckNotBlank(expose.Hide, "expose.hide", error);
        foreach ((string from, string to) in expose.Rename)
        {
            string key = ConfigNode.PathOf("expose.rename", from);
            if (to.Length is 0 or > ToolNameLengthMax || !to.All(static c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.' or '/'))
            {
                error(key, $"\"{to}\"", $"A tool's name has 1 to {ToolNameLengthMax} of the characters A-Z a-z 0-9 _ - . /", "Choose another name.");
            }
            else if (expose.Rename.FirstOrDefault(other => other.Value == to).Key is { } first && first != from)
            {
                error(key, $"\"{to}\"", $"{first} is renamed to the same name.", "Choose another name for one of the two.");
            }
        }
    }

    private static void CheckReplicas(ServerConfig server, ReplicasOptions replicas, ReportRule error)
    {
        if (replicas.Min > replicas.Count)
        {
            error("replicas.min", $"{replicas.Min}", $"min must not be above count, which is {replicas.Count}.", "Lower min or raise count.");
        }

        if (replicas.Max < replicas.Count)
        {
            error("replicas.max", $"{replicas.Max}", $"max must not be below count, which is {replicas.Count}.", "Raise max or lower count.");
        }

        if (LoadBalancingOptions.ReadWeights(server.LoadBalancing.Weights) is null)
        {
            error("loadBalancing.weights", $"\"{server.LoadBalancing.Weights}\"", "Weights are whole numbers from 1 to 1000 with commas between them.", "Write one for each instance, such as \"3,1,1\".");
        }

        if (replicas.ScaleDownAt >= replicas.ScaleUpAt)
        {
            error("replicas.scaleDownAt", OptionRules.Show(replicas.ScaleDownAt), $"scaleDownAt must be below scaleUpAt, which is {OptionRules.Show(replicas.ScaleUpAt)}.", "Otherwise instances come and go all the time: lower it.");
        }
    }

    private static void CheckFallback(ServerConfig server, FallbackOptions fallback, ReportRule error)
    {
        for (var i = 0; i < fallback.Order.Count; i++)
        {
            var word = fallback.Order[i];
            if (word is not ("cached" or "server" or "static"))
            {
                error($"fallback.order[{i}]", $"\"{word}\"", "A fallback is cached, server or static.", "Write one of the three.");
            }
            else if (word == "server" && (fallback.Server is null || ServerName.ToSlug(fallback.Server) == server.Name))
            {
                error("fallback.server", fallback.Server is null ? null : $"\"{fallback.Server}\"", "The fallback server needs the name of another server.", "Write \"server\": \"NAME\".");
            }
            else if (word == "static" && fallback.Text is null)
            {
                error("fallback.text", null, "The fallback static needs a text.", "Write \"text\": \"...\".");
            }
        }
    }

    private static void CheckHealth(HealthCheckOptions health, ReportRule error)
    {
        string? scheme = health.Url?.Scheme;
        switch (health.Kind)
        {
            case HealthCheckKind.Http when scheme is not ("http" or "https"):
                error("healthCheck.url", Shown(health.Url), "An http check needs an address that begins with http:// or https://.", "Write \"url\": \"http://...\".");
                break;
            case HealthCheckKind.Tcp when scheme != "tcp" || health.Url!.Port <= 0:
                error("healthCheck.url", Shown(health.Url), "A tcp check needs a host and a port.", "Write \"url\": \"tcp://host:port\".");
                break;
            case HealthCheckKind.Command when health.Command is null:
                error("healthCheck.command", null, "A command check needs a program.", "Write \"command\": \"...\".");
                break;
            case HealthCheckKind.File when health.Path is null:
                error("healthCheck.path", null, "A file check needs a path.", "Write \"path\": \"...\".");
                break;
        }

        if (health.TimeoutMs > health.IntervalMs)
        {
            error("healthCheck.timeoutMs", $"{health.TimeoutMs}", $"One check must not take longer than intervalMs, which is {health.IntervalMs}.", "Lower timeoutMs or raise intervalMs.");
        }
    }

    private static string? Shown(Uri? url) => url is null ? null : $"\"{Security.SecretTexts.MaskUrl(url.OriginalString)}\"";

    private static void CheckNotBlank(IList<string> texts, string key, ReportRule error)
    {
        for (int i = 0; i < texts.Count; i++)
        {
            if (string.IsNullOrWhiteSpace(texts[i]))
            {
                error($"{key}[{i}]", "\"\"", "The text is empty.", "Write something, or remove the item.");
            }
        }
    }
}
