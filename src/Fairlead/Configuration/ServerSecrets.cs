using Fairlead.Security;

namespace Fairlead.Configuration;

/// <summary>The secrets that stand in the configuration of a server.</summary>
public static class ServerSecrets
{
    /// <summary>The values of headers, of credentials, of variables and arguments whose name is that of a secret, and passwords inside the url. Give them to
    /// <see cref="SecretRedactor.Add(IEnumerable{string})"/> before the server is used. What a file brought in by expansion is known from the load already.</summary>
    public static IEnumerable<string> Of(ServerConfig server)
    {
        ArgumentNullException.ThrowIfNull(server);
        List<string> secrets = [];
        foreach ((string name, string value) in server.Environment)
        {
            if (SecretNames.IsSecret(name) || server.SecretPaths.Contains(ConfigNode.PathOf("env", name)))
            {
                secrets.Add(value);
            }
        }

        foreach ((string name, string value) in server.Headers)
        {
            if (!SecretNames.IsOpenHeader(name))
            {
                secrets.AddRange(SecretTexts.OfHeader(value));
            }
        }

        secrets.AddRange(SecretTexts.OfArguments(server.Arguments).Select(static found => found.Secret));
        if (server.Url is { } url)
        {
            secrets.AddRange(SecretTexts.OfUrl(url));
        }

        foreach (string? credential in new[] { server.Auth.Key, server.Auth.Token, server.Auth.Password, server.Auth.ClientSecret })
        {
            if (credential is not null)
            {
                secrets.Add(credential);
            }
        }

        if (server.Auth is { User: { } user, Password: { } password })
        {
            secrets.Add(Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes($"{user}:{password}")));
        }

        // A reference that has no value is no secret; hiding it would hide which variable is missing.
        return secrets.Where(static secret => !secret.Contains("${", StringComparison.Ordinal));
    }
}
