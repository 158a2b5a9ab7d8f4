using Fairlead.Configuration;

namespace Fairlead.Health;

/// <summary>Counts what one check of one instance found in a row, and says when that is enough. Used by its monitor alone.</summary>
internal sealed class HealthTally
{
    private string? _reason;

    /// <summary>Bad findings since the last good one.</summary>
    public int FailuresInARow { get; private set; }

    /// <summary>Good findings since the last bad one.</summary>
    public int SuccessesInARow { get; private set; }

    /// <summary>Whether <see cref="HealthCheckOptions.UnhealthyAfter"/> was reached, and since then not <see cref="HealthCheckOptions.HealthyAfter"/>.</summary>
    public bool IsUnhealthy { get; private set; }

    /// <summary>Counts a finding.</summary>
    public void Note(HealthFinding finding, HealthCheckOptions options)
    {
        if (!finding.IsGood)
        {
            FailuresInARow++;
            SuccessesInARow = 0;
            _reason = finding.Reason;
            IsUnhealthy |= FailuresInARow >= options.UnhealthyAfter;
            return;
        }

        SuccessesInARow++;
        FailuresInARow = 0;
        IsUnhealthy &= SuccessesInARow < options.HealthyAfter;
    }

    /// <summary>The tally in words; null when nothing speaks against the server. They stay the same while it goes on to fail, so that nobody is told again and again.</summary>
    public string? Describe(HealthCheckOptions options) => (IsUnhealthy, FailuresInARow) switch
    {
        (true, 0) => $"{SuccessesInARow} of {options.HealthyAfter} good health checks since it failed: {_reason}",
        (true, var failures) => failures < options.UnhealthyAfter || options.UnhealthyAfter == 1 ? $"its health check failed: {_reason}" : $"{options.UnhealthyAfter} health checks in a row failed: {_reason}",
        (false, > 0) => $"{FailuresInARow} of {options.UnhealthyAfter} health checks failed: {_reason}",
        _ => null,
    };
}
