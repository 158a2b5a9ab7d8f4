using System.CommandLine;
using System.Text.Json;
using Fairlead.Cli.Running;

namespace Fairlead.Cli.Commands;

/// <summary><c>fairlead call SERVER TOOL [JSON]</c>.</summary>
internal static class CallCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var server = new Argument<string>("server") { Description = "The server's name." };
        var tool = new Argument<string>("tool") { Description = "The tool's own name, as fairlead tools shows it." };
        var arguments = new Argument<string?>("json") { Arity = ArgumentArity.ZeroOrOne, Description = "The arguments as a JSON object; - reads them from standard input. Default {}." };
        var json = CommonOptions.Json();
        var url = CommonOptions.Url();
        var state = CommonOptions.State();
        var command = new Command("call", "Calls one tool and prints its answer.") { server, tool, arguments, json, url, state };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var text = parsed.GetValue(arguments) ?? "{}";
            if (text == "-")
            {
                text = await Console.In.ReadToEndAsync(cancellationToken).ConfigureAwait(false);
            }

            if (Refuse(text) is { } refusal)
            {
                await Console.Error.WriteLineAsync($"fairlead: the arguments are not a JSON object: {refusal}. Give them like '{{\"message\":\"hi\"}}'.").ConfigureAwait(false);
                return ExitCodes.Usage;
            }

            return await InstanceClient.RunAsync(parsed.GetValue(url), parsed.GetValue(state), async client =>
            {
                var path = $"/api/v1/servers/{Uri.EscapeDataString(parsed.GetValue(server)!)}/tools/{Uri.EscapeDataString(parsed.GetValue(tool)!)}/call";
                var (document, exitCode) = await client.PostAsync(path, "{\"arguments\":" + text + "}").ConfigureAwait(false);
                if (exitCode != ExitCodes.Ok)
                {
                    return exitCode;
                }

                Console.WriteLine(parsed.GetValue(json) ? document.GetRawText() : Render(document));
                return document.TryGetProperty("isError", out var isError) && isError.ValueKind == JsonValueKind.True ? ExitCodes.ToolError : ExitCodes.Ok;
            }).ConfigureAwait(false);
        });
        return command;
    }

    private static string? Refuse(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return document.RootElement.ValueKind == JsonValueKind.Object ? null : "it is " + document.RootElement.ValueKind;
        }
        catch (JsonException exception)
        {
            return exception.Message;
        }
    }

    private static string Render(JsonElement result)
    {
        if (!result.TryGetProperty("content", out var content) || content.ValueKind != JsonValueKind.Array)
        {
            return result.GetRawText();
        }

        return string.Join('\n', content.EnumerateArray().Select(block =>
            block.TryGetProperty("text", out var text) && text.ValueKind == JsonValueKind.String ? text.GetString() : Summary(block)));
    }

    private static string Summary(JsonElement block)
    {
        var type = block.TryGetProperty("type", out var kind) ? kind.ToString() : "unknown";
        return block.TryGetProperty("data", out var data) ? $"[{type}, {data.ToString().Length} base64 characters; --json shows them]" : block.GetRawText();
    }
}
