using Fairlead.Configuration;

namespace Fairlead.Tests.Configuration;

public sealed class ConfigurationLoaderTests
{
    [Fact]
    public void Load_WhenNothingIsWritten_HasTheDocumentedDefaults()
    {
        ConfigurationResult result = ConfigurationLoader.Load(null, Loading.Variables(), new LoadSettings { WorkspaceFolder = Loading.Folder });

        Assert.Empty(result.Errors);
        FairleadOptions options = result.Options;
        Assert.Equal(("127.0.0.1", 8080, NamingPolicy.Prefix), (options.Host, options.Port, options.Naming));
        Assert.Equal((0, 3000, 250, 100, true), (options.StartConcurrency, options.FirstListWaitMs, options.SseGraceMs, options.MaxConcurrentOperations, options.EnableMetrics));
        Assert.Equal(TimeSpan.FromSeconds(30), options.ConnectionTimeout);
        Assert.Empty(options.Servers);
        ServerConfig server = new();
        Assert.Equal((50, 30_000, 3, 100, 5000, 10), (server.MaxConnections, server.TimeoutMs, server.Retry.Attempts, server.Retry.DelayMs, server.Retry.DelayMaxMs, server.Retry.JitterPercent));
    }

    [Fact]
    public void Load_WhenEveryKindOfValueIsWritten_ReadsThemAll()
    {
        ConfigurationResult result = Loading.Text("""
            {
              // a comment
              "$schema": "fairlead.schema.json",
              "host": "localhost", "port": 9000, "publicUrl": "https://mcp.example.com", "allowedOrigins": [ "https://app.example.com" ],
              "naming": "on-collision", "startConcurrency": 4, "enableMetrics": false, "state": "state",
              "limits": { "requestBodyBytesMax": "1MiB", "sessionIdle": "1h30m", "idBytesMax": 64, },
              "servers": {
                "Git Hub": {
                  "command": "npx", "args": [ "-y", "server", 8080, true ], "env": { "LEVEL": 3, "ON": true }, "cwd": "sub",
                  "type": "github", "maxConnections": 7, "timeoutMs": 1000, "priority": 5, "tags": [ "a" ], "dependsOn": [ "Remote One" ],
                  "isolation": "session", "interactive": "serial", "disabled": true, "port": 8004,
                  "retry": 1, "replicas": 2, "loadBalancing": "least-latency", "healthCheck": "none", "rollout": { "strategy": "blue-green" },
                  "circuitBreaker": { "failureRatio": 0.25 }, "rateLimit": { "client": { "calls": 5 }, "tools": { "search": { "calls": 1, "perMs": 1000 } } },
                  "expose": { "tools": [ "read_*" ], "hide": [ "read_all" ], "rename": { "read_file": "read" } },
                },
                "remote-one": { "url": "https://example.com/mcp", "headers": { "X-Team": "blue" }, "auth": { "type": "bearer", "token": "tttt-oken" } },
              },
            }
            """);

        Assert.Equal("", string.Join("\n", result.Errors));
        Assert.Equal((9000, "localhost", NamingPolicy.OnCollision), (result.Options.Port, result.Options.Host, result.Options.Naming));
        Assert.Equal((1024 * 1024, TimeSpan.FromMinutes(90), 64), (result.Options.Limits.RequestBodyBytesMax, result.Options.Limits.SessionIdle, result.Options.Limits.IdBytesMax));
        Assert.Equal(Path.Combine(Loading.Folder, "state"), result.Options.StateFolder);
        Assert.Equal(["git-hub", "remote-one"], result.Options.Servers.Select(server => server.Name));
        ServerConfig git = result.Options.Servers[0];
        Assert.Equal(("Git Hub", ServerType.GitHub, ServerTransport.Stdio), (git.Title, git.Type, git.EffectiveTransport));
        Assert.Equal(["-y", "server", "8080", "true"], git.Arguments);
        Assert.Equal([new("LEVEL", "3"), new("ON", "true")], git.Environment);
        Assert.Equal(Path.Combine(Loading.Folder, "sub"), git.WorkingDirectory);
        Assert.Equal((ServerIsolation.Session, InteractiveMode.Serial, true, 8004), (git.Isolation, git.Interactive, git.Disabled, git.Port!.Value));
        Assert.Equal((1, 2, LoadBalancingPolicy.LeastLatency, HealthCheckKind.None, RolloutStrategy.BlueGreen),
            (git.Retry.Attempts, git.Replicas.Count, git.LoadBalancing.Policy, git.HealthCheck.Kind, git.Rollout.Strategy));
        Assert.Equal((0.25, 5, 1000), (git.CircuitBreaker.FailureRatio, git.RateLimit.Client!.Calls, git.RateLimit.Tools["search"].PerMs));
        Assert.Equal("read", git.Expose.Rename["read_file"]);
        Assert.Equal(["remote-one"], git.DependsOn);
        ServerConfig remote = result.Options.Servers[1];
        Assert.Equal((ServerTransport.Http, AuthKind.Bearer, "tttt-oken", "blue"), (remote.EffectiveTransport, remote.Auth.Kind, remote.Auth.Token, remote.Headers["x-team"]));
        Assert.Null(remote.Title);
    }

    [Theory]
    [InlineData("""{ "command": "x" }""", ServerTransport.Stdio)]
    [InlineData("""{ "url": "http://h/mcp" }""", ServerTransport.Http)]
    [InlineData("""{ "url": "http://h/sse" }""", ServerTransport.Sse)]
    [InlineData("""{ "url": "http://h/x", "type": "sse" }""", ServerTransport.Sse)]
    [InlineData("""{ "url": "http://h/sse", "type": "streamable-http" }""", ServerTransport.Http)]
    [InlineData("""{ "url": "http://h/sse", "transport": "http" }""", ServerTransport.Http)]
    [InlineData("""{ "type": "docker" }""", ServerTransport.InProcess)]
    [InlineData("""{ "transport": "in-process" }""", ServerTransport.InProcess)]
    [InlineData("""{ "url": "http://${HOST}/sse" }""", ServerTransport.Sse)]
    public void Load_WhenTheTransportIsNotNamed_InfersIt(string server, ServerTransport expected)
    {
        Assert.Equal(expected, Loading.Only(Loading.Text($$"""{ "servers": { "a": {{server}} } }""")).EffectiveTransport);
    }

    [Fact]
    public void Load_WhenServersAreAList_KeepsTheirOrderAndNames()
    {
        ConfigurationResult result = Loading.Text("""{ "servers": [ { "name": "b", "command": "x" }, { "name": "a", "command": "y" } ] }""");

        Assert.Empty(result.Errors);
        Assert.Equal(["b", "a"], result.Options.Servers.Select(server => server.Name));
    }

    [Fact]
    public void Load_WhenManyThingsAreWrong_ReportsAllAtOnceWithTheirPlaces()
    {
        ConfigurationResult result = Loading.Text("""
            {
              "prot": 8080,
              "servers": {
                "one": { "command": "x", "timeoutMs": "soon", "port": 99999 },
                "two": { "comand": "x" },
                "three": { "command": "x", "dependsOn": [ "nobody" ] }
              }
            }
            """);

        Assert.Equal(
            [("prot", 2), ("servers.one.timeoutMs", 4), ("servers.one.port", 4), ("servers.two", 5), ("servers.two.comand", 5), ("servers.three.dependsOn[0]", 6)],
            result.Errors.Select(error => (error.Key, error.Line!.Value)));
        Assert.Equal("Did you mean port?", result.Errors[0].Fix);
        Assert.Equal("Did you mean command?", result.Errors.Single(error => error.Key == "servers.two.comand").Fix);
        Assert.All(result.Errors, error => Assert.True(error.Rule.EndsWith('.') && error.Fix.Length > 0, error.ToString()));
    }

    [Fact]
    public void Load_WhenTheFileDoesNotExist_SaysSoAndHowToNameOne()
    {
        ConfigurationResult result = ConfigurationLoader.Load("/nowhere/fairlead.json", Loading.Variables());

        ConfigurationError error = Assert.Single(result.Errors);
        Assert.Contains("/nowhere/fairlead.json does not exist", error.Rule, StringComparison.Ordinal);
        Assert.Contains("--config", error.Fix, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("a\0b")]
    public void Load_WhenThePathIsNoFile_IsAnErrorAndNotAnException(string path)
    {
        Assert.NotEmpty(ConfigurationLoader.Load(path, Loading.Variables()).Errors);
    }

    [Fact]
    public void Load_WhenTwoServersHaveOneName_NamesBothPlaces()
    {
        ConfigurationResult result = Loading.Text("""
            { "servers": {
                "My Files": { "command": "x" },
                "my-files": { "command": "y" } } }
            """);

        ConfigurationError error = Assert.Single(result.Errors);
        Assert.Equal(("servers.my-files", 3), (error.Key, error.Line));
        Assert.Contains("""servers["My Files"] (line 2)""", error.Rule, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_WhenServersWaitForEachOther_ShowsTheCycleOnce()
    {
        ConfigurationResult result = Loading.Text("""
            { "servers": {
                "a": { "command": "x", "dependsOn": [ "b" ] },
                "b": { "command": "x", "dependsOn": [ "c" ] },
                "c": { "command": "x", "dependsOn": [ "a" ] },
                "d": { "command": "x", "dependsOn": [ "d", "a" ] } } }
            """);

        Assert.Equal(["The servers wait for each other: a -> b -> c -> a.", "The servers wait for each other: d -> d."], result.Errors.Select(error => error.Rule));
    }

    [Fact]
    public void Load_WhenAVariableIsMissing_TheServerWaitsAndTheOthersDoNot()
    {
        ConfigurationResult result = Loading.Text("""
            { "servers": {
                "hub": { "command": "x", "env": { "TOKEN": "${GITHUB_TOKEN}", "OTHER": "${OTHER_KEY}" }, "args": [ "${GITHUB_TOKEN}" ] },
                "far": { "url": "https://${FAR_HOST}/mcp" },
                "fine": { "command": "x" } } }
            """);

        Assert.Empty(result.Errors);
        Assert.Equal(["hub", "far"], result.MissingVariables.Keys);
        Assert.Equal(["GITHUB_TOKEN", "OTHER_KEY"], result.MissingVariables["hub"]);
        Assert.Equal([true, true, false], result.Options.Servers.Select(server => server.IsMissingAuth));
        Assert.Equal("${GITHUB_TOKEN}", result.Options.Servers[0].Environment["TOKEN"]);
    }

    [Fact]
    public void Load_WhenAGatewayKeyMissesAVariable_IsAnError()
    {
        ConfigurationError error = Assert.Single(Loading.Text("""{ "publicUrl": "https://${DOMAIN}", "servers": {} }""").Errors);

        Assert.Equal(("publicUrl", "The variable DOMAIN has no value."), (error.Key, error.Rule));
    }

    [Fact]
    public void Copy_WhenTheCopyChanges_TheOriginalDoesNot()
    {
        ServerConfig original = Loading.Only(Loading.Server("""
            "command": "x", "args": [ "a" ], "env": { "REGION": "${REGION}" }, "rateLimit": { "tools": { "t": { "calls": 1 } } }
            """, ("REGION", "abcdef")));
        ServerConfig copy = original.Copy();
        copy.Arguments.Add("b");
        copy.Environment["REGION"] = "other";
        copy.Retry.Attempts = 9;
        copy.RateLimit.Tools["t"].Calls = 9;
        copy.SecretPaths.Clear();

        Assert.Equal(["a"], original.Arguments);
        Assert.Equal(("abcdef", 3, 1), (original.Environment["REGION"], original.Retry.Attempts, original.RateLimit.Tools["t"].Calls));
        Assert.Equal(["env.REGION"], original.SecretPaths);
        Assert.True(copy.Headers is Dictionary<string, string> { Comparer: var comparer } && comparer == StringComparer.OrdinalIgnoreCase);
    }
}
