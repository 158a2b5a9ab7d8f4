using System.Text;
using Fairlead.Configuration;
using FsCheck;
using FsCheck.Fluent;

namespace Fairlead.Tests.Configuration;

/// <summary>What is wrong is answered with the key, the value, the rule and the fix.</summary>
public sealed class BadConfigurationTests
{
    [Theory]
    // A key or a value of one server.
    [InlineData("""  "command": "x", "timeoutMS": 5 """, "servers.one.timeoutMS", null, "no key timeoutMS", "Did you mean timeoutMs?")]
    [InlineData("""  "command": "x", "zzz": "s3cr3t-value" """, "servers.one.zzz", null, "no key zzz", "Remove it. The keys here are name, title, type")]
    [InlineData("""  "command": 5 """, "servers.one.command", "5", "must be a text", "double quotes")]
    [InlineData("""  "command": "" """, "servers.one.command", "\"\"", "at least 1", "leave the key out")]
    [InlineData("""  "command": "a\nb" """, "servers.one.command", null, "one line", "args")]
    [InlineData("""  "title": "nothing to start" """, "servers.one", null, "neither command nor url", "Write a command")]
    [InlineData("""  "command": "x", "url": "http://h/" """, "servers.one.url", null, "both command and url", "Keep one")]
    [InlineData("""  "url": "http://h/", "serverUrl": "http://i/" """, "servers.one.serverUrl", null, "the same as url", "Keep one")]
    [InlineData("""  "url": "example.com/mcp" """, "servers.one.url", "\"example.com/mcp\"", "absolute address", "https://example.com/mcp")]
    [InlineData("""  "url": "ftp://h/" """, "servers.one.url", "\"ftp://h/\"", "http:// or https://", "Mend")]
    [InlineData("""  "type": "http" """, "servers.one.url", null, "needs an address", "\"url\"")]
    [InlineData("""  "type": "stdio" """, "servers.one.command", null, "needs a command", "npx")]
    [InlineData("""  "command": "x", "type": "dokcer" """, "servers.one.type", "\"dokcer\"", "kind of server (custom, docker", "Did you mean docker?")]
    [InlineData("""  "command": "x", "type": "websocket" """, "servers.one.type", "\"websocket\"", "or a transport", "Choose one")]
    [InlineData("""  "command": "x", "port": 0 """, "servers.one.port", "0", "from 1 to 65535", "Raise")]
    [InlineData("""  "command": "x", "port": 70000 """, "servers.one.port", "70000", "from 1 to 65535", "Lower")]
    [InlineData("""  "command": "x", "port": "8001" """, "servers.one.port", "\"8001\"", "whole number from 1 to 65535", "without quotes")]
    [InlineData("""  "command": "x", "port": 80.5 """, "servers.one.port", "80.5", "whole number", "Write a number")]
    [InlineData("""  "command": "x", "port": 99999999999999999999 """, "servers.one.port", "99999999999999999999", "whole number", "from 1 to 65535")]
    [InlineData("""  "command": "x", "port": 8080 """, "servers.one.port", "8080", "taken by the gateway itself", "another port")]
    [InlineData("""  "command": "x", "timeoutMs": true """, "servers.one.timeoutMs", "true", "whole number", "such as 30000")]
    [InlineData("""  "command": "x", "args": "-y" """, "servers.one.args", "\"-y\"", "list of texts", "brackets")]
    [InlineData("""  "command": "x", "args": [ {} ] """, "servers.one.args[0]", "an object", "must be texts", "quotes")]
    [InlineData("""  "command": "x", "tags": [ 5 ] """, "servers.one.tags[0]", "5", "must be texts", "quotes")]
    [InlineData("""  "command": "x", "tags": [ " " ] """, "servers.one.tags[0]", "\"\"", "empty", "remove")]
    [InlineData("""  "command": "x", "env": [ "A=b" ] """, "servers.one.env", "a list", "object of names and texts", "NAME")]
    [InlineData("""  "command": "x", "env": { "A": {} } """, "servers.one.env.A", "an object", "must be a text", "quotes")]
    [InlineData("""  "command": "x", "env": { "A=B": "c" } """, "servers.one.env[\"A=B\"]", null, "cannot be empty nor hold =", "NAME")]
    [InlineData("""  "command": "x", "disabled": "yes" """, "servers.one.disabled", "\"yes\"", "true or false", "without quotes")]
    [InlineData("""  "command": "x", "enabled": false """, "servers.one.enabled", null, "no key enabled", "Remove it")]
    [InlineData("""  "command": "x", "name": "two" """, "servers.one.name", null, "is its key", "title")]
    [InlineData("""  "command": "x", "isolation": "sesion" """, "servers.one.isolation", "\"sesion\"", "auto, shared, session, principal", "Did you mean session?")]
    [InlineData("""  "command": "x", "retry": { "attempts": 0 } """, "servers.one.retry.attempts", "0", "from 1 to 10", "Raise")]
    [InlineData("""  "command": "x", "retry": { "delayMs": 9000 } """, "servers.one.retry.delayMs", "9000", "delayMaxMs, which is 5000", "Lower")]
    [InlineData("""  "command": "x", "rateLimit": 5 """, "servers.one.rateLimit", "5", "must be an object", "server, client, tools")]
    [InlineData("""  "command": "x", "rateLimit": { "tools": { "a": { "calls": 0 } } } """, "servers.one.rateLimit.tools.a.calls", "0", "from 1 to 1000000", "Raise")]
    [InlineData("""  "command": "x", "replicas": { "count": 2, "max": 1 } """, "servers.one.replicas.max", "1", "not be below count", "Raise max")]
    [InlineData("""  "command": "x", "healthCheck": "http" """, "servers.one.healthCheck.url", null, "needs an address", "http://")]
    [InlineData("""  "command": "x", "healthCheck": { "type": "tcp", "url": "http://h" } """, "servers.one.healthCheck.url", "\"http://h\"", "host and a port", "tcp://")]
    [InlineData("""  "command": "x", "dependsOn": [ "oen" ] """, "servers.one.dependsOn[0]", "\"oen\"", "no server of this name", "Did you mean one?")]
    [InlineData("""  "command": "x", "dependsOn": [ "one" ] """, "servers.one.dependsOn", null, "one -> one", "Remove one")]
    [InlineData("""  "command": "x", "expose": { "rename": { "a": "b c" } } """, "servers.one.expose.rename.a", "\"b c\"", "A tool's name", "another name")]
    [InlineData("""  "command": "x", "expose": { "rename": { "a": "c", "b": "c" } } """, "servers.one.expose.rename.b", "\"c\"", "a is renamed", "another name")]
    [InlineData("""  "url": "http://h", "headers": { "A B": "c" } """, "servers.one.headers[\"A B\"]", null, "name of a header", "Mend")]
    [InlineData("""  "url": "http://h", "headers": { "A": "c\r\nB: d" } """, "servers.one.headers.A", null, "one line", "line breaks")]
    [InlineData("""  "url": "http://h", "headers": { "A": "b", "a": "c" } """, "servers.one.headers.a", null, "stands twice", "Keep one")]
    [InlineData("""  "url": "http://h", "auth": "bearer" """, "servers.one.auth.token", null, "needs token", "NAME_OF_A_VARIABLE")]
    [InlineData("""  "url": "http://h", "auth": { "type": "basic", "user": "u" } """, "servers.one.auth.password", null, "needs password", "NAME_OF_A_VARIABLE")]
    [InlineData("""  "url": "http://h", "auth": { "type": "bearer", "token": "abcdefg" }, "headers": { "authorization": "x" } """, "servers.one.headers.Authorization", null, "Both auth and headers", "Keep one")]
    [InlineData("""  "command": "x", "envFile": "no-such-file.env" """, "servers.one.envFile", "\"no-such-file.env\"", "does not exist", "Create it")]
    [InlineData("""  "command": "x", "args": [ "${command:pick}" ] """, "servers.one.args[0]", null, "${command:pick} is not a form", "$${ stands for ${")]
    public void Server_WhenOneThingIsWrong_SaysWhatAndHowToMendIt(string keys, string key, string? value, string rule, string fix)
    {
        ConfigurationResult result = Loading.Server(keys);

        ConfigurationError error = Assert.Single(result.Errors);
        Assert.Equal(key, error.Key, ignoreCase: key.EndsWith("Authorization", StringComparison.Ordinal));
        Assert.Equal(value, error.Value);
        Assert.Contains(rule, error.Rule, StringComparison.Ordinal);
        Assert.Contains(fix, error.Fix, StringComparison.Ordinal);
        Assert.Equal(1, error.Line);
    }

    [Theory]
    [InlineData("""{ "server": {} }""", "server", "Did you mean servers?")]
    [InlineData("""{ "servers": [ { "command": "x" } ] }""", "servers[0].name", "Give it a name")]
    [InlineData("""{ "servers": { "日本": { "command": "x" } } }""", "servers[\"日本\"].name", "Give it a name")]
    [InlineData("""{ "servers": { "API": { "command": "x" } } }""", "servers.API.name", "such as api-server")]
    [InlineData("""{ "servers": "git" }""", "servers", "Write it like")]
    [InlineData("""{ "servers": { "a": "npx" } }""", "servers.a", "Write at least")]
    [InlineData("""{ "servers": {}, "port": -1 }""", "port", "Raise it.")]
    [InlineData("""{ "servers": {}, "host": "http://localhost:80" }""", "host", "Write it like")]
    [InlineData("""{ "servers": {}, "naming": "suffix" }""", "naming", "Choose one of them.")]
    [InlineData("""{ "servers": {}, "allowedOrigins": [ "*" ] }""", "allowedOrigins[0]", "Name the origins one by one")]
    [InlineData("""{ "servers": {}, "allowedOrigins": [ "https://a/b" ] }""", "allowedOrigins[0]", "Write it like")]
    [InlineData("""{ "servers": {}, "publicUrl": "ws://a" }""", "publicUrl", "Write it like")]
    [InlineData("""{ "servers": {}, "limits": { "sessionIdle": 30 } }""", "limits.sessionIdle", "Write it like \"500ms\"")]
    [InlineData("""{ "servers": {}, "limits": { "sessionIdle": "1ms" } }""", "limits.sessionIdle", "Raise it.")]
    [InlineData("""{ "servers": {}, "limits": { "requestBodyBytesMax": "lots" } }""", "limits.requestBodyBytesMax", "16MiB")]
    [InlineData("""{ "servers": {}, "limits": { "requestTimeout": "20m" } }""", "limits.requestTimeout", "Lower requestTimeout or raise requestTimeoutMax.")]
    [InlineData("""{ "servers": {}, "connectionTimeout": "5s", "limits": { "connectTimeout": "6s" } }""", "connectionTimeout", "Keep one of the two.")]
    [InlineData("""{ "servers": {}, "inputs": {} }""", "inputs", "Write it like")]
    public void File_WhenOneThingIsWrong_SaysWhereAndHowToMendIt(string json, string key, string fix)
    {
        ConfigurationError error = Assert.Single(Loading.Text(json).Errors);

        Assert.Equal(key, error.Key);
        Assert.Contains(fix, error.Fix, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", 1, 1, "empty")]
    [InlineData("  \n ", 1, 1, "empty")]
    [InlineData("[]", 1, 1, "one JSON object")]
    [InlineData("{ \"servers\": {", 1, 15, "ends in the middle")]
    [InlineData("{\n  \"port\": 80\n  \"host\": \"h\" }", 3, 3, "broken at the character \"")]
    [InlineData("{ 'port': 80 }", 1, 3, "broken at the character '")]
    [InlineData("{ \"é\": 1, port: 80 }", 1, 11, "broken at the character p")]
    [InlineData("{ \"a\": \"x\ny\" }", 1, 10, "broken at the character U+000A")]
    [InlineData("{} {}", 1, 4, "broken at the character {")]
    [InlineData("{ \"port\": 1,\n \"port\": 2 }", 2, 2, "stands twice")]
    [InlineData("{ \"port\": 1, \"\\u0070ort\": 2 }", 1, 14, "stands twice")]
    [InlineData("{ \"host\": \"\\ud800\" }", 1, 11, "half of a surrogate pair")]
    public void Text_WhenItIsNoJson_SaysWhere(string text, int line, int column, string rule)
    {
        ConfigurationError error = Loading.Text(text).Errors[0];

        Assert.Equal((line, column), (error.Line, error.Column));
        Assert.Contains(rule, error.Rule, StringComparison.Ordinal);
        Assert.NotEmpty(error.Fix);
    }

    [Fact]
    public void Text_WhenASecretLostItsQuotes_ShowsOneCharacterOfIt()
    {
        ConfigurationResult result = Loading.Server(""" "command": "x", "env": { "TOKEN": trueblue-planted-secret } """);

        Assert.False(result.IsValid);
        Assert.DoesNotContain("planted", Loading.AllOutput(result), StringComparison.Ordinal);
    }

    [Fact]
    public void Text_WhenItIsNestedTooDeep_SaysSo()
    {
        ConfigurationError error = Assert.Single(Loading.Text(string.Concat(Enumerable.Repeat("{\"a\":", 100)) + "1" + new string('}', 100)).Errors);

        Assert.Contains("deeper than 64", error.Rule, StringComparison.Ordinal);
    }

    [Fact]
    public void File_WhenItIsUtf16OrHasAByteOrderMark_IsRead()
    {
        using var folder = new TempFolder();
        string path = Path.Combine(folder.Path, "fairlead.json");
        foreach (Encoding encoding in new[] { Encoding.Unicode, new UTF8Encoding(encoderShouldEmitUTF8Identifier: true) })
        {
            File.WriteAllText(path, """{ "servers": { "a": { "command": "x" } } }""", encoding);
            Assert.Equal("a", Loading.Only(ConfigurationLoader.Load(path, Loading.Variables())).Name);
        }

        File.WriteAllBytes(path, [(byte)'{', 0xff, (byte)'}']);
        Assert.Contains("not UTF-8", Assert.Single(ConfigurationLoader.Load(path, Loading.Variables()).Errors).Rule, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_WhenGoodTextIsDamagedAnywhere_NeverThrows()
    {
        const string Good = """
            { "port": 1, "naming": "none", "limits": { "sessionIdle": "5m" }, "inputs": [ { "id": "a" } ],
              "servers": { "a": { "command": "x", "args": [ "${B}" ], "env": { "T": "${input:a}" } }, "b": { "url": "https://u:p@h/?k=1", "auth": "none" } } }
            """;
        var damage = ArbMap.Default.ArbFor<(NonNegativeInt At, NonNegativeInt Length, string Text)>();
        Prop.ForAll(damage, change =>
        {
            int at = change.At.Get % Good.Length;
            int end = Math.Min(Good.Length, at + (change.Length.Get % 20));
            ConfigurationResult result = Loading.Text(Good[..at] + change.Text + Good[end..], ("B", "value"));
            Assert.NotNull(result.Options);
            Assert.All(result.Errors, error => Assert.NotEmpty(error.Fix));
            Assert.NotEmpty(ConfigurationView.Show(result.Options, result.Redactor, withDefaults: true));
        }).QuickCheckThrowOnFailure();
    }
}
