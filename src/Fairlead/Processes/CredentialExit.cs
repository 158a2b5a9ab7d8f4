using System.Globalization;
using System.Text.RegularExpressions;

namespace Fairlead.Processes;

/// <summary>Tells a program that ended because of its credentials from one that crashed, by the last words it wrote.</summary>
/// <remarks>There is no exit code for it, so its words decide; they are looked at only when it ended by itself with an error, before it could serve.</remarks>
internal static partial class CredentialExit
{
    private const int LineCharsMax = 300;

    /// <summary>Why it ended, in words that follow the server's name; null when it did not end because of its credentials, as far as can be told.</summary>
    /// <param name="child">The process; null where there is none.</param>
    public static string? Find(ChildProcess? child) =>
        child is { Exited: { IsCompletedSuccessfully: true } exited } ? Find(exited.Result) : null;

    /// <inheritdoc cref="Find(ChildProcess?)"/>
    internal static string? Find(ChildExit exit)
    {
        if (exit.Signal is not null || exit.ExitCode == 0 || exit.StandardErrorTail.FirstOrDefault(static line => IsRefusal(line)) is not { } line)
        {
            return null;
        }

        line = line.Trim();
        line = line.Length <= LineCharsMax ? line : string.Concat(line.AsSpan(0, LineCharsMax), "…");
        return string.Create(CultureInfo.InvariantCulture, $"it ended with code {exit.ExitCode} because a credential is missing or refused: {line}");
    }

    private static bool IsRefusal(string line) => Status().IsMatch(line) || Refused().IsMatch(line) || Flawed().IsMatch(line) || Wanting().IsMatch(line) || Asked().IsMatch(line);

    // "HTTP 401", "401 Unauthorized", "status code 403 Forbidden". A bare number says nothing.
    [GeneratedRegex(@"\b401\b.{0,20}\bunauthori[sz]ed\b|\bunauthori[sz]ed\b.{0,20}\b401\b|\b403\b.{0,20}\bforbidden\b|\bHTTP(?:/[\d.]+)? 40[13]\b|\bstatus(?: code)?:? 40[13]\b", RegexOptions.IgnoreCase)]
    private static partial Regex Status();

    // "Authentication failed", "not authenticated", "bad credentials", "access denied: invalid …".
    [GeneratedRegex(@"\bauthentication (?:has )?(?:failed|failure|required|error)\b|\bauthenticationerror\b|\bnot authenticated\b|\blogin (?:failed|required)\b|\b(?:bad|invalid|missing|no|wrong|expired) credentials\b|\binvalid_(?:grant|client|token|api_key)\b|\b(?:unable to|could not|cannot) (?:locate|find|load) (?:\w+ ){0,2}credentials\b", RegexOptions.IgnoreCase)]
    private static partial Regex Refused();

    // "invalid API key", "missing access token". "Unexpected token" is a parser's word, so the kind of token must be named.
    [GeneratedRegex(@"\b(?:invalid|missing|expired|incorrect|wrong|bad|revoked|malformed|no)\s+(?:\S+\s+){0,2}?(?:api[ _-]?(?:key|token)|(?:access|auth|bearer|refresh|oauth|authentication|personal access)[ _-]token|client[ _-]secret|password)\b", RegexOptions.IgnoreCase)]
    private static partial Regex Flawed();

    // "GITHUB_TOKEN is required", "API key not set", "environment variable STRIPE_SECRET_KEY must be set".
    [GeneratedRegex(@"(?:\b[A-Z][A-Z0-9_]*_(?:TOKEN|KEY|SECRET|PASSWORD|CREDENTIALS)\b|\b(?i:api[ _-]?(?:key|token)|access[ _-]token|auth[ _-]token|client[ _-]secret|credentials)\b).{0,60}(?i:\b(?:is|are|was) (?:required|missing|invalid|expired|incorrect|not set|not provided|empty|undefined)\b|\bnot (?:set|found|provided|configured|defined|specified)\b|\bmust be (?:set|provided|specified)\b|\b(?:missing|required|invalid|expired)\b)")]
    private static partial Regex Wanting();

    // "Missing GITHUB_TOKEN", "please set the environment variable OPENAI_API_KEY".
    [GeneratedRegex(@"\b(?i:missing|set|provide|define|export|requires?)\b.{0,60}\b[A-Z][A-Z0-9_]*_(?:TOKEN|(?:API|SECRET|ACCESS|AUTH|PRIVATE)_KEY|SECRET|PASSWORD|CREDENTIALS)\b")]
    private static partial Regex Asked();
}
