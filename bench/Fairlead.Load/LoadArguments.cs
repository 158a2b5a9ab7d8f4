using System.Globalization;

namespace Fairlead.Load;

/// <summary>The `--name value` pairs of the command line.</summary>
internal sealed class LoadArguments
{
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);

    /// <exception cref="ArgumentException">A word is not a `--name`, or a name has no value.</exception>
    public LoadArguments(string[] words)
    {
        for (var i = 0; i < words.Length; i += 2)
        {
            if (!words[i].StartsWith("--", StringComparison.Ordinal) || i + 1 == words.Length)
            {
                throw new ArgumentException($"fairlead-load: '{words[i]}' is not understood; options are written --name value");
            }

            _values[words[i]] = words[i + 1];
        }
    }

    public int Number(string name, int fallback) => _values.TryGetValue(name, out var text) ? int.Parse(text, CultureInfo.InvariantCulture) : fallback;

    public string Text(string name, string fallback) => _values.GetValueOrDefault(name, fallback);

    /// <summary>Prints what the program can do.</summary>
    /// <returns>64, the exit code for a wrong command line.</returns>
    public static int Usage()
    {
        Console.Error.WriteLine("""
            usage: fairlead-load bare [--port N]     the bare web server; prints {"event":"listening","url":...}
            """);
        return 64;
    }
}
