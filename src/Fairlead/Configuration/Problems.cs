using Fairlead.Security;

namespace Fairlead.Configuration;

/// <summary>Collects everything that is wrong or odd, and finds the place in the file for a key that a rule complains about.</summary>
/// <remarks>Used by one load on one thread.</remarks>
internal sealed class Problems(string? file)
{
    private readonly List<ConfigurationError> _errors = [];
    private readonly List<ConfigurationError> _warnings = [];

    /// <summary>Path of a key, spelled as the product spells it, to the node it was read from. A rule that runs later finds the line here.</summary>
    public Dictionary<string, ConfigNode> Places { get; } = new(StringComparer.Ordinal);

    public void Error(string key, string? value, string rule, string fix) => _errors.Add(Located(key, value, rule, fix));

    public void Warning(string key, string? value, string rule, string fix) => _warnings.Add(Located(key, value, rule, fix));

    public void ErrorAt(int line, int column, string key, string? value, string rule, string fix) =>
        _errors.Add(new ConfigurationError(key, value, rule, fix) { File = file, Line = line, Column = column });

    public void ErrorAt(ConfigNode node, string? value, string rule, string fix) => _errors.Add(At(node, node.Path, value, rule, fix));

    public void WarningAt(ConfigNode node, string? value, string rule, string fix) => _warnings.Add(At(node, node.Path, value, rule, fix));

    /// <summary>A warning about another file than the configuration.</summary>
    public void WarningIn(string otherFile, int? line, string rule, string fix) =>
        _warnings.Add(new ConfigurationError("", null, rule, fix) { File = otherFile, Line = line, Column = line is null ? null : 1 });

    /// <summary>The errors in the order of the file, free of the secrets the redactor knows.</summary>
    public IReadOnlyList<ConfigurationError> Errors(SecretRedactor redactor) => Clean(_errors, redactor);

    /// <summary>The warnings in the order of the file, free of the secrets the redactor knows.</summary>
    public IReadOnlyList<ConfigurationError> Warnings(SecretRedactor redactor) => Clean(_warnings, redactor);

    private static ConfigurationError[] Clean(List<ConfigurationError> problems, SecretRedactor redactor) =>
        [.. problems.OrderBy(static problem => problem.Line ?? int.MaxValue).ThenBy(static problem => problem.Column ?? 0)
            .Select(problem => problem with
            {
                Key = redactor.Redact(problem.Key),
                Value = redactor.Redact(problem.Value),
                Rule = redactor.Redact(problem.Rule),
                Fix = redactor.Redact(problem.Fix),
            }).Distinct()];

    private ConfigurationError Located(string key, string? value, string rule, string fix)
    {
        if (Places.TryGetValue(key, out ConfigNode? node))
        {
            return At(node, node.Path, value, rule, fix);
        }

        // No such key was written: the nearest object around it is the place to write it.
        for (string parent = ParentOf(key); parent.Length > 0; parent = ParentOf(parent))
        {
            if (Places.TryGetValue(parent, out node))
            {
                return At(node, node.Path + key[parent.Length..], value, rule, fix);
            }
        }

        return new ConfigurationError(key, value, rule, fix) { File = file };
    }

    private ConfigurationError At(ConfigNode node, string key, string? value, string rule, string fix) => node.Line == 0
        ? new ConfigurationError(key, value, rule, fix)
        : new ConfigurationError(key, value, rule, fix) { File = file, Line = node.Line, Column = node.Column };

    private static string ParentOf(string path)
    {
        int end = path.LastIndexOfAny(['.', '[']);
        return end <= 0 ? "" : path[..end];
    }
}
