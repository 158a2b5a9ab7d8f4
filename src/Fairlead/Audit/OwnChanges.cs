namespace Fairlead.Audit;

/// <summary>Records changes that the program makes in which the manager runs. Those that come another way (REST, a file that changed) are recorded there, with who made them. Any thread.</summary>
/// <param name="log">Null = there is none.</param>
/// <param name="time">The clock.</param>
internal sealed class OwnChanges(AuditLog? log, TimeProvider time)
{
    private static readonly AsyncLocal<bool> s_areRecorded = new();

    /// <summary>Says that whoever sets it records the changes of this flow, as long as it lasts.</summary>
    public static bool AreRecorded
    {
        set => s_areRecorded.Value = value;
    }

    /// <summary>Makes a change and records it, however it ends.</summary>
    /// <param name="what">In the words of the command line.</param>
    /// <param name="server">Which; null = several, or one that the reply names.</param>
    /// <param name="target">The tool or the fault; null = the whole server.</param>
    /// <param name="change">Makes it.</param>
    public Task<T> RunAsync<T>(string what, string? server, string? target, Func<Task<T>> change) => log is null || s_areRecorded.Value ? change() : RecordAsync(log, what, server, target, change);

    private async Task<T> RecordAsync<T>(AuditLog log, string what, string? server, string? target, Func<Task<T>> change)
    {
        var started = time.GetTimestamp();
        var outcome = "failed"; // A bug of ours, or a manager that ends meanwhile.
        try
        {
            var reply = await change().ConfigureAwait(false);
            outcome = "ok";
            return reply;
        }
        catch (McpException failure)
        {
            outcome = failure.Word;
            throw;
        }
        catch (OperationCanceledException)
        {
            outcome = "aborted";
            throw;
        }
        finally
        {
            log.Add(new AuditEntry
            {
                Kind = AuditKind.Change, Principal = "local", Via = "in-process", Server = server, Method = what, Target = target, Verdict = "allowed", Outcome = outcome,
                Micros = (long)time.GetElapsedTime(started).TotalMicroseconds,
            });
        }
    }
}
