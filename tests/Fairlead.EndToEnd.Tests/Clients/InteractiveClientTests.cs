using Fairlead.TestKit;

namespace Fairlead.EndToEnd.Tests.Clients;

/// <summary>Clients as people have them, of both SDKs and both eras, at servers of both eras that ask back: forms, the client's model, its roots, several rounds, progress beside a question.</summary>
public sealed class InteractiveClientTests(InteractiveFleet fleet) : IClassFixture<InteractiveFleet>
{
    private const string Elicit = "test_input_required_result_elicitation";

    /// <summary>SDK and revision of the client, and the server.</summary>
    public static TheoryData<string, string, string> Pairs()
    {
        var pairs = new TheoryData<string, string, string>();
        foreach (var sdk in (string[])["csharp", "typescript"])
        {
            foreach (var revision in (string[])["2025-11-25", "2026-07-28"])
            {
                foreach (var server in (string[])["npm-legacy", "npm-modern", "cs-legacy", "cs-modern"])
                {
                    pairs.Add(sdk, revision, server);
                }
            }
        }

        return pairs;
    }

    [Theory]
    [MemberData(nameof(Pairs))]
    public async Task Client_WhenTheServerAsks_AnswersUnderItsOwnName(string sdk, string revision, string server)
    {
        await AssertAnswersAsync(sdk, revision, new ClientTarget(fleet.Gateway.Identity(server)), "");
        await AssertAnswersAsync(sdk, revision, new ClientTarget(fleet.Gateway.Aggregate), server + "__");
    }

    [Theory]
    [InlineData("csharp", "2025-11-25", "cs-modern")]
    [InlineData("csharp", "2026-07-28", "npm-legacy")]
    [InlineData("typescript", "2025-11-25", "npm-modern")]
    [InlineData("typescript", "2026-07-28", "cs-legacy")]
    public async Task Client_WhenItComesOnStdio_AnswersUnderItsOwnName(string sdk, string revision, string server) => await AssertAnswersAsync(
        sdk, revision, new ClientTarget(null, "dotnet", RepositoryPaths.Cli, "stdio", "--url", fleet.Gateway.Url.ToString()), server + "__");

    [Theory]
    [InlineData("csharp", "2025-11-25", "typescript", "2026-07-28")]
    [InlineData("typescript", "2025-11-25", "csharp", "2026-07-28")]
    [InlineData("csharp", "2026-07-28", "typescript", "2026-07-28")]
    [InlineData("csharp", "2025-11-25", "typescript", "2025-11-25")]
    public async Task TwoClients_WhenBothAreAskedAtOnceByAStdioServer_SeeTheirOwnQuestionsOnly(string sdk, string revision, string otherSdk, string otherRevision)
    {
        var target = new ClientTarget(fleet.Gateway.Identity("npm-legacy"));

        // The first question shows that the server asks; from then on each client has an instance of its own.
        await using (var first = await InteractiveClient.ConnectAsync("csharp", "the first", "2025-11-25", target))
        {
            await first.CallAsync(Elicit);
        }

        await using var one = await InteractiveClient.ConnectAsync(sdk, $"one {sdk} {revision}", revision, target);
        await using var other = await InteractiveClient.ConnectAsync(otherSdk, $"other {otherSdk} {otherRevision}", otherRevision, target);
        for (var round = 0; round < 3; round++)
        {
            var (mine, theirs) = (Message(one, round), Message(other, round));
            var call = one.CallAndHoldAsync("test_elicitation", mine, out var asked);
            var otherCall = other.CallAndHoldAsync("test_elicitation", theirs, out var otherAsked);

            Assert.Equal(mine["message"], await Guard.WithinAsync(asked, $"the question to {one.Name}"));
            Assert.Equal(theirs["message"], await Guard.WithinAsync(otherAsked, $"the question to {other.Name}"));
            await other.AnswerAsync();
            AssertOwn(other, theirs["message"], await otherCall);
            await one.AnswerAsync();
            AssertOwn(one, mine["message"], await call);
        }
    }

    private static async Task AssertAnswersAsync(string sdk, string revision, ClientTarget target, string prefix)
    {
        await using var client = await InteractiveClient.ConnectAsync(sdk, $"{sdk} {revision}", revision, target);

        var elicited = await client.CallAsync(prefix + Elicit);
        Assert.Equal($"Hello, name of {client.Name}!", elicited.Text);
        Assert.Equal(["What is your name?"], elicited.Questions);

        var sampled = await client.CallAsync(prefix + "test_input_required_result_sampling");
        Assert.Equal($"The model says: model of {client.Name}", sampled.Text);
        Assert.Equal(["What is the capital of France?"], sampled.Questions);

        var roots = await client.CallAsync(prefix + "test_input_required_result_list_roots");
        Assert.Equal($"Roots: file:///roots/{client.Name}", roots.Text);
        Assert.Equal(["roots"], roots.Questions);

        var rounds = await client.CallAsync(prefix + "test_input_required_result_multi_round");
        Assert.Equal($"name of {client.Name} likes color of {client.Name}", rounds.Text);
        Assert.Equal(["Step 1: What is your name?", "Step 2: What is your favorite color?"], rounds.Questions);

        var streamed = await client.CallAsync(prefix + "test_streaming_elicitation");
        Assert.Equal($"Hello, name of {client.Name}!", streamed.Text);
        Assert.Equal(["What is your name?"], streamed.Questions);
        await Guard.WithinAsync(client.Progressed, "the progress before the question");
    }

    private static Dictionary<string, string> Message(InteractiveClient client, int round) => new() { ["message"] = $"round {round} for {client.Name}" };

    private static void AssertOwn(InteractiveClient client, string message, CallOutcome outcome)
    {
        Assert.Equal([message], outcome.Questions);
        Assert.Contains($"username of {client.Name}", outcome.Text, StringComparison.Ordinal);
    }
}
