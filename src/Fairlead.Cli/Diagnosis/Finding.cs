namespace Fairlead.Cli.Diagnosis;

/// <summary>How bad a finding is.</summary>
internal enum Verdict
{
    /// <summary>As it should be.</summary>
    Ok,

    /// <summary>It works, or will once somebody has done something; or it is odd.</summary>
    Warn,

    /// <summary>It cannot work.</summary>
    Fail,
}

/// <summary>One line of <c>fairlead doctor</c>.</summary>
/// <param name="Check">The name of the check; docs/cli.md lists them.</param>
/// <param name="Verdict">How bad.</param>
/// <param name="Found">What was found, in a sentence without secrets.</param>
/// <param name="Mend">What to do; null where there is nothing to do.</param>
/// <param name="Server">The server it is about; null = none.</param>
internal sealed record Finding(string Check, Verdict Verdict, string Found, string? Mend = null, string? Server = null);
