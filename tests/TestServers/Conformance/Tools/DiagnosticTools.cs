using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Fairlead.TestServers.Conformance.Tools;

/// <summary>Tools that make the server show how it treats capabilities, streams, logs and changing lists.</summary>
internal static class DiagnosticTools
{
    private static readonly Lock s_toggle = new();

    /// <summary>Makes the tools anew.</summary>
    /// <param name="fixture">Whose lists the trigger tools change.</param>
    /// <param name="resources">Whose watched resource a trigger tool changes.</param>
    /// <param name="time">Paces the streaming tool.</param>
    public static IEnumerable<FixtureTool> All(Fixture fixture, FixtureResources resources, TimeProvider time) =>
    [
        new FixtureTool(
            "test_missing_capability",
            "Needs a client that declares sampling",
            FixtureTool.NoArguments,
            (context, _) => ValueTask.FromResult(NeedSampling(context, fixture.Era))),
        new FixtureTool(
            "test_streaming_elicitation",
            "Sends notifications before its question",
            FixtureTool.NoArguments,
            (context, token) => StreamAsync(context, time, token)),
        new FixtureTool("test_logging_tool", "Logs only for callers that asked for it", FixtureTool.NoArguments, async (context, token) =>
        {
            await Logs.InfoAsync(context, "test_logging_tool executed", token);
            return FixtureTool.Text("Logged, if the call asked for it");
        }),
        new FixtureTool("test_trigger_tool_change", "Adds a tool, or removes it again", FixtureTool.NoArguments, (_, _) =>
        {
            const string Name = "test_added_tool";
            Toggle(fixture.Tools, () => new FixtureTool(Name, "Comes and goes", """{"content":[{"type":"text","text":"I am here"}]}"""), Name);
            return ValueTask.FromResult(FixtureTool.Text("The list of tools changed"));
        }),
        new FixtureTool("test_trigger_prompt_change", "Adds a prompt, or removes it again", FixtureTool.NoArguments, (_, _) =>
        {
            Toggle(fixture.Prompts, () => FixturePrompts.Simple("test_added_prompt", "Comes and goes"), "test_added_prompt");
            return ValueTask.FromResult(FixtureTool.Text("The list of prompts changed"));
        }),
        new FixtureTool("test_trigger_resource_change", "Changes test://watched-resource", FixtureTool.NoArguments, async (_, token) =>
        {
            await resources.TouchAsync(token);
            return FixtureTool.Text("The resource changed");
        }),
    ];

    private static CallToolResult NeedSampling(ToolCall context, FixtureEra era)
    {
        if (context.Server.ClientCapabilities?.Sampling is null)
        {
            throw new MissingRequiredClientCapabilityException(new ClientCapabilities { Sampling = new() }, "This tool needs a client that declares 'sampling'.");
        }

        // Capabilities are fixed for a legacy session, which may stand for several clients: only asking shows whether this one has a model to lend.
        return era == FixtureEra.Modern || Questions.SampledText(context.Params, "proof") is not null
            ? FixtureTool.Text("The client declares sampling")
            : throw new InputRequiredException(new Dictionary<string, InputRequest> { ["proof"] = Questions.Sampling("Say yes.", 10) });
    }

    // 2026-07-28: a stream carries notifications and one result, never a request; the question comes as the result.
    private static async ValueTask<CallToolResult> StreamAsync(ToolCall context, TimeProvider time, CancellationToken cancellationToken)
    {
        if (Questions.ElicitedText(context.Params, "user_name", "name") is { } name)
        {
            return FixtureTool.Text($"Hello, {name}!");
        }

        if (context.Params.ProgressToken is { } token)
        {
            var progress = new ProgressNotificationValue { Progress = 0, Total = 1 };
            await context.Server.NotifyProgressAsync(token, progress, cancellationToken: cancellationToken);
            await Task.Delay(TimeSpan.FromMilliseconds(20), time, cancellationToken);
        }

        throw new InputRequiredException(new Dictionary<string, InputRequest>
        {
            ["user_name"] = Questions.Elicitation("What is your name?", Questions.RequiredProperty("name", "string")),
        });
    }

    private static void Toggle<T>(McpServerPrimitiveCollection<T> collection, Func<T> create, string name)
        where T : class, IMcpServerPrimitive
    {
        lock (s_toggle)
        {
            if (collection.TryGetPrimitive(name, out var existing))
            {
                collection.Remove(existing);
            }
            else
            {
                collection.Add(create());
            }
        }
    }
}
