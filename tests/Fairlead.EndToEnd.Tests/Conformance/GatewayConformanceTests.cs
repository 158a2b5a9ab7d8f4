namespace Fairlead.EndToEnd.Tests.Conformance;

/// <summary>The requirement sets through the gateway, over each transport to the fixture: the same era on both sides, and each era's clients in front of a server that speaks only the other.</summary>
[Collection(ConformanceCollection.Name)]
public sealed class GatewayConformanceTests(DirectRuns direct)
{
    [Theory]
    [InlineData("legacy", "2025-11-25", "http")]
    [InlineData("legacy", "2025-11-25", "stdio")]
    [InlineData("modern", "2026-07-28", "http")]
    [InlineData("modern", "2026-07-28", "stdio")]
    [InlineData("modern", "2025-11-25", "http")]
    [InlineData("modern", "2025-11-25", "stdio")]
    [InlineData("legacy", "2026-07-28", "http")]
    [InlineData("legacy", "2026-07-28", "stdio")]
    public async Task Gateway_WhateverTheErasOfBothSides_NoCheckIsWorseThanDirect(string era, string revision, string upstream) => await GatewayRun.CheckAsync(
        ConformanceFixture.CSharp, era, revision, upstream, await direct.OfAsync(ConformanceFixture.CSharp, revision), ConformanceRun.ExpectedFailures(revision), impossible: []);
}
