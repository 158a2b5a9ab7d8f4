using System.Text.Json.Nodes;
using Fairlead.Cli.Output;
using Fairlead.Cli.Running;
using Fairlead.Configuration;

namespace Fairlead.Cli.Clients;

/// <summary>What a person wants of <c>fairlead connect</c>.</summary>
/// <param name="Client">The client's word.</param>
internal sealed record ConnectRequest(string Client)
{
    /// <summary>One server alone, with its own names; null = all of them.</summary>
    public string? Server { get; init; }

    /// <summary>The gateway's address; null = that of the running instance, else of the configuration.</summary>
    public string? Url { get; init; }

    /// <summary>The state folder that was named; null = the usual one, which <c>fairlead stdio</c> finds by itself.</summary>
    public string? State { get; init; }

    /// <summary>Write the client's file in the current folder instead of the user's.</summary>
    public bool IsProject { get; init; }

    /// <summary>Write without asking.</summary>
    public bool IsAgreed { get; init; }

    /// <summary>Show the plan and write nothing.</summary>
    public bool IsDry { get; init; }
}

/// <summary><c>fairlead connect CLIENT</c>: writes Fairlead as a server into the file of a client, and leaves every other byte of it alone.</summary>
/// <param name="at">Where to look.</param>
/// <param name="terminal">Where to print.</param>
/// <param name="time">Dates backups.</param>
/// <param name="program">The command line that starts this program.</param>
/// <param name="ask">Puts a question to a person; null = nobody can be asked.</param>
internal sealed class ConnectRun(Surroundings at, Terminal terminal, TimeProvider time, IReadOnlyList<string> program, Func<string, string?>? ask)
{
    /// <summary>The kind of its changes in the journal.</summary>
    public const string Kind = "connect";

    /// <summary>The command line that starts this program, for another program that knows neither PATH nor folder.</summary>
    public static IReadOnlyList<string> OwnProgram()
    {
        var process = Environment.ProcessPath ?? "fairlead";
        return string.Equals(Path.GetFileNameWithoutExtension(process), "dotnet", StringComparison.OrdinalIgnoreCase) ? [process, Path.Combine(AppContext.BaseDirectory, "Fairlead.Cli.dll")] : [process];
    }

    /// <summary>Runs it.</summary>
    /// <returns>The exit code.</returns>
    public int Run(ConnectRequest request)
    {
        if (ClientProgram.Find(request.Client) is not { } client)
        {
            return Fail(ExitCodes.Usage, ClientProgram.Unknown([request.Client], "into any other write the address that fairlead up shows"));
        }

        if (ClientFiles.ToWrite(client, request.IsProject ? ClientFiles.OfProject(at) : ClientFiles.OfUser(at)) is not { } place)
        {
            return Fail(ExitCodes.Usage, $"{client.Title} keeps no servers in a project's folder. Leave --project away.");
        }

        var configuration = Load();
        var folder = request.State is null ? configuration.Options.StateFolder ?? at.StateFolder : at.StateFolder;
        if (Endpoint.Find(request, client, at with { StateFolder = folder }, configuration, out var problem) is not { } endpoint)
        {
            return Fail(problem.ExitCode, problem.Reason);
        }

        if (EditedFile.OpenAny(place.Path, out var broken) is not { } file)
        {
            return Fail(ExitCodes.Configuration, $"{broken} Nothing was written.");
        }

        var name = request.Server is null ? FairleadItself.EntryName : $"{FairleadItself.EntryName}-{ServerName.ToSlug(request.Server)}";
        string[] path = [client.ServersKey, name];
        var entry = client.SpeaksHttp ? EntryOf(client, endpoint) : EntryOf(request, endpoint, configuration, folder);
        file.TryGet(path, out var present);
        Show(client, place, file, name, entry, present, endpoint);
        if (!configuration.IsValid)
        {
            terminal.Line($"Note: {(configuration.File is { } own ? at.Short(own) : "the configuration")} has {configuration.Errors.Count} {(configuration.Errors.Count == 1 ? "error" : "errors")}, so fairlead up will not start; fairlead config validate lists {(configuration.Errors.Count == 1 ? "it" : "them")}.");
        }

        ShowTwice(client, place, file, configuration);
        if (JsonNode.DeepEquals(present, entry))
        {
            terminal.Line("It is written there already; nothing to do.");
            return ExitCodes.Ok;
        }

        if (request.IsDry)
        {
            return ExitCodes.Ok;
        }

        if (!request.IsAgreed)
        {
            if (ask is null)
            {
                return Fail(ExitCodes.Usage, "nothing was written, because nobody could be asked. Add --yes to write it, or --dry-run to see the plan alone.");
            }

            if (ask($"Write it to {at.Short(place.Path)}? [y/N] ")?.Trim().ToUpperInvariant() is not ("Y" or "YES"))
            {
                terminal.Line("Nothing was written.");
                return ExitCodes.Ok;
            }
        }

        return Write(client, file, path, entry);
    }

    /// <summary>The command for a client that knows no addresses. It is started in any folder and without the variables of this terminal, so what they say is written out.</summary>
    private JsonObject EntryOf(ConnectRequest request, Endpoint endpoint, ConfigurationResult configuration, string folder)
    {
        List<string> arguments = [.. program.Skip(1), "stdio"];
        if (request.Server is { } server)
        {
            arguments.AddRange(["--server", ServerName.ToSlug(server)]);
        }

        if (request.Url is not null)
        {
            arguments.AddRange(["--url", endpoint.Base]);
        }
        else
        {
            var usual = ConfigurationPaths.Candidates(at.System, at.Environment, at.CurrentDirectory, at.Home)[^1];
            if (configuration.File is { } file && file != usual)
            {
                arguments.AddRange(["--config", file]);
            }

            if (request.State is not null || configuration.Options.StateFolder is not null)
            {
                arguments.AddRange(["--state", folder]);
            }
        }

        return new JsonObject { ["command"] = program[0], ["args"] = new JsonArray([.. arguments.Select(static argument => JsonValue.Create(argument))]) };
    }

    private static JsonObject EntryOf(ClientProgram client, Endpoint endpoint) =>
        client.NamesTransport ? new JsonObject { ["type"] = "http", [client.AddressKey] = endpoint.Mcp } : new JsonObject { [client.AddressKey] = endpoint.Mcp };

    private ConfigurationResult Load()
    {
        var path = ConfigurationPaths.Find(null, at.Environment, at.CurrentDirectory, at.Home);
        return ConfigurationLoader.Load(path is null ? null : Path.GetFullPath(path, at.CurrentDirectory), at.Environment, new LoadSettings { UserHome = at.Home });
    }

    private void Show(ClientProgram client, ClientFile place, EditedFile file, string name, JsonObject entry, JsonNode? present, Endpoint endpoint)
    {
        var folder = Path.GetDirectoryName(place.Path)!;
        if (!Directory.Exists(folder))
        {
            terminal.Line($"{client.Title} does not seem to be installed: there is no folder {at.Short(folder)}. It will be made.");
        }

        terminal.Line($"Plan for {at.Short(place.Path)}{(file.Original is null ? ", which will be made" : "")}:");
        var now = present is JsonObject before && !JsonNode.DeepEquals(before, entry) ? $"  # instead of {CellText.OneLine(ShownServer.Of(before))}" : "";
        terminal.Line($"  {client.ServersKey}.{name}: {CellText.OneLine(ShownServer.Of(entry))}{now}");
        if (client.SpeaksHttp && endpoint.Remark is { } remark)
        {
            terminal.Line("Note: " + remark);
        }
    }

    /// <summary>Servers that the client would see twice: its own and Fairlead's.</summary>
    private void ShowTwice(ClientProgram client, ClientFile place, EditedFile file, ConfigurationResult configuration)
    {
        if (configuration.File is not { } own || JsonFile.Open(own, out _) is not { } ownFile)
        {
            return;
        }

        var ours = FoundServer.In(ownFile, null, at).Where(static server => server.Entry is not null).Select(static server => ServerTranslation.Of(server.Entry!, null).Entry).ToArray();
        var twice = FoundServer.In(file, place, at)
            .Where(server => server.Entry is not null && !FairleadItself.Is(server.Name, server.Entry)
                && ServerTranslation.Of(server.Entry, server.Workspace).Entry is var entry && Array.Exists(ours, other => ServerTranslation.Differences(other, entry).Count == 0))
            .Select(static server => CellText.OneLine(server.Name)).ToArray();
        if (twice.Length != 0)
        {
            terminal.Line($"Note: {client.Title} has {string.Join(", ", twice)} of its own as well, so it will see {(twice.Length == 1 ? "it" : "them")} twice. Remove {(twice.Length == 1 ? "it" : "them")} from {at.Short(place.Path)} once Fairlead serves.");
        }
    }

    private int Write(ClientProgram client, EditedFile file, string[] path, JsonObject entry)
    {
        try
        {
            file.Set(path, entry);
            var journal = ChangeJournal.Open(at.StateFolder, time, text => terminal.Error("warning: " + text));
            var change = journal.Make(Kind, client.Word, file, [path]);
            terminal.Line($"Written. {client.Reload}");
            terminal.Line($"Undo: fairlead connect {client.Word} --undo{(change.Backup is null ? "" : $" (what it held before is in {at.Short(change.Backup)})")}");
            return ExitCodes.Ok;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            return Fail(ExitCodes.Failed, exception.Message);
        }
    }

    private int Fail(int exitCode, string reason)
    {
        terminal.Error("fairlead: " + CellText.Clean(reason));
        return exitCode;
    }
}
