using Fairlead.Processes;

namespace Fairlead.Tests.Processes;

public sealed class CredentialExitTests
{
    [Theory]
    [InlineData("Error: GITHUB_PERSONAL_ACCESS_TOKEN is required")]
    [InlineData("Error: Missing required environment variable STRIPE_SECRET_KEY: not set")]
    [InlineData("Please provide NOTION_API_KEY: it must be set")]
    [InlineData("Missing required environment variable: BRAVE_API_KEY")]
    [InlineData("please set GITHUB_TOKEN")]
    [InlineData("fatal: API key not found")]
    [InlineData("invalid api key provided")]
    [InlineData("openai.AuthenticationError: Error code: 401 - Unauthorized")]
    [InlineData("Request failed with status code 401")]
    [InlineData("HTTP/1.1 403")]
    [InlineData("error: {\"error\":\"invalid_grant\"}")]
    [InlineData("FATAL: password authentication failed for user \"app\"")]
    [InlineData("Unable to locate credentials")]
    [InlineData("Could not load the default credentials. Browse to ...")]
    [InlineData("the access token has expired: missing or invalid access token")]
    public void Find_WhenTheLastWordsTellOfACredential_QuotesTheLine(string line)
    {
        var reason = CredentialExit.Find(new ChildExit(1, null, TimeSpan.FromSeconds(1), ["starting", line, "    at start (index.js:12:3)"]));

        Assert.Equal("it ended with code 1 because a credential is missing or refused: " + line, reason);
    }

    [Theory]
    [InlineData("SyntaxError: Invalid or unexpected token")]
    [InlineData("SyntaxError: missing token at line 401")]
    [InlineData("Error: Cannot find module '/srv/401/index.js'")]
    [InlineData("listening on port 401")]
    [InlineData("Error: connect ECONNREFUSED 127.0.0.1:5432")]
    [InlineData("KeyError: 'key'")]
    [InlineData("tokenizer not found")]
    [InlineData("misbehave-server: cannot start: the database is on holiday")]
    [InlineData("the public key was written to KEY; 3 files missing")]
    public void Find_WhenTheyTellOfSomethingElse_IsSilent(string line) =>
        Assert.Null(CredentialExit.Find(new ChildExit(1, null, TimeSpan.FromSeconds(1), [line])));

    [Theory]
    [InlineData(0, null)]
    [InlineData(137, "SIGKILL")]
    public void Find_WhenItDidNotFailByItself_IsSilent(int code, string? signal) =>
        Assert.Null(CredentialExit.Find(new ChildExit(code, signal, TimeSpan.FromSeconds(1), ["API key not set"])));

    [Fact]
    public void Find_WhenTheLineIsLong_CutsIt() =>
        Assert.EndsWith("xxx…", CredentialExit.Find(new ChildExit(1, null, TimeSpan.Zero, ["API key not set " + new string('x', 400)])), StringComparison.Ordinal);
}
