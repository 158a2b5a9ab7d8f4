using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Fairlead.TestServers.Conformance.Tools;

/// <summary>Tools that ask the client's model or user once, by server request (legacy) or by <c>input_required</c> (modern).</summary>
internal static class QuestionTools
{
    private const string Key = "answer";

    private const string ContactForm =
        """
        {"type":"object","properties":{"username":{"type":"string","description":"User's response"},
         "email":{"type":"string","description":"User's email address"}},"required":["username","email"]}
        """;

    // SEP-1034: a default for every primitive type.
    private const string DefaultsForm =
        """
        {"type":"object","properties":{
         "name":{"type":"string","description":"User name","default":"John Doe"},
         "age":{"type":"integer","description":"User age","default":30},
         "score":{"type":"number","description":"User score","default":95.5},
         "status":{"type":"string","description":"User status","enum":["active","inactive","pending"],"default":"active"},
         "verified":{"type":"boolean","description":"Verification status","default":true}},"required":[]}
        """;

    // SEP-1330: all five ways to write an enumeration.
    private const string EnumsForm =
        """
        {"type":"object","properties":{
         "untitledSingle":{"type":"string","enum":["option1","option2","option3"]},
         "titledSingle":{"type":"string","oneOf":[{"const":"value1","title":"First Option"},{"const":"value2","title":"Second Option"},
          {"const":"value3","title":"Third Option"}]},
         "legacyEnum":{"type":"string","enum":["opt1","opt2","opt3"],"enumNames":["Option One","Option Two","Option Three"]},
         "untitledMulti":{"type":"array","items":{"type":"string","enum":["option1","option2","option3"]}},
         "titledMulti":{"type":"array","items":{"anyOf":[{"const":"value1","title":"First Choice"},{"const":"value2","title":"Second Choice"},
          {"const":"value3","title":"Third Choice"}]}}},
         "required":[]}
        """;

    /// <summary>Makes the tools anew.</summary>
    public static IEnumerable<FixtureTool> All(FixtureEra era) =>
    [
        new FixtureTool(
            "test_sampling",
            "Asks the client's model",
            """{"type":"object","properties":{"prompt":{"type":"string","description":"The prompt to send to the model"}},"required":["prompt"]}""",
            (context, _) => ValueTask.FromResult(Sample(context, era))),
        new FixtureTool(
            "test_elicitation",
            "Asks the user for a name and an address",
            """{"type":"object","properties":{"message":{"type":"string","description":"The message to show the user"}},"required":["message"]}""",
            (context, _) =>
            {
                var message = FixtureTool.Argument(context, "message") ?? "Please answer";
                return ValueTask.FromResult(Elicit(context, era, message, ContactForm, "User response"));
            }),
        new FixtureTool(
            "test_elicitation_sep1034_defaults",
            "Asks with a default for every primitive type",
            FixtureTool.NoArguments,
            (context, _) => ValueTask.FromResult(Elicit(context, era, "Please review the defaults", DefaultsForm, "Elicitation completed"))),
        new FixtureTool(
            "test_elicitation_sep1330_enums",
            "Asks with every form of enumeration",
            FixtureTool.NoArguments,
            (context, _) => ValueTask.FromResult(Elicit(context, era, "Please choose", EnumsForm, "Elicitation completed"))),
    ];

    private static CallToolResult Sample(ToolCall context, FixtureEra era)
    {
        if (Questions.SampledText(context.Params, Key) is { } text)
        {
            return FixtureTool.Text($"LLM response: {text}");
        }

        return context.Server.ClientCapabilities?.Sampling is null
            ? Refuse(era, new ClientCapabilities { Sampling = new() }, "sampling")
            : throw Ask(Questions.Sampling(FixtureTool.Argument(context, "prompt") ?? "Hello", 100));
    }

    private static CallToolResult Elicit(ToolCall context, FixtureEra era, string message, string form, string prefix)
    {
        if (Questions.Answer(context.Params, Key) is { } answer && answer.TryGetProperty("action", out var action))
        {
            var content = answer.TryGetProperty("content", out var filled) ? filled.GetRawText() : "{}";
            return FixtureTool.Text($"{prefix}: action={action.GetString()}, content={content}");
        }

        return context.Server.ClientCapabilities?.Elicitation is null
            ? Refuse(era, new ClientCapabilities { Elicitation = new() }, "elicitation")
            : throw Ask(Questions.Elicitation(message, form));
    }

    private static InputRequiredException Ask(InputRequest question) => new(new Dictionary<string, InputRequest> { [Key] = question });

    // 2026-07-28 defines an error for it; before, the model is told by the tool's own result.
    private static CallToolResult Refuse(FixtureEra era, ClientCapabilities needed, string name) => era == FixtureEra.Modern
        ? throw new MissingRequiredClientCapabilityException(needed, $"This tool needs a client that declares '{name}'.")
        : FixtureTool.Text($"This tool needs a client that declares '{name}'.", isError: true);
}
