using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Fairlead.Configuration;

namespace Fairlead.AspNetCore.Tests.Admin;

/// <summary>Every call, whichever way it comes and however it ends, leaves one record.</summary>
public sealed class AuditedCallsTests : IAsyncLifetime
{
    private readonly string _state = Directory.CreateTempSubdirectory("fairlead-audit-").FullName;
    private FrontHost _host = null!;

    public async Task InitializeAsync() => _host = await RestHost.StartAsync(options =>
    {
        options.StateFolder = _state;
        options.Audit.Record = AuditScope.Calls;
    });

    public async Task DisposeAsync()
    {
        await _host.DisposeAsync();
        Directory.Delete(_state, recursive: true);
    }

    [Fact]
    public async Task Calls_OfModernClients_AreRecordedWithClientDigestAndOutcome()
    {
        var client = new ModernClient(_host, "/mcp", name: "claude-code");
        await client.CallAsync("calc__say");
        await client.CallAsync("calc__fail");
        await client.CallAsync("calc__secret");

        var records = await RecordsAsync();

        Assert.Equal(
            [("calc__secret", "denied", "NotOffered", null), ("fail", "allowed", "ToolFailed", "calc"), ("say", "allowed", "ok", "calc")],
            records.Select(static record => (Text(record, "target"), Text(record, "verdict"), Text(record, "outcome"), Text(record, "server"))));
        Assert.All(records, static record => Assert.Equal(
            ("tools/call", "mcp", "claude-code 1", "local"), (Text(record, "method"), Text(record, "via"), Text(record, "client"), Text(record, "principal"))));
        Assert.Equal("sha256:" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes("""{"n":1.50}"""))), Text(records[2], "argumentsDigest"));
        Assert.False(records[2].TryGetProperty("arguments", out _));
        Assert.True(records[2].GetProperty("durationMs").GetDouble() > 0);
    }

    [Fact]
    public async Task Calls_OfTheRestApiAndOfThisProcess_AreRecordedWithTheirWay()
    {
        await RestHost.SendAsync(_host, HttpMethod.Post, "/api/v1/servers/calc/tools/say/call", """{"arguments":{"a":1}}""");
        await RestHost.SendAsync(_host, HttpMethod.Post, "/api/v1/servers/calc/tools/none/call", "{}");
        await RestHost.SendAsync(_host, HttpMethod.Post, "/api/v1/servers/waits/tools/say/call", "{}");
        await _host.Manager.CallAsync("calc", "fail", "{}"u8.ToArray());

        var records = await RecordsAsync();

        Assert.Equal(
            [
                ("in-process", "calc", "fail", "allowed", "ToolFailed"), ("rest", "waits", "say", "allowed", "Unauthenticated"),
                ("rest", "calc", "none", "denied", "ToolNotFound"), ("rest", "calc", "say", "allowed", "ok"),
            ],
            records.Select(static record => (Text(record, "via"), Text(record, "server"), Text(record, "target"), Text(record, "verdict"), Text(record, "outcome"))));
    }

    [Fact]
    public async Task Calls_WhenTheLogIsFullAndSaysRefuse_AreRefused()
    {
        // The folder of the log is a file: nothing can be written from the start.
        var state = Directory.CreateTempSubdirectory("fairlead-audit-").FullName;
        await File.WriteAllTextAsync(Path.Combine(state, "audit"), "");
        try
        {
            await using var host = await RestHost.StartAsync(options =>
            {
                options.StateFolder = state;
                options.Audit = new AuditOptions { Record = AuditScope.Calls, OnFull = AuditFullMode.Refuse, QueueMax = 100 };
            });
            var client = new ModernClient(host, "/mcp");
            for (var i = 0; i < 100; i++)
            {
                var (_, good) = await client.CallAsync("calc__say");
                Assert.True(good.TryGetProperty("result", out _));
            }

            var (_, refused) = await client.CallAsync("calc__say");
            Assert.Contains("audit.onFull", refused.GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
            var inProcess = await Assert.ThrowsAsync<ResourceExhausted>(async () => await host.Manager.CallAsync("calc", "say", "{}"u8.ToArray()));
            Assert.Contains("audit.onFull", inProcess.Message, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(state, recursive: true);
        }
    }

    [Fact]
    public async Task Arguments_WhenTheyAreKept_AreWithoutSecrets()
    {
        var state = Directory.CreateTempSubdirectory("fairlead-audit-").FullName;
        try
        {
            await using (var host = await RestHost.StartAsync(options =>
            {
                options.StateFolder = state;
                options.Audit = new AuditOptions { Record = AuditScope.Calls, Arguments = AuditArguments.Full };
            }))
            {
                host.Manager.Redactor.Add(["s3cr3t-value"]);
                await new ModernClient(host, "/mcp").CallAsync("calc__say", arguments: """{"key":"s3cr3t-value"}""");
            }

            var text = await File.ReadAllTextAsync(Path.Combine(state, "audit", "audit-000001.jsonl"));
            Assert.Contains("REDACTED", text, StringComparison.Ordinal);
            Assert.DoesNotContain("s3cr3t-value", text, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(state, recursive: true);
        }
    }

    private async Task<List<JsonElement>> RecordsAsync() =>
        [.. (await RestHost.SendAsync(_host, HttpMethod.Get, "/api/v1/audit?kind=call", token: FrontHost.AdminToken)).Body.GetProperty("records").EnumerateArray()];

    private static string? Text(JsonElement record, string name) => record.TryGetProperty(name, out var value) ? value.ToString() : null;
}
