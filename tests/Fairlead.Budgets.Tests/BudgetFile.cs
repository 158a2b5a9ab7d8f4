using System.Globalization;
using System.Text;
using System.Text.Json;

[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace Fairlead.Budgets.Tests;

/// <summary>The budgets in <c>bench/budgets.json</c>, which the tests of this project measure and compare one by one.</summary>
/// <remarks>
/// Equality is asked for, in both directions: a figure that became better and is not written down could become worse again unseen. With <c>FAIRLEAD_UPDATE_BUDGETS=1</c> what is measured is
/// written instead of compared. Tests run one after the other, so nobody else writes meanwhile.
/// </remarks>
internal static class BudgetFile
{
    public const string Path = "bench/budgets.json";

    private const string About =
        "What the request path may allocate, in bytes per operation, and how large its objects are, in bytes. tests/Fairlead.Budgets.Tests measures each and asks for exactly this. "
        + "Rewritten by: FAIRLEAD_UPDATE_BUDGETS=1 ./test --filter Budgets";

    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };

    /// <summary>The folder that holds Fairlead.slnx.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Whether this run writes the file.</summary>
    public static bool IsUpdated => Environment.GetEnvironmentVariable("FAIRLEAD_UPDATE_BUDGETS") == "1";

    /// <summary>All budgets by name.</summary>
    public static SortedDictionary<string, double> Read()
    {
        using var document = JsonDocument.Parse(File.ReadAllText(System.IO.Path.Combine(Root, Path)));
        var budgets = document.RootElement.GetProperty("budgets").EnumerateObject().ToDictionary(static line => line.Name, static line => line.Value.GetDouble(), StringComparer.Ordinal);
        return new SortedDictionary<string, double>(budgets, StringComparer.Ordinal);
    }

    /// <summary>Compares one figure with its budget, or writes it down.</summary>
    /// <param name="name">The name in the file, written out: another test looks for it in the sources.</param>
    /// <param name="bytes">What was measured.</param>
    public static void Check(string name, double bytes)
    {
        var budgets = Read();
        if (IsUpdated)
        {
            budgets[name] = bytes;
            Write(budgets);
        }

        Assert.True(
            budgets.TryGetValue(name, out var budget) && budget == bytes,
            Describe(name, bytes, budgets.TryGetValue(name, out budget) ? budget : null));
    }

    /// <summary>What a reader of a failed run needs: both figures, the line, and the command.</summary>
    internal static string Describe(string name, double bytes, double? budget)
    {
        var said = budget is { } known ? $"{(bytes < known ? "better" : "worse")} than its budget of {Text(known)} B" : $"and {Path} has no line for it";
        return $"{name}: {Text(bytes)} B, {said}. When that is meant, the line in {Path} is\n    \"{name}\": {Text(bytes)}\nand FAIRLEAD_UPDATE_BUDGETS=1 ./test --filter Budgets writes it.";
    }

    /// <summary>Replaces all budgets.</summary>
    public static void Write(SortedDictionary<string, double> budgets) =>
        File.WriteAllText(System.IO.Path.Combine(Root, Path), JsonSerializer.Serialize(new { about = About, budgets }, s_indented) + "\n", new UTF8Encoding(false));

    private static string Text(double bytes) => bytes.ToString(CultureInfo.InvariantCulture);

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "Fairlead.slnx")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException($"No folder above '{AppContext.BaseDirectory}' holds Fairlead.slnx; run the tests from a clone.");
    }
}
