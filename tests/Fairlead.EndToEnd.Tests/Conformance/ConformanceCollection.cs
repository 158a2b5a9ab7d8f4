namespace Fairlead.EndToEnd.Tests.Conformance;

/// <summary>The tests that need the direct runs.</summary>
[CollectionDefinition(Name)]
public sealed class ConformanceCollection : ICollectionFixture<DirectRuns>
{
    /// <summary>What the test classes name.</summary>
    public const string Name = "conformance";
}
