using System.Text;
using System.Text.Json.Nodes;

namespace Fairlead.EndToEnd.Tests.Compatibility;

/// <summary>Every revision over every transport on one side against every one on the other, feature by feature (decision 19): each passes, or ends exactly as protocol.md 6 and 6.1 say.</summary>
public sealed class CompatibilityTests(MatrixFleet fleet) : IClassFixture<MatrixFleet>
{
    /// <summary>The rows: client transport and revision. The same kinds as the servers.</summary>
    public static TheoryData<string, string> Clients()
    {
        var data = new TheoryData<string, string>();
        foreach (var kind in MatrixFleet.Kinds)
        {
            data.Add(kind.Transport, kind.Revision);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Clients))]
    public async Task Client_OfARevision_UsesServersOfEveryRevision(string transport, string revision)
    {
        await using var client = await RevisionClient.OpenAsync(transport, revision, fleet.Gateway);
        if (!client.IsModern)
        {
            Assert.NotNull((await client.AskAsync("logging/setLevel", new JsonObject { ["level"] = "info" }))["result"]);
        }

        var listen = client.IsModern ? await ListenSubscription.OpenAsync(client, MatrixFleet.Kinds.Select(static kind => $"matrix://{kind.Name}/watched")) : null;
        var listed = await ToolsAsync(client);
        var cells = await Task.WhenAll(MatrixFleet.Kinds.Select(kind => new FeatureChecks(client, kind, fleet.World, listed, listen).RunAsync()));
        foreach (var (cell, grown) in cells.Zip(await GrowAsync(client, listen)))
        {
            cell[Feature.ListChanged] = grown;
        }

        if (listen is not null)
        {
            await listen.CloseAsync();
        }

        var wrong = new StringBuilder();
        foreach (var (kind, cell) in MatrixFleet.Kinds.Zip(cells))
        {
            foreach (var (feature, (outcome, seen)) in cell)
            {
                var expected = Expectation.Of(revision, kind.Revision, feature);
                if (outcome != expected)
                {
                    wrong.AppendLine($"{kind.Name} {feature}: {expected} expected, but: {outcome} {seen}");
                }
            }
        }

        Assert.True(wrong.Length == 0, $"{transport} {revision}:\n{wrong}");
        Assert.Empty(client.Faults);
        Assert.DoesNotContain(fleet.World.Said.All, static line => line.StartsWith("fault ", StringComparison.Ordinal));
        CompatibilityDocument.Record(transport, revision, MatrixFleet.Kinds.Zip(cells, static (kind, cell) => (kind, cell.ToDictionary(static seen => seen.Key, static seen => seen.Value.Outcome!.Value))));
    }

    [Fact]
    public void Document_ListsTheRefusals_AsTheRowsExpectThem() => CompatibilityDocument.RecordRefusals();

    private static async Task<HashSet<string>> ToolsAsync(RevisionClient client) =>
        (await client.AskAsync("tools/list", []))["result"]!["tools"]!.AsArray().Select(static tool => (string)tool!["name"]!).ToHashSet(StringComparer.Ordinal);

    /// <summary>Each server gets a new tool; after each notification the client looks which of them it can see.</summary>
    private async Task<(Outcome? Outcome, string Seen)[]> GrowAsync(RevisionClient client, ListenSubscription? listen)
    {
        var tag = Guid.NewGuid().ToString("N")[..8];
        var heard = client.Notifications.All.Length;
        foreach (var kind in MatrixFleet.Kinds)
        {
            fleet.World.Tell($"grow {kind.Name} {tag}");
        }

        var missing = MatrixFleet.Kinds.Select(kind => $"{kind.Name}__late-{tag}").ToHashSet(StringComparer.Ordinal);
        try
        {
            while (missing.Count > 0)
            {
                await client.Notifications.FirstAsync(
                    note => (string?)note["method"] == "notifications/tools/list_changed" && (listen is null || listen.IsMine(note)),
                    $"that the list of tools changed, without {string.Join(' ', missing)}",
                    heard);
                heard = client.Notifications.All.Length;
                missing.ExceptWith(await ToolsAsync(client));
            }
        }
        catch (TimeoutException exception)
        {
            return [.. MatrixFleet.Kinds.Select(kind => missing.Contains($"{kind.Name}__late-{tag}") ? (default(Outcome?), exception.Message) : (Outcome.Passes, ""))];
        }

        return [.. MatrixFleet.Kinds.Select(static _ => ((Outcome?)Outcome.Passes, ""))];
    }
}
