using Fairlead.Configuration;

namespace Fairlead.Tests.Configuration;

/// <summary>Servers that come from code go through the same rules.</summary>
public sealed class ServerConfigRulesTests
{
    [Fact]
    public void Normalise_WhenTheConfigIsGood_MakesTheNameASlug()
    {
        ServerConfig server = new() { Name = "My Docker", Type = ServerType.Docker, Port = 8001, MaxConnections = 50, DependsOn = { "Other One" } };

        Assert.Empty(ServerConfigRules.Normalise(server));
        Assert.Equal(("my-docker", "My Docker"), (server.Name, server.Title));
        Assert.Equal(["other-one"], server.DependsOn);
    }

    [Fact]
    public void Normalise_WhenSeveralThingsAreWrong_ReportsThemAll()
    {
        ServerConfig server = new() { Name = "health", Url = new Uri("ftp://h/"), TimeoutMs = 0, Isolation = (ServerIsolation)77, Retry = { Factor = double.NaN } };

        Assert.Equal(["timeoutMs", "retry.factor", "isolation", "name", "url"], ServerConfigRules.Normalise(server).Select(error => error.Key));
    }

    [Fact]
    public void Normalise_WhenAProtocolHeaderIsSet_DropsIt()
    {
        ServerConfig server = new() { Name = "a", Url = new Uri("https://h/"), Headers = { ["host"] = "x", ["Mcp-Session-Id"] = "y", ["X"] = "z" } };

        Assert.Empty(ServerConfigRules.Normalise(server));
        Assert.Equal(["X"], server.Headers.Keys);
    }

    [Theory]
    [InlineData("sh", true, null)]
    [InlineData("sh", false, "only on Linux")]
    [InlineData(null, true, "without a command")]
    public void Limits_WhereNobodyAppliesThem_AreWarnedOf(string? command, bool isLinux, string? warning)
    {
        ServerConfig server = new() { Name = "a", Command = command, Url = command is null ? new Uri("https://h/") : null, Limits = { MaxOpenFiles = 100 } };
        List<string> warnings = [];

        ServerConfigRules.CheckLimits(server, (key, _, rule, _) => warnings.Add($"{key}: {rule}"), isLinux);

        Assert.Equal(warning is null ? 0 : 1, warnings.Count);
        Assert.All(warnings, text => Assert.Contains(warning!, text, StringComparison.Ordinal));
    }

    [Fact]
    public void Limits_WhenOutOfRange_AreRefusedByName()
    {
        ServerConfig server = new() { Name = "a", Command = "sh", Limits = { MaxOpenFiles = 3, MaxMemoryMb = 1 } };

        Assert.Equal(["limits.maxOpenFiles", "limits.maxMemoryMb"], ServerConfigRules.Normalise(server).Select(error => error.Key));
    }

    [Theory]
    [InlineData(ServerType.Custom, ServerCategory.Devops)]
    [InlineData(ServerType.S3, ServerCategory.Infrastructure)]
    [InlineData(ServerType.Sast, ServerCategory.Security)]
    [InlineData(ServerType.BraveSearch, ServerCategory.Search)]
    [InlineData(ServerType.Hub, ServerCategory.Communication)]
    public void Category_WhenAskedForAType_IsItsGroup(ServerType type, ServerCategory expected) => Assert.Equal(expected, type.Category());
}
