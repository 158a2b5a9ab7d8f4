using Fairlead.Configuration;
using Fairlead.Diagnostics;
using Fairlead.Sessions;
using Fairlead.State;
using Fairlead.TestKit;
using Fairlead.Tests.Configuration;
using Fairlead.Tests.Processes;
using Fairlead.Wire;

namespace Fairlead.Tests.Sessions;

/// <summary>Sessions over restarts: each <see cref="Start"/> is another process on the same state folder.</summary>
public sealed class SessionTableTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly FakeTimeProvider _clock = new();
    private readonly EventRecorder _log = new();
    private readonly LimitsOptions _limits = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Find_AfterARestart_RevivesTheSessionOnce()
    {
        string id;
        using (var before = Start())
        {
            id = Open(before, "files", """{"roots":{}}""").Id;
        }

        using var after = Start();
        var revived = 0;
        after.Revived += _ => revived++;
        Assert.Equal(SessionLookup.Found, after.Find(id, "files", out var session));
        Assert.Equal(SessionLookup.Found, after.Find(id, "files", out var again));
        Assert.Same(session, again);
        Assert.Equal((1, 1), (revived, after.Count));
        Assert.Equal((id, "files", ProtocolVersion.V20251125), (session!.Id, session.Endpoint, session.Version));
        Assert.True(session.Input.HasFlag(ClientInput.Roots));
        Assert.Equal("{\"name\":\"t\"}"u8.ToArray(), session.ClientInfo);
    }

    [Fact]
    public void Find_WhenKnown_ReadsNoTicket()
    {
        using var table = Start();
        var session = Open(table);

        // Older than any ticket that may be opened, and kept from idling by its open stream.
        session.TryOpenStream(1);
        _clock.Advance(TicketKeys.SealsFor * 2);
        Assert.Equal(SessionLookup.Found, table.Find(session.Id, null, out var found));
        Assert.Same(session, found);
    }

    [Fact]
    public void Find_AtAnotherEndpoint_IsUnknownBeforeAndAfterARestart()
    {
        string id;
        using (var before = Start())
        {
            id = Open(before, "files").Id;
            Assert.Equal(SessionLookup.Unknown, before.Find(id, "other", out _));
            Assert.Equal(SessionLookup.Unknown, before.Find(id, null, out _));
        }

        using var after = Start();
        Assert.Equal(SessionLookup.Unknown, after.Find(id, "other", out _));
        Assert.Equal(SessionLookup.Unknown, after.Find(id, null, out _));
    }

    [Fact]
    public void Find_WhenEnded_StaysUnknownAfterRestarts()
    {
        string ended, open;
        using (var before = Start())
        {
            var session = Open(before);
            (ended, open) = (session.Id, Open(before).Id);
            Assert.True(before.End(session));
            Assert.Equal(SessionLookup.Unknown, before.Find(ended, null, out _));
        }

        for (var restart = 0; restart < 3; restart++)
        {
            using var after = Start();
            Assert.Equal(SessionLookup.Unknown, after.Find(ended, null, out _));
            Assert.Equal(SessionLookup.Found, after.Find(open, null, out _));
        }
    }

    [Fact]
    public async Task Find_WhenEndedByIdling_StaysUnknown()
    {
        string id;
        using (var before = Start())
        {
            id = Open(before).Id;
            var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            before.Ended += _ => ended.TrySetResult();
            _clock.Advance(_limits.SessionIdle + TimeSpan.FromMinutes(1));
            await Guard.WithinAsync(ended.Task, "the end of the idle session");
            Assert.Equal(SessionLookup.Unknown, before.Find(id, null, out _));
        }

        using var after = Start();
        Assert.Equal(SessionLookup.Unknown, after.Find(id, null, out _));
    }

    [Theory]
    [InlineData(23, true)]
    [InlineData(24, false)]
    public void Find_AfterARestart_DependsOnTheAgeOfTheTicket(int hours, bool isFound)
    {
        string id;
        using (var before = Start())
        {
            id = Open(before).Id;
        }

        _clock.Advance(TimeSpan.FromHours(hours));
        using var after = Start();
        Assert.Equal(isFound ? SessionLookup.Found : SessionLookup.Unknown, after.Find(id, null, out _));
    }

    [Fact]
    public void Find_WhenSessionsMaxAreOpen_DoesNotRevive()
    {
        string one, two;
        using (var before = Start())
        {
            (one, two) = (Open(before).Id, Open(before).Id);
        }

        _limits.SessionsMax = 1;
        using var after = Start();
        Assert.Equal(SessionLookup.Found, after.Find(one, null, out var first));
        Assert.Equal(SessionLookup.Full, after.Find(two, null, out _));
        after.End(first!);
        Assert.Equal(SessionLookup.Found, after.Find(two, null, out _));
    }

    [Fact]
    public void Find_WithoutAStateFolder_KnowsNothingOfAnotherProcess()
    {
        using var before = new SessionTable(_limits, new SessionTickets(null, _clock, _log), _clock);
        var id = Open(before).Id;
        using var after = new SessionTable(_limits, new SessionTickets(null, _clock, _log), _clock);
        Assert.Equal(SessionLookup.Unknown, after.Find(id, null, out _));
        Assert.Equal(SessionLookup.Found, before.Find(id, null, out _));
    }

    [Fact]
    public void Keys_WhenThirtyDaysOld_AreFollowedByNewOnesAndOpenTheirTicketsForADay()
    {
        string old;
        using (var before = Start())
        {
            Open(before);
            _clock.Advance(TicketKeys.SealsFor - TimeSpan.FromMinutes(1));
            old = Open(before).Id;
        }

        _clock.Advance(TimeSpan.FromHours(1));
        using (var rotating = Start())
        {
            Open(rotating);
        }

        Assert.Equal(2, File.ReadAllText(KeysPath).Split("\"secret\"").Length - 1);
        using (var after = Start())
        {
            Assert.Equal(SessionLookup.Found, after.Find(old, null, out _));
        }

        _clock.Advance(TicketKeys.SealsFor);
        using (var later = Start())
        {
            Open(later);
        }

        // The first key cannot have sealed anything that is still young enough.
        Assert.Equal(2, File.ReadAllText(KeysPath).Split("\"secret\"").Length - 1);
    }

    [Fact]
    public void Keys_AreReadableByTheirOwnerAlone()
    {
        using var table = Start();
        Open(table);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(KeysPath));
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.GetDirectoryName(KeysPath)!));
        }
    }

    [Fact]
    public void Keys_WhenTheFileIsBroken_AreMadeAgainAndOldSessionsAreUnknown()
    {
        string id;
        using (var before = Start())
        {
            id = Open(before).Id;
        }

        File.WriteAllText(KeysPath, """{"formatVersion":1,"keys":[{"id":"AAAA","created":"2026-01-01T00:00:00Z","secret":"AAAA"}]}""");
        using var after = Start();
        Assert.Equal(SessionLookup.Unknown, after.Find(id, null, out _));
        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(KeysPath)!, "*.corrupt-*"));
        Assert.Contains(_log.Events, static one => one.Id == EventIds.StateCorrupt);
        Assert.Equal(SessionLookup.Found, after.Find(Open(after).Id, null, out _));
    }

    [Theory]
    [InlineData("not JSON")]
    [InlineData("{\"formatVersion\":1,\"notBefore\":0}\n{\"id\":7}\n")]
    [InlineData("{\"formatVersion\":99}\n")]
    public void Ends_WhenTheyAreNotKnownAnyMore_NoEarlierSessionIsRevived(string text)
    {
        string id;
        using (var before = Start())
        {
            id = Open(before).Id;
        }

        _clock.Advance(TimeSpan.FromMinutes(1));
        File.WriteAllText(EndsPath, text);
        for (var restart = 0; restart < 2; restart++)
        {
            using var after = Start();
            Assert.Equal(SessionLookup.Unknown, after.Find(id, null, out _));
        }

        Assert.Contains(_log.Events, static one => one.Id == EventIds.SessionsCutOff);
    }

    [Fact]
    public void Ends_WhenTheLastLineIsTorn_KeepTheOthers()
    {
        string ended, open;
        using (var before = Start())
        {
            var session = Open(before);
            (ended, open) = (session.Id, Open(before).Id);
            before.End(session);
        }

        File.AppendAllText(EndsPath, "{\"id\":\"abc");
        using var after = Start();
        Assert.Equal(SessionLookup.Unknown, after.Find(ended, null, out _));
        Assert.Equal(SessionLookup.Found, after.Find(open, null, out var live));
        after.End(live!);
        using var later = Start();
        Assert.Equal(SessionLookup.Unknown, later.Find(open, null, out _));
    }

    [Fact]
    public void Ends_WhenTheirTicketsAreTooOld_AreForgotten()
    {
        var files = new StateFiles(_folder.Path, _clock, _log);
        var ends = new EndedSessions(files, _clock, _log);
        ends.Add(Id(1), _clock.GetUtcNow());
        _clock.Advance(SessionTicket.Lifetime + TimeSpan.FromSeconds(1));
        ends.Add(Id(2), _clock.GetUtcNow());
        Assert.Equal(1, new EndedSessions(files, _clock, _log).Count);
    }

    [Fact]
    public void Ends_WhenThereAreTooMany_RefuseWhatMayHaveEnded()
    {
        var ends = new EndedSessions(null, _clock, _log);
        var first = _clock.GetUtcNow();
        for (var i = 0; i <= EndedSessions.EntriesMax; i++)
        {
            ends.Add(Id(i), first.AddSeconds(i));
        }

        Assert.InRange(ends.Count, EndedSessions.EntriesMax / 3, EndedSessions.EntriesMax);
        Assert.True(ends.Contains(Id(0), first));
        Assert.True(ends.Contains(Id(EndedSessions.EntriesMax), first.AddSeconds(EndedSessions.EntriesMax)));
        Assert.True(ends.Contains(Id(-1), first), "an open session of the same time");
        Assert.False(ends.Contains(Id(-1), first.AddSeconds(EndedSessions.EntriesMax)));
    }

    [Fact]
    public void Revived_EventsAndQuestions_HaveNumbersThatWereNeverGivenOut()
    {
        string id, lastEvent;
        long stream;
        using (var before = Start())
        {
            var session = Open(before);
            id = session.Id;
            stream = session.Log.Open().Number;
            lastEvent = System.Text.Encoding.ASCII.GetString(session.Log.Standalone.Append("{}"u8.ToArray()).Id);
        }

        using var after = Start();
        after.Find(id, null, out var revived);
        Assert.Null(revived!.Log.Find(stream));
        revived.Log.Standalone.Append("{}"u8.ToArray());
        Assert.True(SessionEvent.TryParseId(lastEvent, out var standalone, out var sequence));
        Assert.Single(revived.Log.Find(standalone)!.ReadAfter(sequence).Events);
        Assert.True(revived.Log.Open().Number > stream);
    }

    private string KeysPath => Path.Combine(_folder.Path, "keys", "sessions.json");

    private string EndsPath => Path.Combine(_folder.Path, "sessions-ended.jsonl");

    private static string Id(int number) => $"v1.00000000.{number:D22}.x";

    private static LegacySession Open(SessionTable table, string? endpoint = null, string capabilities = "{}") =>
        table.Open(endpoint, ProtocolVersion.V20251125, System.Text.Encoding.UTF8.GetBytes(capabilities), "{\"name\":\"t\"}"u8.ToArray())!;

    private SessionTable Start() => new(_limits, new SessionTickets(new StateFiles(_folder.Path, _clock, _log), _clock, _log), _clock);
}
