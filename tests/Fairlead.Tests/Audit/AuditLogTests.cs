using System.Globalization;
using System.Text;
using System.Text.Json;
using Fairlead.Audit;
using Fairlead.Configuration;
using Fairlead.Security;
using Fairlead.State;
using Fairlead.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace Fairlead.Tests.Audit;

/// <summary>The audit log on a real disk: what is written, and how every kind of tampering is found.</summary>
public sealed class AuditLogTests : IDisposable
{
    private readonly string _state = Directory.CreateTempSubdirectory("fairlead-audit-").FullName;
    private readonly FakeTimeProvider _clock = new();
    private readonly SecretRedactor _redactor = new(["hunter2"]);

    private string Folder => Path.Combine(_state, AuditFiles.FolderName);

    public void Dispose() => Directory.Delete(_state, recursive: true);

    [Fact]
    public async Task Add_ThenTheEnd_WritesAChainThatIsSound()
    {
        await using (var log = Open())
        {
            log.Add(Call("git", "git_log"));
            log.Add(Call("git", "git_push") with { Verdict = "denied", Outcome = "ResourceExhausted", Arguments = "{\"password\":\"hunter2\"}", Client = "tool \"x\"\n" });
        }

        var records = Records();
        Assert.Equal(["begin", "start", "call", "call", "stop"], records.Select(static record => Text(record, "kind")));
        Assert.Equal([1, 2, 3, 4, 5], records.Select(static record => record.GetProperty("seq").GetInt32()));
        Assert.Equal(("local", "mcp", "git", "tools/call", "git_log", "allowed", "ok", 1.5), (
            Text(records[2], "principal"), Text(records[2], "via"), Text(records[2], "server"), Text(records[2], "method"), Text(records[2], "target"),
            Text(records[2], "verdict"), Text(records[2], "outcome"), records[2].GetProperty("durationMs").GetDouble()));
        Assert.Equal("{\"password\":\"REDACTED\"}", Text(records[3], "arguments"));
        var found = AuditVerification.Of(Folder);
        Assert.Equal((true, 5, 1, 5), (found.IsSound, found.Records, found.First, found.Last));
        Assert.Equal(Text(records[4], "hash"), found.LastHash);
    }

    [Fact]
    public async Task Add_IsOnDiskATenthOfASecondLaterWithoutAnEnd()
    {
        await using var log = Open();
        log.Add(Call("git", "git_log"));
        Assert.Empty(AuditFiles.In(Folder));

        _clock.Advance(AuditLog.Delay);
        Assert.Equal(["begin", "start", "call"], Records().Select(static record => Text(record, "kind")));

        log.Add(Call("git", "git_push"));
        _clock.Advance(AuditLog.Delay);
        Assert.Equal("git_push", Text(Records()[^1], "target"));
    }

    [Fact]
    public async Task Open_WhereALogIs_GoesOnInItsLastFile()
    {
        await (Open()).DisposeAsync();
        await (Open()).DisposeAsync();

        Assert.Equal(["begin", "start", "stop", "start", "stop"], Records().Select(static record => Text(record, "kind")));
        Assert.Equal([1], AuditFiles.In(Folder));
        Assert.True(AuditVerification.Of(Folder).IsSound);
    }

    [Fact]
    public async Task Open_AfterAKillInTheMiddleOfARecord_BeginsAFileThatTellsOfIt()
    {
        await (Open()).DisposeAsync();
        await File.AppendAllTextAsync(AuditFiles.PathOf(Folder, 1), """{"seq":4,"at":""");
        var unfinished = AuditVerification.Of(Folder);
        Assert.True(unfinished.IsSound);
        Assert.Contains("unfinished", Assert.Single(unfinished.Notes), StringComparison.Ordinal);

        await (Open()).DisposeAsync();

        Assert.Equal([1, 2], AuditFiles.In(Folder));
        var found = AuditVerification.Of(Folder);
        Assert.True(found.IsSound, found.Break?.ToString());
        Assert.Contains("record was cut off", Assert.Single(found.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public async Task File_ThatIsFull_IsFollowedByOneThatGoesOnWithTheChainAndTheOldestLeave()
    {
        await using (var log = Open(new AuditOptions { FileBytesMax = 4096, KeepBytes = 12_000 }))
        {
            for (var i = 0; i < 200; i++)
            {
                log.Add(Call("git", $"tool{i}"));
                log.Flush();
            }
        }

        var files = AuditFiles.In(Folder);
        Assert.InRange(files.Length, 2, 4);
        Assert.True(files[0] > 1);
        var found = AuditVerification.Of(Folder);
        Assert.True(found.IsSound, found.Break?.ToString());
        Assert.Equal("tool199", Text(Records()[^2], "target"));
    }

    [Fact]
    public async Task Add_BeyondTheQueue_LeavesAGapWithTheNumber()
    {
        await using (var log = Open(new AuditOptions { QueueMax = 100 }))
        {
            for (var i = 0; i < 103; i++)
            {
                log.Add(Call("git", "git_log"));
            }

            Assert.False(log.MustRefuse);
        }

        var gap = Records()[^2];
        Assert.Equal(("gap", 3), (Text(gap, "kind"), gap.GetProperty("lost").GetInt32()));
        Assert.Contains("3 records were left out", Assert.Single(AuditVerification.Of(Folder).Notes), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Add_WhileTheDiskTakesNothing_KeepsRecordsAndRefusesCallsWhenFull()
    {
        // A file stands where the folder should be: nothing can be written, whoever the user is.
        await File.WriteAllTextAsync(Folder, "");
        await using var log = Open(new AuditOptions { QueueMax = 100, OnFull = AuditFullMode.Refuse });
        log.Add(Call("git", "first"));
        Assert.False(log.Flush());
        for (var i = 0; i < 99; i++)
        {
            log.Add(Call("git", "more"));
        }

        Assert.True(log.MustRefuse);
        File.Delete(Folder);
        _clock.Advance(TimeSpan.FromSeconds(1));

        Assert.False(log.MustRefuse);
        Assert.Equal((102, "first"), (Records().Count, Text(Records()[2], "target")));
    }

    [Theory]
    [InlineData("change", 1, 4, "changed after it was written")]
    [InlineData("rehash", 1, 5, "does not follow")]
    [InlineData("remove", 1, 5, "record 4 is missing|records 4 to 4 are missing")]
    [InlineData("swap", 1, 5, "missing before it|stands behind")]
    [InlineData("truncate", 2, 7, "cut off")]
    [InlineData("forge", 1, 4, "no record of an audit log")]
    [InlineData("forgeNumber", 1, 4, "no record of an audit log")]
    [InlineData("removeFile", 1, 5, "missing")]
    [InlineData("removeMiddleFile", 2, 6, "missing")]
    public async Task Verification_OfALogThatWasTamperedWith_SaysWhere(string how, int file, long record, string what)
    {
        await using (var log = Open())
        {
            log.Add(Call("git", "git_log"));
            log.Add(Call("git", "git_push"));
        }

        // As after a kill, so that there is a second file; then a third.
        await File.AppendAllTextAsync(AuditFiles.PathOf(Folder, 1), "{");
        await (Open()).DisposeAsync();
        await File.AppendAllTextAsync(AuditFiles.PathOf(Folder, 2), "{");
        await (Open()).DisposeAsync();
        Assert.True(AuditVerification.Of(Folder).IsSound);

        Tamper(how);

        var found = AuditVerification.Of(Folder);
        Assert.False(found.IsSound);
        Assert.Matches(what, found.Break!.What);
        Assert.Equal((AuditFiles.PathOf("", file), record), (found.Break.File, found.Break.Record));
    }

    [Fact]
    public async Task Verification_OfALogThatWasWrittenAnew_IsFoundByARecordThatWasNotedBefore()
    {
        await (Open()).DisposeAsync();
        var noted = AuditVerification.Of(Folder);
        Assert.True(AuditVerification.Of(Folder, (noted.Last, noted.LastHash)).IsSound);
        Directory.Delete(Folder, recursive: true);
        _clock.Advance(TimeSpan.FromSeconds(1));
        await (Open()).DisposeAsync();
        Assert.True(AuditVerification.Of(Folder).IsSound);

        var found = AuditVerification.Of(Folder, (noted.Last, noted.LastHash));

        Assert.Contains("written anew", found.Break!.What, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Query_ReadsTheLatestFirstOverAllFilesAndBlocks()
    {
        await using (var log = Open(new AuditOptions { FileBytesMax = 256 * 1024 }))
        {
            for (var i = 1; i <= 2000; i++)
            {
                log.Add(Call(i % 2 == 0 ? "git" : "docker", $"tool{i}") with { Outcome = i % 500 == 0 ? "Timeout" : "ok", Client = "claude-code 2", Arguments = new string('x', i % 700) });
                _clock.Advance(TimeSpan.FromSeconds(1));
            }
        }

        Assert.True(AuditFiles.In(Folder).Length > 2);
        var all = new AuditQuery { Kind = "call" }.LatestFirst(Folder).Select(static record => Text(record, "target")).ToList();
        Assert.Equal(Enumerable.Range(1, 2000).Reverse().Select(static i => $"tool{i}"), all);
        Assert.Equal(Enumerable.Range(1, 2000).Select(static i => $"tool{i}"), new AuditQuery { Kind = "call" }.OldestFirst(Folder).Select(static record => Text(record, "target")));
        Assert.Equal(["tool2000", "tool1500", "tool1000", "tool500"], Targets(new AuditQuery { Outcome = "failed" }));
        Assert.Equal(["tool500"], Targets(new AuditQuery { Outcome = "Timeout", Until = _clock.GetUtcNow().AddSeconds(-1450) }));
        Assert.Equal(["tool2000", "tool1999"], Targets(new AuditQuery { Kind = "call", Since = _clock.GetUtcNow().AddSeconds(-2) }));
        Assert.Equal(["tool7"], Targets(new AuditQuery { Target = "tool7", Client = "Claude", Server = "docker" }));
        Assert.Empty(Targets(new AuditQuery { Target = "tool7", Server = "git" }));
        var few = new AuditQuery { Target = "tool1", LooksMax = 10 };
        Assert.Empty(few.LatestFirst(Folder));
        var rest = new AuditQuery { Target = "tool1", Before = few.StoppedAt };
        Assert.Single(rest.LatestFirst(Folder));
        Assert.Null(rest.StoppedAt);
    }

    private List<string?> Targets(AuditQuery query) => [.. query.LatestFirst(Folder).Select(static record => Text(record, "target"))];

    private void Tamper(string how)
    {
        var path = AuditFiles.PathOf(Folder, 1);
        var lines = File.ReadAllLines(path);
        switch (how)
        {
            case "change":
                lines[3] = lines[3].Replace("git_push", "git_pull", StringComparison.Ordinal);
                break;
            case "rehash":
                var end = lines[3].LastIndexOf(",\"hash\"", StringComparison.Ordinal);
                var changed = lines[3][..end].Replace("git_push", "git_pull", StringComparison.Ordinal);
                lines[3] = Hashed(changed);
                break;
            case "forge":
                lines[3] = Hashed("no JSON at all");
                break;
            case "forgeNumber":
                lines[3] = Hashed("{\"seq\":\"four\",\"at\":7");
                break;
            case "remove":
                lines = [.. lines[..3], .. lines[4..]];
                break;
            case "swap":
                (lines[3], lines[4]) = (lines[4], lines[3]);
                break;
            case "truncate":
                File.Delete(AuditFiles.PathOf(Folder, 3));
                path = AuditFiles.PathOf(Folder, 2);
                lines = File.ReadAllLines(path)[..1];
                break;
            case "removeFile":
                File.Delete(path);
                return;
            case "removeMiddleFile":
                File.Delete(AuditFiles.PathOf(Folder, 2));
                return;
            default:
                throw new ArgumentOutOfRangeException(nameof(how), how, null);
        }

        var text = string.Join('\n', lines);
        File.WriteAllText(path, text.EndsWith('{') ? text : text + "\n");
    }

    private static string Hashed(string text) => $"{text},\"hash\":\"{Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(text)))}\"}}";

    private AuditLog Open(AuditOptions? options = null) => new(
        new StateFiles(_state, _clock, NullLogger.Instance), options ?? new AuditOptions { Record = AuditScope.Calls }, _redactor, NullLogger.Instance);

    private static AuditEntry Call(string server, string tool) => new()
    {
        Kind = AuditKind.Call, Principal = "local", Via = "mcp", Server = server, Method = "tools/call", Target = tool, Verdict = "allowed", Outcome = "ok", Micros = 1500,
    };

    private List<JsonElement> Records() => [.. new AuditQuery().OldestFirst(Folder)];

    private static string? Text(JsonElement record, string name) => record.TryGetProperty(name, out var value) ? Convert.ToString(value, CultureInfo.InvariantCulture) : null;
}
