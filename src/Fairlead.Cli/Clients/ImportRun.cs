using System.Text.Json;
using Fairlead.Cli.Output;
using Fairlead.Cli.Running;

namespace Fairlead.Cli.Clients;

/// <summary>What a person wants of <c>fairlead import</c>.</summary>
internal sealed record ImportRequest
{
    /// <summary>Words of clients; empty = all.</summary>
    public IReadOnlyList<string> Clients { get; init; } = [];

    /// <summary>A file to read instead of those of the clients; null = none.</summary>
    public string? From { get; init; }

    /// <summary>The file to write; null = the usual one.</summary>
    public string? Into { get; init; }

    /// <summary>Whether the clients' files in the current folder are read as well.</summary>
    public bool WithProject { get; init; }

    /// <summary>What is done with a server whose name another one has; null = a person is asked, and without one it stays out.</summary>
    public ImportAction? OnConflict { get; init; }

    /// <summary>Write without asking.</summary>
    public bool IsAgreed { get; init; }

    /// <summary>Show the plan and write nothing.</summary>
    public bool IsDry { get; init; }

    /// <summary>JSON on stdout instead of text; nobody is asked.</summary>
    public bool IsJson { get; init; }
}

/// <summary><c>fairlead import</c>: finds the servers of the clients, shows what would become of each, and merges them into Fairlead's file.</summary>
/// <param name="at">Where to look.</param>
/// <param name="terminal">Where to print.</param>
/// <param name="time">Dates backups.</param>
/// <param name="ask">Puts a question to a person and gives the answer, null at the end of input; null = nobody can be asked.</param>
internal sealed class ImportRun(Surroundings at, Terminal terminal, TimeProvider time, Func<string, string?>? ask)
{
    /// <summary>The kind of its changes in the journal.</summary>
    public const string Kind = "import";

    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Runs it.</summary>
    /// <returns>The exit code.</returns>
    public int Run(ImportRequest request)
    {
        var unknown = request.Clients.Where(static word => ClientProgram.Find(word) is null).ToArray();
        if (unknown.Length != 0 || (request.Clients.Count != 0 && request.From is not null))
        {
            return Fail(ExitCodes.Usage, unknown.Length != 0
                ? ClientProgram.Unknown(unknown, "any other file is read with --from FILE")
                : "a client and --from FILE exclude each other: name one of them.");
        }

        IReadOnlyList<ClientFile> places = [];
        IReadOnlyList<ImportSource> sources = request.From is { } file
            ? [ImportSources.OfFile(file, at)]
            : ImportSources.OfClients([.. request.Clients.Select(static word => ClientProgram.Find(word)!)], request.WithProject, at, out places);
        foreach (var source in sources.Where(static source => source.Problem is not null))
        {
            terminal.Error("error: " + CellText.Clean(source.Problem!));
        }

        if (sources.Sum(static source => source.Servers.Count) == 0)
        {
            return sources.Any(static source => source.Problem is not null) ? ExitCodes.Failed : Fail(ExitCodes.Failed, NothingFound(places));
        }

        if (ImportTarget.Open(request.Into, at, out var problem) is not { } target)
        {
            return Fail(ExitCodes.Configuration, problem!);
        }

        var plan = new ImportPlan(at.Environment, conflict => request.OnConflict ?? Choose(request, conflict));
        plan.AddPresent(target.Present(), at.Short(target.File.Path));
        foreach (var found in sources.Where(source => source.Path != target.File.Path).SelectMany(static source => source.Servers))
        {
            plan.Add(found);
        }

        var isIncomplete = sources.Any(static source => source.Problem is not null);
        var code = Finish(request, plan, target, sources);
        return code == ExitCodes.Ok && isIncomplete ? ExitCodes.Failed : code;
    }

    private int Finish(ImportRequest request, ImportPlan plan, ImportTarget target, IReadOnlyList<ImportSource> sources)
    {
        var count = plan.Servers.Count(static server => server.IsWritten);
        if (!request.IsJson)
        {
            Show(plan, target, sources, request.WithProject || request.From is not null);
        }

        MadeChange? change = null;
        if (count != 0 && !request.IsDry && (request.IsAgreed || IsAgreed(request, count, target)))
        {
            try
            {
                change = Write(plan, target);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or InvalidDataException)
            {
                return Fail(ExitCodes.Failed, exception.Message);
            }
        }

        if (request.IsJson)
        {
            terminal.Line(ToJson(plan, target, sources, change));
        }
        else if (change is not null)
        {
            Tell(plan, target, change, count);
        }
        else if (count != 0 && !request.IsDry && ask is not null)
        {
            terminal.Line("Nothing was written.");
        }

        var isUnanswered = count != 0 && change is null && !request.IsDry && (request.IsJson || ask is null);
        return isUnanswered ? Fail(ExitCodes.Usage, "nothing was written, because nobody could be asked. Add --yes to write it, or --dry-run to see the plan alone.") : ExitCodes.Ok;
    }

    private MadeChange Write(ImportPlan plan, ImportTarget target)
    {
        var places = target.Apply(plan);
        var journal = ChangeJournal.Open(at.StateFolder, time, text => terminal.Error("warning: " + text));
        return journal.Make(Kind, null, target.File, places);
    }

    private void Show(ImportPlan plan, ImportTarget target, IReadOnlyList<ImportSource> sources, bool isAll)
    {
        foreach (var source in sources.Where(static source => source.Problem is null))
        {
            terminal.Line($"{source.From}: {Count(source.Servers.Count, "server")} in {at.Short(source.Path)}");
        }

        terminal.Line($"Plan for {at.Short(target.File.Path)}{(target.File.Original is null ? ", which will be made" : "")}:");
        var table = new TextTable("", "SERVER", "FROM", "WHAT");
        foreach (var server in plan.Servers)
        {
            var shown = server.Found.Entry is { } entry && server.Action is not (ImportAction.Same or ImportAction.Skip) ? ShownServer.Of(server.Entry ?? entry) : "";
            var reason = server.Reason.Length == 0 ? "" : shown.Length == 0 ? server.Reason : $"  # {server.Reason}";
            var leftOut = server.IsWritten && server.LeftOut.Count != 0 ? $"  # left out: {string.Join(", ", server.LeftOut)}" : "";
            table.Add(server.Action.ToString().ToLowerInvariant(), server.Name, server.Found.From, shown + reason + leftOut);
        }

        foreach (var line in table.Lines(int.MaxValue))
        {
            terminal.Line("  " + line);
        }

        if (!plan.Servers.Any(static server => server.IsWritten))
        {
            terminal.Line("Nothing to write.");
        }

        var project = isAll ? [] : ClientFiles.Existing(ClientFiles.OfProject(at));
        if (project.Count != 0)
        {
            terminal.Line($"Not read: {string.Join(", ", project.Select(place => at.Short(place.Path)))}. --project reads the files of this folder, too.");
        }
    }

    private void Tell(ImportPlan plan, ImportTarget target, MadeChange change, int count)
    {
        terminal.Line($"Wrote {Count(count, "server")} to {at.Short(target.File.Path)}.");
        terminal.Line(change.Backup is null ? "Undo: fairlead import --undo" : $"Undo: fairlead import --undo (what it held before is in {at.Short(change.Backup)})");
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(target.File.Path) & (UnixFileMode.GroupRead | UnixFileMode.OtherRead)) != 0
            && plan.Servers.Any(static server => server.Entry is { } entry && (entry.ContainsKey("env") || entry.ContainsKey("headers"))))
        {
            terminal.Line($"Note: other users may read the file, and what was written may hold credentials: chmod 600 {target.File.Path}");
        }

        var clients = plan.Servers.Select(static server => server.Found.From).Select(static from => ClientProgram.All.FirstOrDefault(client => client.Title == from)).OfType<ClientProgram>().Distinct().ToArray();
        terminal.Line("Next: fairlead up" + (clients.Length == 0 ? "" : $", and then let the clients use it: {string.Join(", ", clients.Select(static client => "fairlead connect " + client.Word))}"));
    }

    private bool IsAgreed(ImportRequest request, int count, ImportTarget target) =>
        !request.IsJson && ask?.Invoke($"Write {Count(count, "server")} to {at.Short(target.File.Path)}? [y/N] ")?.Trim().ToUpperInvariant() is "Y" or "YES";

    private ImportAction Choose(ImportRequest request, NameConflict conflict)
    {
        if (ask is null || request.IsJson || request.IsAgreed || request.IsDry)
        {
            return ImportAction.Keep;
        }

        var question = $"""
            Two servers are called {CellText.OneLine(conflict.Found.Name)}, with other {string.Join(", ", conflict.Differences)}:
              {conflict.Place}: {CellText.OneLine(ShownServer.Of(conflict.Present))}
              {conflict.Found.From}: {CellText.OneLine(ShownServer.Of(conflict.Entry))}
            [k]eep the first, [r]eplace it by the second, or take [b]oth? [k] 
            """;
        return ask(question)?.Trim().ToUpperInvariant() switch
        {
            "R" or "REPLACE" => ImportAction.Replace,
            "B" or "BOTH" => ImportAction.Rename,
            _ => ImportAction.Keep,
        };
    }

    private string NothingFound(IReadOnlyList<ClientFile> places) =>
        $"no file of a client was found that names servers. Looked at\n{string.Join('\n', places.Select(place => $"  {place.Client.Title}: {at.Short(place.Path)}"))}\n"
        + "Read another file with --from FILE, or those of this folder with --project.";

    private static string Count(int count, string what) => $"{count} {what}{(count == 1 ? "" : "s")}";

    private static string ToJson(ImportPlan plan, ImportTarget target, IReadOnlyList<ImportSource> sources, MadeChange? change) => JsonSerializer.Serialize(
        new
        {
            into = target.File.Path,
            files = sources.Select(static source => new { from = source.From, file = source.Path, servers = source.Servers.Count, problem = source.Problem }),
            servers = plan.Servers.Select(static server => new
            {
                name = server.Name, found = server.Found.Name, from = server.Found.From, file = server.Found.File,
                action = server.Action.ToString().ToLowerInvariant(), reason = server.Reason, leftOut = server.LeftOut,
            }),
            written = change is not null,
            backup = change?.Backup,
        },
        s_json);

    private int Fail(int exitCode, string reason)
    {
        terminal.Error("fairlead: " + CellText.Clean(reason));
        return exitCode;
    }
}
