using Fairlead.Cli.Output;
using Fairlead.Cli.Running;

namespace Fairlead.Cli.Clients;

/// <summary><c>fairlead import --undo</c> and <c>fairlead connect CLIENT --undo</c>: takes the latest change of that kind back.</summary>
/// <param name="at">Where the journal is.</param>
/// <param name="terminal">Where to print.</param>
/// <param name="time">The clock of the journal.</param>
internal sealed class UndoRun(Surroundings at, Terminal terminal, TimeProvider time)
{
    /// <summary>Runs it. Nobody is asked: whoever writes <c>--undo</c> wants it, and nothing that was changed since is touched.</summary>
    /// <param name="kind">import or connect.</param>
    /// <param name="client">The client's word; null for import.</param>
    /// <param name="isDry">Say what would be done, and do nothing.</param>
    /// <returns>The exit code.</returns>
    public int Run(string kind, string? client, bool isDry)
    {
        try
        {
            var journal = ChangeJournal.Open(at.StateFolder, time, text => terminal.Error("warning: " + text));
            if (journal.Latest(kind, client) is not { } change)
            {
                return Fail($"there is nothing to undo: no {kind}{(client is null ? "" : $" of {client}")} is remembered in {at.StateFolder}. If another state folder was used then, name it with --state.");
            }

            var outcome = ChangeUndo.Plan(change, out var content, out var present);
            if (!outcome.IsPossible)
            {
                return Fail(outcome.Text);
            }

            terminal.Line(CellText.Clean(outcome.Text));
            if (isDry)
            {
                return ExitCodes.Ok;
            }

            if (outcome.IsChange && content is null)
            {
                File.Delete(change.File);
            }
            else if (outcome.IsChange)
            {
                FileReplacement.Write(change.File, present, content!);
            }

            journal.Forget(change);
            terminal.Line("Undone.");
            return ExitCodes.Ok;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            return Fail(exception.Message);
        }
    }

    private int Fail(string reason)
    {
        terminal.Error("fairlead: " + CellText.Clean(reason));
        return ExitCodes.Failed;
    }
}
