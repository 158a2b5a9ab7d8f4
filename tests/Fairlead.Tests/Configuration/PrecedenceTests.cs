using Fairlead.Configuration;

namespace Fairlead.Tests.Configuration;

/// <summary>Which of several sources of one value wins.</summary>
public sealed class PrecedenceTests
{
    [Theory]
    [InlineData(new[] { "process", ".env.mcp", ".env.local", ".env" }, "process")]
    [InlineData(new[] { ".env.mcp", ".env.local", ".env" }, ".env.mcp")]
    [InlineData(new[] { ".env.local", ".env" }, ".env.local")]
    [InlineData(new[] { ".env" }, ".env")]
    public void Variable_WhenSeveralSourcesHaveIt_TheNearestWins(string[] sources, string expected)
    {
        using var folder = new TempFolder();
        string path = folder.Write("fairlead.json", """{ "servers": { "a": { "command": "x", "args": [ "${WHO}" ] } } }""");
        foreach (string source in sources.Where(source => source != "process"))
        {
            folder.Write(source, $"WHO={source}");
        }

        ConfigurationResult result = ConfigurationLoader.Load(path, sources.Contains("process") ? Loading.Variables(("WHO", "process")) : Loading.Variables());

        Assert.Equal([expected], Loading.Only(result).Arguments);
    }

    [Fact]
    public void Option_WhenSeveralSourcesHaveIt_FlagBeatsVariableBeatsFileBeatsDefault()
    {
        using var folder = new TempFolder();
        string path = folder.Write("fairlead.json", """{ "servers": {}, "port": 1001, "host": "file", "publicUrl": "https://file", "limits": { "idBytesMax": 100 } }""");
        var variables = Loading.Variables(("FAIRLEAD_PORT", "1002"), ("FAIRLEAD_HOST", "variable"), ("FAIRLEAD_LIMITS_ID_BYTES_MAX", "200"), ("FAIRLEAD_NAMING", ""),
            ("FAIRLEAD_ALLOWED_ORIGINS", "https://a, https://b"), ("FAIRLEAD_ENABLE_METRICS", "off"));
        var settings = new LoadSettings { Flags = new Dictionary<string, string> { ["port"] = "1003", ["limits.sessionIdle"] = "5m" } };

        ConfigurationResult result = ConfigurationLoader.Load(path, variables, settings);

        Assert.Equal("", string.Join("\n", result.Errors));
        FairleadOptions options = result.Options;
        Assert.Equal((1003, "variable", "https://file/", NamingPolicy.Prefix), (options.Port, options.Host, options.PublicUrl!.ToString(), options.Naming));
        Assert.Equal((200, TimeSpan.FromMinutes(5), false), (options.Limits.IdBytesMax, options.Limits.SessionIdle, options.EnableMetrics));
        Assert.Equal(["https://a", "https://b"], options.AllowedOrigins);
    }

    [Fact]
    public void State_WhenItIsRelative_StartsWhereItWasWritten()
    {
        using var folder = new TempFolder();
        string path = folder.Write("fairlead.json", """{ "servers": {}, "state": "here" }""");

        Assert.Equal(Path.Combine(folder.Path, "here"), ConfigurationLoader.Load(path, Loading.Variables()).Options.StateFolder);
        Assert.Equal(Path.GetFullPath("there"), ConfigurationLoader.Load(path, Loading.Variables(("FAIRLEAD_STATE", "there"))).Options.StateFolder);
    }

    [Fact]
    public void Option_WhenAFlagOrVariableIsWrong_NamesItInsteadOfAPlaceInTheFile()
    {
        ConfigurationResult result = ConfigurationLoader.Load(null, Loading.Variables(("FAIRLEAD_PORT", "many"), ("FAIRLEAD_FIRST_LIST_WAIT_MS", "-1"), ("FAIRLEAD_HOTS", "x"), ("FAIRLEAD_SOMETHING_ELSE", "x")),
            new LoadSettings { WorkspaceFolder = Loading.Folder, Flags = new Dictionary<string, string> { ["port"] = "99999", ["nameing"] = "none" } });

        Assert.Equal(["--nameing", "--port", "FAIRLEAD_FIRST_LIST_WAIT_MS", "FAIRLEAD_PORT"], result.Errors.Select(error => error.Key).Order(StringComparer.Ordinal));
        Assert.All(result.Errors, error => Assert.Null(error.File));
        Assert.Equal(("FAIRLEAD_HOTS", "Did you mean FAIRLEAD_HOST?"), (Assert.Single(result.Warnings).Key, result.Warnings[0].Fix));
    }

    [Fact]
    public void EnvFile_WhenEnvHasTheSameName_EnvWins()
    {
        using var folder = new TempFolder();
        folder.Write("server.env", "A=from file\nB=from file");
        string path = folder.Write("fairlead.json", """{ "servers": { "a": { "command": "x", "envFile": "server.env", "env": { "A": "from env" } } } }""");

        ServerConfig server = Loading.Only(ConfigurationLoader.Load(path, Loading.Variables(("B", "from process"))));

        Assert.Equal(("from env", "from file"), (server.Environment["A"], server.Environment["B"]));
    }

    [Fact]
    public void DotEnv_WhenALineIsBroken_IsAWarningThatDoesNotShowIt()
    {
        using var folder = new TempFolder();
        folder.Write(".env", "A=b\nplanted-secret-line\n");
        string path = folder.Write("fairlead.json", """{ "servers": { "a": { "command": "x" } } }""");

        ConfigurationResult result = ConfigurationLoader.Load(path, Loading.Variables());

        ConfigurationError warning = Assert.Single(result.Warnings);
        Assert.Equal((Path.Combine(folder.Path, ".env"), 2), (warning.File, warning.Line));
        Assert.DoesNotContain("planted", warning.ToString(), StringComparison.Ordinal);
    }
}
