using System.Text.Json;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Fairlead.TestServers.Conformance;

/// <summary>The prompts of the suite's contract and their argument completion.</summary>
internal static class FixturePrompts
{
    private static readonly string[] s_completions = ["testValue1", "testValue2", "texture", "paris", "park"];

    /// <summary>Makes all prompts anew.</summary>
    public static IEnumerable<McpServerPrompt> All() =>
    [
        Simple("test_simple_prompt", "A prompt without arguments"),
        new FixturePrompt(
            "test_prompt_with_arguments",
            "A prompt with two arguments",
            [Argument("arg1", "First test argument"), Argument("arg2", "Second test argument")],
            context => User(new TextContentBlock { Text = $"Prompt with arguments: arg1='{Value(context, "arg1")}', arg2='{Value(context, "arg2")}'" })),
        new FixturePrompt(
            "test_prompt_with_embedded_resource",
            "A prompt that embeds a resource",
            [Argument("resourceUri", "URI of the resource to embed")],
            context => User(
                new EmbeddedResourceBlock
                {
                    Resource = new TextResourceContents
                    {
                        Uri = Value(context, "resourceUri"),
                        MimeType = "text/plain",
                        Text = "Embedded resource content for testing.",
                    },
                },
                new TextContentBlock { Text = "Please process the embedded resource above." })),
        new FixturePrompt(
            "test_prompt_with_image",
            "A prompt that holds an image",
            [],
            _ => User(ImageContentBlock.FromBytes(Media.RedPixelPng, "image/png"), new TextContentBlock { Text = "Please analyze the image above." })),
        new FixturePrompt("test_input_required_result_prompt", "A prompt that asks its user first", [], context =>
        {
            if (Questions.ElicitedText(context.Params, "user_context", "context") is { } answer)
            {
                return User(new TextContentBlock { Text = $"Use this context: {answer}" });
            }

            throw new InputRequiredException(new Dictionary<string, InputRequest>
            {
                ["user_context"] = Questions.Elicitation("What context should the prompt use?", Questions.RequiredProperty("context", "string")),
            });
        }),
    ];

    /// <summary>A prompt of one constant message.</summary>
    public static McpServerPrompt Simple(string name, string description) =>
        new FixturePrompt(name, description, [], _ => User(new TextContentBlock { Text = "This is a simple prompt for testing." }));

    /// <summary>Completes any argument from a fixed list.</summary>
    public static ValueTask<CompleteResult> CompleteAsync(RequestContext<CompleteRequestParams> context, CancellationToken cancellationToken)
    {
        string[] values = [.. s_completions.Where(value => value.StartsWith(context.Params.Argument.Value, StringComparison.Ordinal))];
        return ValueTask.FromResult(new CompleteResult { Completion = new Completion { Values = values, Total = values.Length, HasMore = false } });
    }

    private static PromptArgument Argument(string name, string description) => new() { Name = name, Description = description, Required = true };

    private static string Value(RequestContext<GetPromptRequestParams> context, string name) =>
        context.Params.Arguments is { } arguments && arguments.TryGetValue(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()!
            : throw new McpProtocolException($"Argument '{name}' is missing or no string; send it in 'arguments'.", McpErrorCode.InvalidParams);

    private static GetPromptResult User(params ContentBlock[] blocks) => new()
    {
        Messages = [.. blocks.Select(block => new PromptMessage { Role = Role.User, Content = block })],
    };

    private sealed class FixturePrompt(
        string name,
        string description,
        PromptArgument[] arguments,
        Func<RequestContext<GetPromptRequestParams>, GetPromptResult> body) : McpServerPrompt
    {
        public override Prompt ProtocolPrompt { get; } = new()
        {
            Name = name,
            Description = description,
            Arguments = arguments.Length == 0 ? null : arguments,
        };

        public override IReadOnlyList<object> Metadata => [];

        public override ValueTask<GetPromptResult> GetAsync(RequestContext<GetPromptRequestParams> request, CancellationToken cancellationToken = default) =>
            LegacyQuestions.RunAsync(request, (context, _) => ValueTask.FromResult(body(context)), cancellationToken);
    }
}
