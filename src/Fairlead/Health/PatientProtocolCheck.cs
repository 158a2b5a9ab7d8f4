using Fairlead.Upstreams;

namespace Fairlead.Health;

/// <summary>The protocol check of one instance over its life: a server that works on a client's call may be silent for as long as that call may take.</summary>
/// <param name="connection">After its handshake.</param>
/// <param name="limit">Longest wait for one check.</param>
/// <param name="patience">Longest silence within a call, <c>timeoutMs</c>.</param>
/// <param name="time">The clock.</param>
/// <remarks>One check at a time. A hung server with steady traffic always has calls open: so the silence is counted from when it was last heard, not from the newest call.</remarks>
internal sealed class PatientProtocolCheck(UpstreamConnection connection, TimeSpan limit, TimeSpan patience, TimeProvider time)
{
    private long _signs = connection.SignsOfLife;
    private long _heardAt = time.GetTimestamp();

    /// <inheritdoc cref="ProtocolCheck.AskAsync"/>
    public async Task<HealthFinding> AskAsync(CancellationToken cancellationToken)
    {
        var finding = await ProtocolCheck.AskAsync(connection, limit, cancellationToken).ConfigureAwait(false);
        var signs = connection.SignsOfLife;
        if (signs != _signs || finding.IsGood)
        {
            (_signs, _heardAt) = (signs, time.GetTimestamp());
        }

        return !finding.IsGood && !connection.Lost.IsCompleted && connection.Pending.HasOwnedCall() && time.GetElapsedTime(_heardAt) <= patience
            ? new HealthFinding(true, $"{finding.Reason}, but it works on a call that may be silent for {patience.TotalSeconds:0.#} s (timeoutMs)")
            : finding;
    }
}
