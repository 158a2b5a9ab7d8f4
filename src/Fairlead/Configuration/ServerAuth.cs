namespace Fairlead.Configuration;

/// <summary>How Fairlead proves itself to a remote server. Only the members of the chosen <see cref="Kind"/> are read.</summary>
[ConfigShorthand(nameof(Kind))]
public sealed class ServerAuth
{
    /// <summary>The way. Unset members of that way are an error.</summary>
    [ConfigKey("type", Aliases = ["kind"])]
    public AuthKind Kind { get; set; } = AuthKind.None;

    /// <summary>The header that carries an API key.</summary>
    [ConfigKey("header", Min = 1)]
    public string Header { get; set; } = "X-API-Key";

    /// <summary>The API key.</summary>
    [ConfigKey("key", Secret = true, Min = 1, Aliases = ["apiKey"])]
    public string? Key { get; set; }

    /// <summary>The bearer token, without the word Bearer.</summary>
    [ConfigKey("token", Secret = true, Min = 1)]
    public string? Token { get; set; }

    /// <summary>The user of basic authentication.</summary>
    [ConfigKey("user", Min = 1, Aliases = ["username"])]
    public string? User { get; set; }

    /// <summary>The password of basic authentication.</summary>
    [ConfigKey("password", Secret = true)]
    public string? Password { get; set; }

    /// <summary>The client id at the authorization server. Unset: registered when needed.</summary>
    [ConfigKey("clientId")]
    public string? ClientId { get; set; }

    /// <summary>The client secret at the authorization server. Unset: a public client.</summary>
    [ConfigKey("clientSecret", Secret = true)]
    public string? ClientSecret { get; set; }

    /// <summary>Where tokens are asked for. Unset: discovered from the server.</summary>
    [ConfigKey("tokenUrl")]
    public Uri? TokenUrl { get; set; }

    /// <summary>Scopes to ask for. Empty: those the server names.</summary>
    [ConfigKey("scopes")]
    public IList<string> Scopes { get; set; } = [];
}
