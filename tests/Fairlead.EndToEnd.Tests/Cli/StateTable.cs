using System.Text.Json;

namespace Fairlead.EndToEnd.Tests.Cli;

/// <summary>tests/states-and-errors.json: every state and every error, how it comes about, and how it is told.</summary>
internal sealed class StateTable
{
    private readonly JsonElement _root;

    public StateTable()
    {
        using var document = JsonDocument.Parse(File.ReadAllText(RepositoryPaths.Source("tests/states-and-errors.json")));
        _root = document.RootElement.Clone();
        States = [.. _root.GetProperty("states").EnumerateArray().Select(static row => new StateRow(Text(row, "server")!, Text(row, "state")!, Text(row, "reason"), Deed.In(row, "after"), Ending(row)))];
        Errors = [.. _root.GetProperty("errors").EnumerateArray().Select(static row => new ErrorRow(
            Text(row, "error")!, row.GetProperty("status").GetInt32(), row.TryGetProperty("exitCode", out var code) ? code.GetInt32() : 0,
            Script.In(row), row.TryGetProperty("dashboard", out var other) ? Script.In(other) : null, Text(row, "metrics"), row.TryGetProperty("restarts", out _), row.TryGetProperty("last", out _),
            row.TryGetProperty("notOn", out var notOn) ? Words(notOn) : []))];
    }

    /// <summary>The configuration whose servers come into the states.</summary>
    public string Configuration => _root.GetProperty("configuration").GetRawText();

    public IReadOnlyList<StateRow> States { get; }

    public IReadOnlyList<ErrorRow> Errors { get; }

    /// <summary>Errors that exist and that nothing raises, with the reason.</summary>
    public IReadOnlyDictionary<string, string> NeverRaised => Words(_root.GetProperty("neverRaised"));

    /// <summary>By the word of an error: the statuses that calls which end with it have in metrics.</summary>
    public IEnumerable<(string Status, string Error)> Statuses =>
        _root.GetProperty("statuses").EnumerateObject().SelectMany(static word => word.Value.EnumerateArray().Select(status => (status.GetString()!, word.Name)));

    /// <summary>A member as text; null when it is absent or null.</summary>
    public static string? Text(JsonElement row, string name) => row.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static Dictionary<string, string> Words(JsonElement members) => members.EnumerateObject().ToDictionary(static member => member.Name, static member => member.Value.GetString()!);

    private static CallEnd? Ending(JsonElement row) =>
        row.GetProperty("call") is { ValueKind: JsonValueKind.Object } call ? new CallEnd(Text(call, "error")!, Text(call, "metrics")!, Text(call, "reason")!, call.GetProperty("exitCode").GetInt32()) : null;
}

/// <summary>A state.</summary>
/// <param name="Server">The server that is in it.</param>
/// <param name="State">Its word.</param>
/// <param name="Reason">What its reason matches; null = it has none.</param>
/// <param name="After">What brings it there, beside its configuration.</param>
/// <param name="Call">How a call ends; null = well.</param>
internal sealed record StateRow(string Server, string State, string? Reason, Deed? After, CallEnd? Call);

/// <summary>How a call ends.</summary>
/// <param name="Error">The word of the error.</param>
/// <param name="Status">What metrics count it as.</param>
/// <param name="Reason">What its text matches.</param>
/// <param name="ExitCode">That of the command line.</param>
internal sealed record CallEnd(string Error, string Status, string Reason, int ExitCode);

/// <summary>An error.</summary>
/// <param name="Error">Its word.</param>
/// <param name="Status">The HTTP status.</param>
/// <param name="ExitCode">That of the command line.</param>
/// <param name="Script">What brings it about.</param>
/// <param name="AtDashboard">The same at the dashboard, where that is another thing; null = it is not.</param>
/// <param name="Metric">What metrics count the call as; null = it is in none.</param>
/// <param name="Restarts">Whether the server is lost by it and comes back.</param>
/// <param name="IsLast">Whether it is what a manager says that was shut down.</param>
/// <param name="NotOn">The surfaces on which it cannot come, each with the reason.</param>
internal sealed record ErrorRow(
    string Error, int Status, int ExitCode, Script Script, Script? AtDashboard, string? Metric, bool Restarts, bool IsLast, IReadOnlyDictionary<string, string> NotOn);

/// <summary>What is done in turn.</summary>
/// <param name="Before">What is done first, however it ends.</param>
/// <param name="Do">What fails.</param>
/// <param name="Finally">What is done afterwards.</param>
/// <param name="Reason">What the text of the error matches.</param>
internal sealed record Script(Deed? Before, Deed Do, Deed? Finally, string Reason)
{
    public static Script In(JsonElement row) => new(Deed.In(row, "before"), Deed.In(row, "do")!, Deed.In(row, "finally"), StateTable.Text(row, "reason")!);
}

/// <summary>Something that is done to the fleet: a verb with its operand, and what belongs to it.</summary>
internal sealed record Deed(string Verb, JsonElement Operand, JsonElement All)
{
    public static Deed? In(JsonElement row, string name) =>
        row.TryGetProperty(name, out var deed) ? new Deed(deed.EnumerateObject().First().Name, deed.EnumerateObject().First().Value, deed) : null;

    /// <summary>The server, where the operand is one.</summary>
    public string Server => Verb == "call" ? Operand[0].GetString()! : Verb is "deploy" or "update" ? StateTable.Text(Operand, "name")! : Operand.GetString()!;

    /// <summary>The tool of a call, or that is switched on or off.</summary>
    public string Tool => Verb == "call" ? Operand[1].GetString()! : StateTable.Text(All, "tool")!;

    /// <summary>What somebody else does while this is about to be confirmed; null = nothing.</summary>
    public Deed? Meanwhile => In(All, "meanwhile");

    /// <inheritdoc/>
    public override string ToString() => All.GetRawText();
}
