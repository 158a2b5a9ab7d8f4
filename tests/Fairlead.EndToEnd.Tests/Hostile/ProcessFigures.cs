using System.Globalization;
using Fairlead.TestKit;

namespace Fairlead.EndToEnd.Tests.Hostile;

/// <summary>What a process holds, as Linux counts it.</summary>
/// <param name="PrivateMiB">Resident memory that no file backs.</param>
/// <param name="Descriptors">Open files, pipes and sockets.</param>
/// <param name="Threads">Its threads.</param>
internal sealed record ProcessFigures(double PrivateMiB, int Descriptors, int Threads)
{
    /// <summary>The figures of this moment.</summary>
    public static ProcessFigures Of(int id)
    {
        var status = File.ReadAllLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{id}/status"));
        return new ProcessFigures(Row(status, "RssAnon:") / 1024.0, ProcessTable.DescriptorsOf(id).Count, Row(status, "Threads:"));
    }

    private static int Row(string[] rows, string name) =>
        int.Parse(rows.First(row => row.StartsWith(name, StringComparison.Ordinal))[name.Length..].Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[0], CultureInfo.InvariantCulture);
}

/// <summary>Everything that one run of the gateway has started, so that its end can be checked. Taken while it lives.</summary>
internal sealed class Household
{
    private readonly string _marker;
    private readonly HashSet<(int Id, string CommandLine)> _members = [];

    private Household(string marker) => _marker = marker;

    /// <summary>Looks at a gateway that has started its reaper.</summary>
    public static Household Of(int gateway)
    {
        // The reaper is told the mark of all children as its last argument.
        var reaper = ProcessTable.All().FirstOrDefault(entry => entry.Parent == gateway && entry.CommandLine.Contains("fairlead-reaper", StringComparison.Ordinal));
        Assert.True(reaper is not null, $"process {gateway} has no reaper");
        var household = new Household(reaper.CommandLine[(reaper.CommandLine.LastIndexOf(' ') + 1)..]);
        household._members.Add((reaper.Id, reaper.CommandLine));
        household.LookAgain(gateway);
        return household;
    }

    /// <summary>Adds who has come since: the children, all who carry the mark, and all who share a session with one of them, mark or no mark.</summary>
    public void LookAgain(int gateway)
    {
        var all = ProcessTable.All();
        var marked = ProcessTable.Marked(_marker).Select(static entry => entry.Id).ToHashSet();
        var sessions = all.Where(entry => marked.Contains(entry.Id) || entry.Parent == gateway).Select(static entry => entry.Session).ToHashSet();
        var own = ProcessTable.Find(gateway)?.Session;
        foreach (var entry in all.Where(entry => entry.Id != gateway && entry.Session != own && sessions.Contains(entry.Session)))
        {
            _members.Add((entry.Id, entry.CommandLine));
        }
    }

    /// <summary>Completes when none of them lives, nor anybody else who carries the mark.</summary>
    public Task WhenGoneAsync() => ProcessTable.WhenClearAsync(
        () =>
        {
            var left = _members.Where(static member => ProcessTable.Find(member.Id) is { } entry && entry.CommandLine == member.CommandLine)
                .Select(static member => $"{member.Id} {member.CommandLine}")
                .Concat(ProcessTable.Marked(_marker).Select(static entry => entry.ToString())).Distinct().ToList();
            return left.Count == 0 ? null : $"these remain: {string.Join("; ", left)}";
        },
        "the end of everything that the gateway had started");
}
