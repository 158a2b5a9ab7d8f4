using Fairlead.Configuration;

namespace Fairlead.Tests.Configuration;

/// <summary>A planted secret is in no output of a load, wherever it stood.</summary>
public sealed class RedactionTests
{
    private const string Secret = "pl4nted-s3cret/+ÿ\"x";

    [Theory]
    [InlineData(""" "command": "x", "env": { "ANY": "${PLANTED}" } """)]
    [InlineData(""" "command": "x", "args": [ "--flag", "x=${PLANTED}" ] """)]
    [InlineData(""" "command": "${PLANTED}" """)]
    [InlineData(""" "command": "x", "title": "${PLANTED}" """)]
    [InlineData(""" "command": "x", "env": { "MY_API_KEY": "SECRET" } """)]
    [InlineData(""" "command": "x", "args": [ "--api-key", "SECRET" ] """)]
    [InlineData(""" "command": "x", "args": [ "--token=SECRET" ] """)]
    [InlineData(""" "command": "x", "args": [ "-e", "GITHUB_TOKEN=SECRET" ] """)]
    [InlineData(""" "command": "x", "args": [ "--header", "Authorization: Bearer SECRET" ] """)]
    [InlineData(""" "url": "https://h/", "headers": { "X-Anything": "SECRET" } """)]
    [InlineData(""" "url": "https://h/", "headers": { "Authorization": "Bearer SECRET" } """)]
    [InlineData(""" "url": "https://h/", "auth": { "type": "bearer", "token": "SECRET" } """)]
    [InlineData(""" "url": "https://h/", "auth": { "type": "oauth2", "clientId": "i", "clientSecret": "SECRET" } """)]
    [InlineData(""" "url": "https://h/", "auth": { "type": "basic", "user": "u", "password": "SECRET" } """)]
    [InlineData(""" "url": "https://u:pl4nted-s3cret@h/" """)]
    [InlineData(""" "url": "https://h/?api_key=pl4nted-s3cret" """)]
    // With an error at or beside the secret.
    [InlineData(""" "url": "ftp://u:pl4nted-s3cret@h/" """)]
    [InlineData(""" "url": "h?api_key=pl4nted-s3cret" """)]
    [InlineData(""" "command": "x", "isolation": "${PLANTED}" """)]
    [InlineData(""" "command": "x", "port": "${PLANTED}" """)]
    [InlineData(""" "command": "x", "timeoutMs": "soon", "dependsOn": [ "${PLANTED}" ] """)]
    [InlineData(""" "url": "https://h/", "auth": { "type": "bearer", "tokn": "SECRET" } """)]
    [InlineData(""" "url": "https://h/", "headers": "Authorization: SECRET" """)]
    [InlineData(""" "url": "https://h/", "headers": { "A": "SECRET\n" } """)]
    public void Output_WhenASecretIsPlanted_NeverHoldsIt(string keys)
    {
        string planted = keys.Replace("SECRET", Secret.Replace("\"", "\\\"", StringComparison.Ordinal), StringComparison.Ordinal);

        ConfigurationResult result = Loading.Server(planted, ("PLANTED", Secret));

        Assert.DoesNotContain("pl4nted", Loading.AllOutput(result), StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("cret/+", Loading.AllOutput(result), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void Output_WhenASecretIsTooShortToSearchFor_MasksItsKeyAllTheSame()
    {
        ConfigurationResult result = Loading.Server(""" "command": "x", "env": { "PIN": "${PIN}", "A_TOKEN": "qz" }, "args": [ "${PIN}" ] """, ("PIN", "q1z"));

        string shown = ConfigurationView.Show(result.Options, result.Redactor);
        Assert.DoesNotContain("q1z", shown, StringComparison.Ordinal);
        Assert.DoesNotContain("qz", shown, StringComparison.Ordinal);
        Assert.Equal("q1z", result.Options.Servers[0].Environment["PIN"]);
    }

    [Fact]
    public void Redactor_WhenALoadIsDone_KnowsSecretsOfDotEnvAndEnvFiles()
    {
        using var folder = new TempFolder();
        folder.Write(".env", "UNUSED_TOKEN=from-dot-env\nPLAIN=not-a-secret");
        folder.Write("server.env", "ANYTHING=from-env-file");
        string path = folder.Write("fairlead.json", """{ "servers": { "a": { "command": "x", "envFile": "server.env" } } }""");

        ConfigurationResult result = ConfigurationLoader.Load(path, Loading.Variables());

        Assert.Equal("REDACTED REDACTED not-a-secret", result.Redactor.Redact("from-dot-env from-env-file not-a-secret"));
        Assert.DoesNotContain("from-env-file", Loading.AllOutput(result), StringComparison.Ordinal);
    }

    [Fact]
    public void Show_WhenAVariableIsMissing_ShowsWhichOne()
    {
        ConfigurationResult result = Loading.Server(""" "url": "https://h/", "headers": { "X": "${LACKING}" }, "auth": { "type": "bearer", "token": "${TOO}" } """);

        string shown = ConfigurationView.Show(result.Options, result.Redactor);
        Assert.Contains("\"X\": \"${LACKING}\"", shown, StringComparison.Ordinal);
        Assert.Contains("\"token\": \"${TOO}\"", shown, StringComparison.Ordinal);
    }

    [Fact]
    public void Show_WhenNothingIsSecret_LoadsAgainToTheSame()
    {
        ConfigurationResult first = Loading.Text("""
            { "port": 9000, "naming": "none", "allowedOrigins": [ "https://a" ], "limits": { "sessionIdle": "90m", "idBytesMax": 99 },
              "servers": { "A b": { "command": "x", "args": [ "1" ], "env": { "L": "2" }, "retry": 2, "rateLimit": { "tools": { "t": { "calls": 3 } } }, "type": "s3", "expose": { "rename": { "a": "b" } } },
                           "c": { "url": "https://h/p?q=1", "transport": "sse", "disabled": true } } }
            """);
        foreach (bool withDefaults in new[] { false, true })
        {
            string shown = ConfigurationView.Show(first.Options, first.Redactor, withDefaults);
            ConfigurationResult second = Loading.Text(shown);

            Assert.Equal("", string.Join("\n", second.Errors));
            Assert.Equal(shown, ConfigurationView.Show(second.Options, second.Redactor, withDefaults));
            Assert.Equal(["A b", null], second.Options.Servers.Select(server => server.Title));
        }
    }
}
