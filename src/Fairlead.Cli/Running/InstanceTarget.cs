using System.Buffers;

namespace Fairlead.Cli.Running;

/// <summary>Which instance is meant, and which token was given for it.</summary>
/// <param name="Url">Its address; null = the running one of the state folder.</param>
/// <param name="State">The state folder that was named; null = the usual one.</param>
/// <param name="TokenFile">A file that holds the admin token; null = none was named.</param>
/// <param name="TokenOfEnvironment">The token that a variable holds; null = none.</param>
internal sealed record InstanceTarget(string? Url, string? State, string? TokenFile = null, string? TokenOfEnvironment = null)
{
    private const int TokenCharsMax = 4096;

    private static readonly SearchValues<char> s_inToken = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=");

    /// <summary>The token to send with what needs one. That of the state folder steers this machine's instance and does not leave the machine; one that was given goes where the user
    /// says, but to another machine over https alone.</summary>
    /// <param name="address">Where the instance is.</param>
    /// <param name="ofFolder">The token of the state folder; null when there is none.</param>
    public AdminToken TokenFor(Uri address, string? ofFolder)
    {
        // A variable may have been set for another instance: that of the state folder has its own token.
        var given = TokenFile is not null ? ReadTokenFile() : Url is not null || ofFolder is null ? Checked(TokenOfEnvironment, InstanceOptions.TokenVariable) : new AdminToken(null, null);
        if (given.Problem is not null)
        {
            return given;
        }

        if (given.Text is null)
        {
            return new AdminToken(address.IsLoopback ? ofFolder : null, null);
        }

        return address.IsLoopback || address.Scheme == Uri.UriSchemeHttps
            ? given
            : new AdminToken(null, $"the token is not sent to {address.GetLeftPart(UriPartial.Authority)}: over http everybody on the way could read it, and with it steer the instance. "
                + "Give an https address, or go through an SSH tunnel (ssh -L 8080:127.0.0.1:8080 HOST, then --url http://127.0.0.1:8080).");
    }

    private AdminToken ReadTokenFile()
    {
        try
        {
            using var reader = new StreamReader(TokenFile!);
            var buffer = new char[TokenCharsMax + 1];
            return Checked(new string(buffer, 0, reader.ReadBlock(buffer)).Trim(), TokenFile!);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new AdminToken(null, $"--token-file {TokenFile} cannot be read: {exception.Message}");
        }
    }

    // What is wrong is said without the text: it may be a secret all the same.
    private static AdminToken Checked(string? text, string where) => text is null or { Length: > 0 and <= TokenCharsMax } && !text.AsSpan().ContainsAnyExcept(s_inToken)
        ? new AdminToken(text, null)
        : new AdminToken(null, $"{where} holds no token. It is one word, as in the file admin.token of the instance's state folder.");
}

/// <summary>A token, or why there is none to be sent.</summary>
/// <param name="Text">The token; null = none.</param>
/// <param name="Problem">Why what needs a token cannot be asked; null = nothing is wrong.</param>
internal sealed record AdminToken(string? Text, string? Problem);
