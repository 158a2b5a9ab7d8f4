using System.Text;
using System.Text.Json.Nodes;
using Fairlead.Cli.Clients;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary>TOML files of users: what is set and taken out, and that every other byte stays.</summary>
public sealed class TomlFileTests
{
    private const string Theirs = "# mine: é 🚢\nmodel = \"x\"\n\n[mcp_servers.own] # keep\ncommand = \"true\"\nargs = [\"a\",\n  \"b\"]\n\n[mcp_servers.own.env]\nA = '1'\n";
    private const string Ours = "[mcp_servers.fairlead]\nurl = \"http://127.0.0.1:8080/mcp\"\n";

    private static readonly string[] s_place = ["mcp_servers", "fairlead"];

    [Theory]
    [InlineData("", Ours)]
    [InlineData(Theirs, Theirs + "\n" + Ours)]
    [InlineData("a = 1", "a = 1\n\n" + Ours)]
    [InlineData("a = 1\r\n", "a = 1\r\n\r\n[mcp_servers.fairlead]\r\nurl = \"http://127.0.0.1:8080/mcp\"\r\n")]
    [InlineData("[mcp_servers]\n\n[other]\nz = 1\n\n", "[mcp_servers]\n\n[other]\nz = 1\n\n" + Ours)]
    [InlineData("# a\n  [ mcp_servers . \"fairlead\" ]  # old\nurl = 'u' # x\n\n# theirs\n[other]\nz = 1\n", "# a\n" + Ours + "\n# theirs\n[other]\nz = 1\n")]
    [InlineData("[mcp_servers.fairlead]\ncommand='c'\n[mcp_servers.fairlead.env]\nA='1'\n\n[other]\n[mcp_servers.fairlead.http_headers]\nB='2'", Ours + "\n[other]\n")]
    [InlineData("[mcp_servers.fairlead-git]\nurl = 'u'\n", "[mcp_servers.fairlead-git]\nurl = 'u'\n\n" + Ours)]
    public void Set_WhateverTheFileHolds_WritesOneTableAndKeepsTheRest(string before, string after)
    {
        var file = Parse(before);
        file.Set(s_place, new JsonObject { ["url"] = "http://127.0.0.1:8080/mcp" });
        Assert.Equal(after, Encoding.UTF8.GetString(file.Content()));
        Assert.True(file.TryGet(s_place, out var value));
        Assert.Equal("{\"url\":\"http://127.0.0.1:8080/mcp\"}", value!.ToJsonString());
    }

    [Theory]
    [InlineData(Theirs + "\n" + Ours, Theirs)]
    [InlineData(Ours + "\n# theirs\n[other]\n", "\n# theirs\n[other]\n")]
    [InlineData("a = 1\n[mcp_servers.fairlead]\nurl='u'\n[b]\n[mcp_servers.fairlead.env]\nA='1'\n[c]\n", "a = 1\n[b]\n[c]\n")]
    public void Remove_WhenItIsThere_TakesItsTablesOutAlone(string before, string after)
    {
        var file = Parse(before);
        Assert.True(file.Remove(s_place));
        Assert.Equal(after, Encoding.UTF8.GetString(file.Content()));
        Assert.False(file.Remove(s_place));
    }

    [Theory]
    [InlineData("mcp_servers = { own = { command = 'x' } }\n", "c.toml:1:1: mcp_servers is written as a value here.")]
    [InlineData("\n[mcp_servers]\nfairlead = { url = 'u' }\n", "c.toml:3:1: mcp_servers.fairlead is written as a value here.")]
    [InlineData("[mcp_servers]\nfairlead.url = 'u'\n", "c.toml:2:1: mcp_servers.fairlead.url is written as a value here.")]
    [InlineData("mcp_servers.own.command = 'x'\n", "c.toml:1:1: mcp_servers.own.command is written as a value here.")]
    public void Set_WhereATableCannotStand_NamesThePlaceAndChangesNothing(string before, string reason)
    {
        var file = Parse(before);
        var exception = Assert.Throws<InvalidDataException>(() => file.Set(s_place, new JsonObject { ["url"] = "u" }));
        Assert.StartsWith(reason, exception.Message, StringComparison.Ordinal);
        Assert.Equal(before, Encoding.UTF8.GetString(file.Content()));
    }

    [Fact]
    public void Set_WhenValuesAreOfAllKinds_CanBeReadAgain()
    {
        var value = JsonNode.Parse("""{"command":"a \"b\"\\\n\u0001é","args":["-y","${X}"],"env":{"A B":"1"},"startup_timeout_sec":1.5,"enabled":true,"n":7,"empty":{}}""")!;
        var file = Parse("\uFEFFa = 1\n");
        file.Set(["mcp_servers", "odd name"], value);
        Assert.StartsWith("\uFEFFa = 1\n\n[mcp_servers.\"odd name\"]\n", Encoding.UTF8.GetString(file.Content()), StringComparison.Ordinal);
        Assert.True(Parse(Encoding.UTF8.GetString(file.Content())).TryGet(["mcp_servers", "odd name"], out var again));
        Assert.True(JsonNode.DeepEquals(value, again), again!.ToJsonString());
    }

    [Theory]
    [InlineData("a = 1\nb = = 'planted-secret'\n", "c.toml:2:5: The TOML is broken here.")]
    [InlineData("key = 'planted-secret'\nkey = 'planted-secret'\n", "c.toml:2:1: The key stands there twice.")]
    [InlineData("[a]\nx = 1\n[a]\n", "c.toml:3:1: The key stands there twice.")]
    public void Parse_WhenItIsBroken_NamesThePlaceAndQuotesNothing(string text, string expected)
    {
        Assert.Null(TomlFile.Parse("c.toml", Encoding.UTF8.GetBytes(text), out var problem));
        Assert.Equal(expected, problem);
    }

    [Fact]
    public void Parse_WhenItIsNotUtf8_SaysSo()
    {
        Assert.Null(TomlFile.Parse("c.toml", [0x61, 0xFF], out var problem));
        Assert.Contains("is not UTF-8", problem, StringComparison.Ordinal);
    }

    private static TomlFile Parse(string text) => TomlFile.Parse("c.toml", Encoding.UTF8.GetBytes(text), out var problem) ?? throw new InvalidOperationException(problem);
}
