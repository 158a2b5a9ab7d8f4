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
            Text(row, "error")!, Text(row, "reason")!, row.GetProperty("status").GetInt32(), row.TryGetProperty("exitCode", out var code) ? code.GetInt32() : 0,
            Deed.In(row, "before"), Deed.In(row, "do")!, Deed.In(row, "finally"), row.TryGetProperty("event", out _), row.TryGetProperty("restarts", out _), row.TryGetProperty("last", out _),
            row.TryGetProperty("only", out var only) ? [.. only.EnumerateArray().Select(static way => way.GetString()!)] : null))];
    }

    /// <summary>The configuration whose servers come into the states.</summary>
    public string Configuration => _root.GetProperty("configuration").GetRawText();

    public IReadOnlyList<StateRow> States { get; }

    public IReadOnlyList<ErrorRow> Errors { get; }

    /// <summary>Errors that exist and that nothing raises.</summary>
    public IEnumerable<string> NeverRaised => _root.GetProperty("neverRaised").EnumerateArray().Select(static word => word.GetString()!);

    /// <summary>A member as text; null when it is absent or null.</summary>
    public static string? Text(JsonElement row, string name) => row.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static CallEnd? Ending(JsonElement row) =>
        row.GetProperty("call") is { ValueKind: JsonValueKind.Object } call ? new CallEnd(Text(call, "error")!, Text(call, "reason")!, call.GetProperty("exitCode").GetInt32()) : null;
}

/// <summary>A state.</summary>
/// <param name="Server">The server that is in it.</param>
/// <param name="State">Its word.</param>
/// <param name="Reason">What its reason matches; null = it has none.</param>
/// <param name="After">What brings it there, beside its configuration.</param>
/// <param name="Call">How a call ends; null = well.</param>
internal sealed record StateRow(string Server, string State, string? Reason, Deed? After, CallEnd? Call);

/// <summary>How a call ends.</summary>
internal sealed record CallEnd(string Error, string Reason, int ExitCode);

/// <summary>An error.</summary>
/// <param name="Error">Its word.</param>
/// <param name="Reason">What its text matches.</param>
/// <param name="Status">The HTTP status.</param>
/// <param name="ExitCode">That of the command line.</param>
/// <param name="Before">What is done first, however it ends.</param>
/// <param name="Do">What fails with it.</param>
/// <param name="Finally">What is done afterwards.</param>
/// <param name="IsEvent">Whether an event of the call tells it.</param>
/// <param name="Restarts">Whether the server is lost by it and comes back.</param>
/// <param name="IsLast">Whether it is what a manager says that was shut down.</param>
/// <param name="Only">The ways on which it comes; null = all.</param>
internal sealed record ErrorRow(string Error, string Reason, int Status, int ExitCode, Deed? Before, Deed Do, Deed? Finally, bool IsEvent, bool Restarts, bool IsLast, IReadOnlyList<string>? Only);

/// <summary>Something that is done to the fleet: a verb with its operand, and what belongs to it.</summary>
internal sealed record Deed(string Verb, JsonElement Operand, JsonElement All)
{
    public static Deed? In(JsonElement row, string name) =>
        row.TryGetProperty(name, out var deed) ? new Deed(deed.EnumerateObject().First().Name, deed.EnumerateObject().First().Value, deed) : null;

    /// <summary>The server, where the operand is one.</summary>
    public string Server => Verb == "call" ? Operand[0].GetString()! : Verb is "deploy" or "update" ? StateTable.Text(Operand, "name")! : Operand.GetString()!;

    /// <summary>The tool of a call.</summary>
    public string Tool => Operand[1].GetString()!;

    /// <inheritdoc/>
    public override string ToString() => All.GetRawText();
}
