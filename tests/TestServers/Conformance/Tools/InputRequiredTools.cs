using System.Text.Json;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Fairlead.TestServers.Conformance.Tools;

/// <summary>Tools for multi round-trip requests (2026-07-28 basic/utilities/mrtr), each with the keys that the suite looks for.</summary>
internal static class InputRequiredTools
{
    private static readonly string s_nameForm = Questions.RequiredProperty("name", "string");
    private static readonly string s_okForm = Questions.RequiredProperty("ok", "boolean");

    /// <summary>Makes the tools anew.</summary>
    public static IEnumerable<FixtureTool> All() =>
    [
        Tool("elicitation", "Asks for a name", AskName),
        Tool("sampling", "Asks the client's model", AskModel),
        Tool("list_roots", "Asks for the client's roots", AskRoots),
        Tool("request_state", "Asks with a signed state", context => Confirm(context, "request_state", "state-ok")),
        Tool("tampered_state", "Refuses a state that was changed", context => Confirm(context, "tampered_state", "integrity-ok")),
        Tool("multiple_inputs", "Asks three questions at once", AskAll),
        Tool("multi_round", "Asks in two rounds", AskTwice),
        Tool("capabilities", "Asks only what the client can answer", AskDeclared),
    ];

    private static FixtureTool Tool(string suffix, string description, Func<ToolCall, CallToolResult> body) =>
        new($"test_input_required_result_{suffix}", description, FixtureTool.NoArguments, (context, _) => ValueTask.FromResult(body(context)));

    private static CallToolResult AskName(ToolCall context) =>
        Questions.ElicitedText(context.Params, "user_name", "name") is { } name
            ? FixtureTool.Text($"Hello, {name}!")
            : throw Ask(null, ("user_name", Questions.Elicitation("What is your name?", s_nameForm)));

    private static CallToolResult AskModel(ToolCall context) =>
        Questions.SampledText(context.Params, "capital_question") is { } text
            ? FixtureTool.Text($"The model says: {text}")
            : throw Ask(null, ("capital_question", Questions.Sampling("What is the capital of France?", 100)));

    private static CallToolResult AskRoots(ToolCall context) =>
        RootUris(context) is { } uris
            ? FixtureTool.Text($"Roots: {uris}")
            : throw Ask(null, ("client_roots", Questions.Roots()));

    private static CallToolResult Confirm(ToolCall context, string purpose, string done)
    {
        if (Questions.Answer(context.Params, "confirm") is null)
        {
            throw Ask(purpose, ("confirm", Questions.Elicitation("Please confirm", s_okForm)));
        }

        RequireState(context, purpose);
        return FixtureTool.Text(done);
    }

    private static CallToolResult AskAll(ToolCall context)
    {
        const string Purpose = "multiple_inputs";
        if (Questions.ElicitedText(context.Params, "user_name", "name") is not { } name
            || Questions.SampledText(context.Params, "greeting") is not { } greeting
            || RootUris(context) is not { } roots)
        {
            throw Ask(
                Purpose,
                ("user_name", Questions.Elicitation("What is your name?", s_nameForm)),
                ("greeting", Questions.Sampling("Generate a greeting", 50)),
                ("client_roots", Questions.Roots()));
        }

        RequireState(context, Purpose);
        return FixtureTool.Text($"{greeting} {name}, your roots are {roots}");
    }

    // The answers of a round come back only once, so the first one travels inside the state.
    private static CallToolResult AskTwice(ToolCall context)
    {
        const string Second = "multi_round:2:";
        if (context.Params.RequestState is null)
        {
            throw Ask("multi_round:1", ("step1", Questions.Elicitation("Step 1: What is your name?", s_nameForm)));
        }

        var state = StateSeal.Open(context.Params.RequestState) ?? throw BadState();
        if (Questions.ElicitedText(context.Params, "step1", "name") is { } name)
        {
            throw Ask(Second + name, ("step2", Questions.Elicitation("Step 2: What is your favorite color?", Questions.RequiredProperty("color", "string"))));
        }

        return state.StartsWith(Second, StringComparison.Ordinal) && Questions.ElicitedText(context.Params, "step2", "color") is { } color
            ? FixtureTool.Text($"{state[Second.Length..]} likes {color}")
            : throw Ask("multi_round:1", ("step1", Questions.Elicitation("Step 1: What is your name?", s_nameForm)));
    }

    private static CallToolResult AskDeclared(ToolCall context)
    {
        if (context.Params.InputResponses is { Count: > 0 } answers)
        {
            return FixtureTool.Text($"Answered: {string.Join(", ", answers.Keys.Order(StringComparer.Ordinal))}");
        }

        var declared = context.Server.ClientCapabilities;
        List<(string, InputRequest)> questions = [];
        if (declared?.Elicitation is not null)
        {
            questions.Add(("user_name", Questions.Elicitation("What is your name?", s_nameForm)));
        }

        if (declared?.Sampling is not null)
        {
            questions.Add(("greeting", Questions.Sampling("Generate a greeting", 50)));
        }

        if (declared?.Roots is not null)
        {
            questions.Add(("client_roots", Questions.Roots()));
        }

        return questions.Count == 0 ? FixtureTool.Text("The client declares nothing that could be asked") : throw Ask(null, [.. questions]);
    }

    private static string? RootUris(ToolCall context) =>
        Questions.Answer(context.Params, "client_roots") is { } answer
        && answer.TryGetProperty("roots", out var roots) && roots.ValueKind == JsonValueKind.Array
            ? string.Join(", ", roots.EnumerateArray().Select(root => root.GetProperty("uri").GetString()))
            : null;

    private static void RequireState(ToolCall context, string purpose)
    {
        if (context.Params.RequestState is not { } state || StateSeal.Open(state) != purpose)
        {
            throw BadState();
        }
    }

    private static McpProtocolException BadState() =>
        new("The requestState is missing or was changed; send back exactly what the last result carried.", McpErrorCode.InvalidParams);

    private static InputRequiredException Ask(string? state, params (string Key, InputRequest Question)[] questions) =>
        new(questions.ToDictionary(entry => entry.Key, entry => entry.Question), state is null ? null : StateSeal.Seal(state));
}
