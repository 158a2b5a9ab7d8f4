namespace Fairlead.Budgets.Tests;

/// <summary>The file itself.</summary>
public class BudgetFileTests
{
    [Fact]
    public void File_ForEachLine_ATestMeasuresIt()
    {
        var tests = string.Concat(Directory.GetFiles(Path.Combine(BudgetFile.Root, "tests", "Fairlead.Budgets.Tests"), "*.cs").Select(File.ReadAllText));
        var unmeasured = BudgetFile.Read().Keys.Where(name => !tests.Contains($"\"{name}\"", StringComparison.Ordinal)).ToList();

        if (BudgetFile.IsUpdated && unmeasured.Count > 0)
        {
            var budgets = BudgetFile.Read();
            unmeasured.ForEach(name => budgets.Remove(name));
            BudgetFile.Write(budgets);
            unmeasured.Clear();
        }

        Assert.True(unmeasured.Count == 0, $"{BudgetFile.Path} has lines that no test measures: {string.Join(", ", unmeasured)}. Remove them.");
    }

    [Theory]
    [InlineData(8, 0.0, "worse than its budget of 0 B")]
    [InlineData(0, 8.0, "better than its budget of 8 B")]
    [InlineData(0, null, "has no line for it")]
    public void Describe_WhateverIsWrong_NamesTheLineAndTheCommand(double bytes, double? budget, string said)
    {
        var text = BudgetFile.Describe("wire.scan", bytes, budget);

        Assert.Contains(said, text, StringComparison.Ordinal);
        Assert.Contains($"\"wire.scan\": {bytes}", text, StringComparison.Ordinal);
        Assert.Contains("FAIRLEAD_UPDATE_BUDGETS=1 ./test --filter Budgets", text, StringComparison.Ordinal);
    }
}
