using Fairlead.Security;

namespace Fairlead.Configuration;

/// <summary>One thing that is wrong in the configuration, with the way to mend it. Texts are free of secrets.</summary>
/// <param name="Key">Path of the key, such as <c>servers.git.timeoutMs</c>; empty for the file as a whole.</param>
/// <param name="Value">What was found, as the user wrote it; null where nothing was found.</param>
/// <param name="Rule">What would be right.</param>
/// <param name="Fix">What to do.</param>
public sealed record ConfigurationError(string Key, string? Value, string Rule, string Fix)
{
    /// <summary>The file, or null when the value came from elsewhere (a flag, a variable, code).</summary>
    public string? File { get; init; }

    /// <summary>Line in <see cref="File"/>, from 1. Null when unknown.</summary>
    public int? Line { get; init; }

    /// <summary>Column in <see cref="File"/>, from 1, in characters. Null when unknown.</summary>
    public int? Column { get; init; }

    /// <summary>One line for people: place, key, value, rule, fix.</summary>
    public override string ToString()
    {
        string place = File is null ? "" : Line is null ? $"{File}: " : $"{File}:{Line}:{Column}: ";
        string key = Key.Length == 0 ? "" : Value is null ? $"{Key}: " : $"{Key} = {Value}: ";
        return $"{place}{key}{Rule} {Fix}".TrimEnd();
    }
}

/// <summary>What came of reading one server.</summary>
/// <param name="Config">The server in its final form; with errors what could be read of it, which must not be deployed. Null when there is none.</param>
/// <param name="Errors">Everything that is wrong. Empty = good.</param>
/// <param name="Warnings">What looks odd.</param>
/// <param name="Redactor">Knows the entry's secrets.</param>
internal sealed record ServerEntryResult(ServerConfig? Config, IReadOnlyList<ConfigurationError> Errors, IReadOnlyList<ConfigurationError> Warnings, SecretRedactor Redactor);

/// <summary>What came of loading: usable options, or the list of everything that is wrong.</summary>
public sealed class ConfigurationResult
{
    /// <summary>The options. With <see cref="Errors"/> they hold what could be read and must not be started.</summary>
    public required FairleadOptions Options { get; init; }

    /// <summary>Everything that is wrong, in the order of the file. Empty = good.</summary>
    public required IReadOnlyList<ConfigurationError> Errors { get; init; }

    /// <summary>Things that were understood but look odd, such as a key of another program.</summary>
    public required IReadOnlyList<ConfigurationError> Warnings { get; init; }

    /// <summary>Servers that wait for a variable: name of the server to names of the variables.</summary>
    public required IReadOnlyDictionary<string, IReadOnlyList<string>> MissingVariables { get; init; }

    /// <summary>Knows every secret value that was found. Give it to logs, errors and APIs.</summary>
    public required SecretRedactor Redactor { get; init; }

    /// <summary>The file that was read, as a full path; null when there was none.</summary>
    public string? File { get; init; }

    /// <summary>Whose format the file is in.</summary>
    public ConfigurationFormat Format { get; init; }

    /// <summary>True when there are no errors.</summary>
    public bool IsValid => Errors.Count == 0;
}
