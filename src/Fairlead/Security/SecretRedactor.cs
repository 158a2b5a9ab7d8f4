using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Fairlead.Security;

/// <summary>Replaces every known secret value in a text by <c>REDACTED</c>. One for the whole process: logs, errors, APIs and the stderr of
/// children pass through it.</summary>
/// <remarks>Owns the set of known secrets. Any thread may redact and any thread may add; a redaction sees all secrets whose
/// <see cref="Add(IEnumerable{string})"/> returned before it began. Values shorter than 4 characters, numbers shorter than 6 digits (ports, counts) and a few
/// everyday words (<c>true</c>, <c>localhost</c>, <c>production</c>, ...) are not searched for, because that would destroy every text and hide nothing; keys that hold secrets are printed as REDACTED
/// whatever their value is. Besides the value itself its JSON-escaped and percent-encoded forms are found, and the long lines of a value of several lines.
/// A secret that is cut in two by the caller is not found: give whole lines.</remarks>
public sealed partial class SecretRedactor
{
    /// <summary>What a secret is replaced by.</summary>
    public const string Mask = "REDACTED";

    /// <summary>Shortest value that is searched for.</summary>
    public const int LengthMin = 4;

    /// <summary>Shortest number that is searched for.</summary>
    public const int DigitsMin = 6;

    private const int LineLengthMin = 16;

    private static readonly HashSet<string> s_everydayWords = new(StringComparer.OrdinalIgnoreCase)
    {
        "true", "false", "null", "none", "auto", "default", "info", "debug", "trace", "warn", "warning", "error", "localhost", "127.0.0.1",
        "production", "staging", "development", "test", Mask,
    };

    private readonly Lock _gate = new();
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);
    private volatile Patterns? _patterns;

    /// <summary>Knows no secret yet.</summary>
    public SecretRedactor()
    {
    }

    /// <summary>Knows the given secrets.</summary>
    public SecretRedactor(IEnumerable<string> secrets) => Add(secrets);

    /// <summary>Makes more values known. Null and short values are passed over.</summary>
    public void Add(IEnumerable<string> secrets)
    {
        ArgumentNullException.ThrowIfNull(secrets);
        lock (_gate)
        {
            int before = _known.Count;
            foreach (string secret in secrets)
            {
                AddForms_NeedsLock(secret);
            }

            if (_known.Count != before)
            {
                _patterns = new Patterns(_known);
            }
        }
    }

    /// <summary>Makes the secrets of another redactor known here too, such as those of a configuration that was loaded again.</summary>
    public void Add(SecretRedactor other)
    {
        ArgumentNullException.ThrowIfNull(other);
        string[] copy;
        lock (other._gate)
        {
            copy = [.. other._known];
        }

        Add(copy);
    }

    /// <summary>True when the text holds a known secret.</summary>
    public bool Finds(ReadOnlySpan<char> text) => _patterns is { } patterns && text.IndexOfAny(patterns.Search) >= 0;

    /// <summary>The text with each secret replaced; the same instance when there is none. Secrets that overlap are replaced as one.</summary>
    /// <returns>Null only for null.</returns>
    [return: System.Diagnostics.CodeAnalysis.NotNullIfNotNull(nameof(text))]
    public string? Redact(string? text)
    {
        if (text is null || _patterns is not { } patterns)
        {
            return text;
        }

        int start = text.AsSpan().IndexOfAny(patterns.Search);
        if (start < 0)
        {
            return text;
        }

        var clean = new StringBuilder(text.Length);
        int copied = 0;
        while (start >= 0)
        {
            int end = start + patterns.LongestAt(text, start);
            // A second secret may begin inside the first one and reach further: its tail must not stay.
            int next = NextFrom(text, start + 1, patterns);
            while (next >= 0 && next < end)
            {
                end = Math.Max(end, next + patterns.LongestAt(text, next));
                next = NextFrom(text, next + 1, patterns);
            }

            clean.Append(text, copied, start - copied).Append(Mask);
            copied = end;
            start = next;
        }

        return clean.Append(text, copied, text.Length - copied).ToString();
    }

    private static int NextFrom(string text, int from, Patterns patterns)
    {
        int index = text.AsSpan(from).IndexOfAny(patterns.Search);
        return index < 0 ? -1 : index + from;
    }

    private void AddForms_NeedsLock(string? secret)
    {
        if (secret is null || secret.Trim() is not { Length: >= LengthMin } value || s_everydayWords.Contains(value)
            || (value.Length < DigitsMin && value.All(char.IsAsciiDigit)))
        {
            return;
        }

        string escaped = JsonEncodedText.Encode(value).ToString();
        string percent = Uri.EscapeDataString(value);
        _known.UnionWith([value, escaped, SmallHex().Replace(escaped, Small), JsonEncodedText.Encode(value, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).ToString(),
            percent, SmallHex().Replace(percent, Small)]);
        if (value.Contains('\n', StringComparison.Ordinal))
        {
            // A log shows a key of several lines line by line.
            _known.UnionWith(value.Split('\n', StringSplitOptions.TrimEntries)
                .Where(static line => line.Length >= LineLengthMin && !line.StartsWith("-----", StringComparison.Ordinal)));
        }
    }

    // Other programs write the same escapes with small letters.
    private static string Small(Match match) => match.Value.ToLowerInvariant();

    [GeneratedRegex(@"\\u[0-9A-F]{4}|%[0-9A-F]{2}")]
    private static partial Regex SmallHex();

    /// <summary>A frozen set of values to search for.</summary>
    private sealed class Patterns
    {
        private readonly string[] _longestFirst;

        public Patterns(HashSet<string> known)
        {
            _longestFirst = [.. known.OrderByDescending(static value => value.Length)];
            Search = SearchValues.Create(_longestFirst, StringComparison.Ordinal);
        }

        public SearchValues<string> Search { get; }

        /// <summary>Length of the longest value that begins at a place where <see cref="Search"/> found one.</summary>
        public int LongestAt(string text, int index)
        {
            foreach (string value in _longestFirst)
            {
                if (text.AsSpan(index).StartsWith(value, StringComparison.Ordinal))
                {
                    return value.Length;
                }
            }

            throw new System.Diagnostics.UnreachableException("The search found a value that is not in its own list.");
        }
    }
}
