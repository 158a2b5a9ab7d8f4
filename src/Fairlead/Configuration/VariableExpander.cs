using System.Text;
using Fairlead.Security;

namespace Fairlead.Configuration;

/// <summary>What came of one text.</summary>
/// <param name="Text">The text with its references replaced; references without a value stay as they were written.</param>
/// <param name="FromVariable">True when something in it came from a variable or an input, so that the whole counts as secret where it is shown.</param>
/// <param name="Missing">Names of variables that have no value, in order.</param>
/// <param name="Unknown">References of a form that is not understood, as written.</param>
internal sealed record Expansion(string Text, bool FromVariable, IReadOnlyList<string> Missing, IReadOnlyList<string> Unknown);

/// <summary>Replaces <c>${NAME}</c>, <c>${NAME:-default}</c>, <c>${env:NAME}</c>, <c>${input:id}</c>, <c>${workspaceFolder}</c>,
/// <c>${workspaceFolderBasename}</c>, <c>${userHome}</c>, <c>${pathSeparator}</c> and <c>${/}</c>; <c>$${</c> stands for <c>${</c> itself.</summary>
/// <remarks>A variable that is set but empty counts as missing when its name is that of a secret: a <c>.env</c> made from a template holds
/// such lines. What a variable held is never expanded again. Used by one load on one thread.</remarks>
internal sealed class VariableExpander(
    IReadOnlyDictionary<string, string> variables,
    string workspaceFolder,
    string userHome,
    IReadOnlyDictionary<string, InputRequest> inputs,
    Func<InputRequest, string?>? ask)
{
    private readonly Dictionary<string, string?> _asked = new(StringComparer.Ordinal);

    /// <summary>Values that were put into texts and must not be shown.</summary>
    public HashSet<string> Secrets { get; } = new(StringComparer.Ordinal);

    public Expansion Expand(string text)
    {
        if (!text.Contains("${", StringComparison.Ordinal))
        {
            return new Expansion(text, false, [], []);
        }

        var result = new StringBuilder(text.Length);
        List<string> missing = [];
        List<string> unknown = [];
        bool fromVariable = false;
        int at = 0;
        while (true)
        {
            int open = text.IndexOf("${", at, StringComparison.Ordinal);
            int close = open < 0 ? -1 : text.IndexOf('}', open);
            if (close < 0)
            {
                result.Append(text, at, text.Length - at);
                return new Expansion(result.ToString(), fromVariable, missing, unknown);
            }

            if (open > at && text[open - 1] == '$')
            {
                result.Append(text, at, open - 1 - at).Append(text, open, close + 1 - open);
                at = close + 1;
                continue;
            }

            result.Append(text, at, open - at);
            string reference = text[(open + 2)..close];
            at = close + 1;
            switch (Resolve(reference, out string? value))
            {
                case Found.Plain:
                    result.Append(value);
                    break;
                case Found.Variable:
                    result.Append(value);
                    fromVariable = true;
                    break;
                case Found.Missing:
                    missing.Add(value!);
                    result.Append(text, open, close + 1 - open);
                    break;
                default:
                    unknown.Add($"${{{reference}}}");
                    result.Append(text, open, close + 1 - open);
                    break;
            }
        }
    }

    /// <summary>The variable that answers <c>${input:id}</c>.</summary>
    public static string InputVariable(string id) => "FAIRLEAD_INPUT_" + string.Concat(id.Select(static c => char.IsAsciiLetterOrDigit(c) ? char.ToUpperInvariant(c) : '_'));

    /// <param name="value">What was found; for <see cref="Found.Missing"/> the name of the variable.</param>
    /// <param name="reference">What stands between the braces.</param>
    private Found Resolve(string reference, out string? value)
    {
        value = reference switch
        {
            "workspaceFolder" => workspaceFolder,
            "workspaceFolderBasename" => Path.GetFileName(workspaceFolder.TrimEnd('/', '\\')),
            "userHome" => userHome,
            "pathSeparator" or "/" => Path.DirectorySeparatorChar.ToString(),
            _ => null,
        };
        if (value is not null)
        {
            return Found.Plain;
        }

        if (reference.StartsWith("input:", StringComparison.Ordinal) && reference.Length > "input:".Length)
        {
            return Input(reference["input:".Length..], out value);
        }

        string name = reference.StartsWith("env:", StringComparison.Ordinal) ? reference["env:".Length..] : reference;
        string? fallback = null;
        int dash = name.IndexOf(":-", StringComparison.Ordinal);
        if (dash >= 0)
        {
            fallback = name[(dash + 2)..];
            name = name[..dash];
        }

        if (!IsVariableName(name))
        {
            return Found.Unknown;
        }

        if (variables.TryGetValue(name, out value) && (value.Length > 0 || (fallback is null && !SecretNames.IsSecret(name))))
        {
            return Use(name, value);
        }

        value = fallback ?? name;
        return fallback is null ? Found.Missing : Found.Plain;
    }

    private Found Input(string id, out string? value)
    {
        string variable = InputVariable(id);
        if (!variables.TryGetValue(variable, out value) || value.Length == 0)
        {
            if (!_asked.TryGetValue(id, out value))
            {
                InputRequest request = inputs.TryGetValue(id, out InputRequest? declared) ? declared : new InputRequest(id) { Variable = variable };
                value = _asked[id] = ask?.Invoke(request);
            }

            if (string.IsNullOrEmpty(value))
            {
                value = variable;
                return Found.Missing;
            }
        }

        Secrets.Add(value);
        return Found.Variable;
    }

    private Found Use(string name, string value)
    {
        if (SecretNames.IsOrdinaryVariable(name))
        {
            return Found.Plain;
        }

        Secrets.Add(value);
        return Found.Variable;
    }

    private static bool IsVariableName(string name) =>
        name.Length > 0 && !char.IsAsciiDigit(name[0]) && name.All(static c => char.IsAsciiLetterOrDigit(c) || c == '_');

    private enum Found
    {
        Plain,
        Variable,
        Missing,
        Unknown,
    }
}
