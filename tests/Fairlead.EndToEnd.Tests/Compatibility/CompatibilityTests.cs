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
        var rows = await Task.WhenAll(fleet.Gateways.Select(gateway => RunAsync(transport, revision, gateway.Url, gateway.Kinds)));
        var row = rows.SelectMany(static cells => cells).ToArray();

        Assert.DoesNotContain(fleet.World.Said.All, static line => line.StartsWith("fault ", StringComparison.Ordinal));
        CompatibilityDocument.Record(transport, revision, row);
    }

    [Fact]
    public void Document_ListsTheRefusals_AsTheRowsExpectThem() => CompatibilityDocument.RecordRefusals();

    private static async Task<HashSet<string>> ToolsAsync(RevisionClient client) =>
        (await client.AskAsync("tools/list", []))["result"]!["tools"]!.AsArray().Select(static tool => (string)tool!["name"]!).ToHashSet(StringComparer.Ordinal);

    /// <summary>The cells of one client at the servers of one gateway.</summary>
    private async Task<IEnumerable<(ServerKind Kind, Dictionary<Feature, Outcome> Outcomes)>> RunAsync(string transport, string revision, Uri gateway, IReadOnlyList<ServerKind> kinds)
    {
        await using var client = await RevisionClient.OpenAsync(transport, revision, gateway);
        if (!client.IsModern)
        {
            Assert.NotNull((await client.AskAsync("logging/setLevel", new JsonObject { ["level"] = "info" }))["result"]);
        }

        var listen = client.IsModern ? await ListenSubscription.OpenAsync(client, kinds.Select(static kind => $"matrix://{kind.Name}/watched")) : null;
        var listed = await ToolsAsync(client);
        var cells = await Task.WhenAll(kinds.Select(kind => new FeatureChecks(client, kind, fleet.World, listed, listen).RunAsync()));
        foreach (var (cell, grown) in cells.Zip(await GrowAsync(client, kinds, listen)))
        {
            cell[Feature.ListChanged] = grown;
        }

        if (listen is not null)
        {
            await listen.CloseAsync();
        }

        var wrong = new StringBuilder();
        foreach (var (kind, cell) in kinds.Zip(cells))
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
        return kinds.Zip(cells, static (kind, cell) => (kind, cell.ToDictionary(static seen => seen.Key, static seen => seen.Value.Outcome!.Value)));
    }

    /// <summary>Each server gets a new tool; after each notification the client looks which of them it can see.</summary>
    private async Task<(Outcome? Outcome, string Seen)[]> GrowAsync(RevisionClient client, IReadOnlyList<ServerKind> kinds, ListenSubscription? listen)
    {
        var tag = Guid.NewGuid().ToString("N")[..8];
        var heard = client.Notifications.All.Length;
        foreach (var kind in kinds)
        {
            fleet.World.Tell($"grow {kind.Name} {tag}");
        }

        var missing = kinds.Select(kind => $"{kind.Name}__late-{tag}").ToHashSet(StringComparer.Ordinal);
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
            return [.. kinds.Select(kind => missing.Contains($"{kind.Name}__late-{tag}") ? (default(Outcome?), exception.Message) : (Outcome.Passes, ""))];
        }

        return [.. kinds.Select(static _ => ((Outcome?)Outcome.Passes, ""))];
    }
}
