namespace Fairlead.Tests.Tidy;

/// <summary>eng/tidy-allow.txt: one exception a line, <c>path reason</c>; lines with # are remarks. A path is a file, or a folder for the mirror rule.</summary>
internal sealed class AllowList
{
    public const string Path = "eng/tidy-allow.txt";

    private readonly Dictionary<string, string> _reasons = new(StringComparer.Ordinal);

    public AllowList(string text)
    {
        foreach (var line in text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Where(line => line[0] != '#'))
        {
            var parts = line.Split(' ', 2, StringSplitOptions.TrimEntries);
            _reasons[parts[0]] = parts.Length == 2 ? parts[1] : "";
        }
    }

    public bool Contains(string path) => _reasons.ContainsKey(path);

    /// <summary>Entries that allow nothing: without a reason, or for something that is not there any more.</summary>
    public IEnumerable<string> Check(Func<string, bool> exists)
    {
        foreach (var (path, reason) in _reasons)
        {
            if (reason.Length < 10)
            {
                yield return $"{Path}: '{path}' has no reason. Write why the rule must not hold there, behind the path.";
            }

            if (!exists(path))
            {
                yield return $"{Path}: '{path}' does not exist. Remove the line.";
            }
        }
    }
}
