using System.CommandLine;
using System.Text.Json;
using Fairlead.Cli.Output;
using Fairlead.Cli.Running;

namespace Fairlead.Cli.Commands;

/// <summary><c>fairlead call SERVER TOOL [JSON]</c>.</summary>
internal static class CallCommand
{
    private const string StandardInput = "-";

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var server = CommonOptions.Server<string>("The server's name.");
        var tool = new Argument<string>("tool") { Description = "The tool's own name, as fairlead tools shows it." };
        var arguments = new Argument<string?>("json") { Arity = ArgumentArity.ZeroOrOne, Description = "The arguments as a JSON object; - reads them from standard input. Default {}." };
        var json = CommonOptions.Json();
        var instance = new InstanceOptions();
        var command = new Command("call", "Calls one tool and prints its answer.\nExample: fairlead call git git_status '{\"repo_path\":\".\"}'") { server, tool, arguments, json, instance };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var text = parsed.GetValue(arguments) ?? "{}";
            if (text == StandardInput)
            {
                text = await Console.In.ReadToEndAsync(cancellationToken).ConfigureAwait(false);
            }

            if (FaultOf(text) is { } fault)
            {
                return InstanceClient.Fail(
                    ExitCodes.Usage, $"the arguments are no JSON object: {fault}. Give them in single quotes, like '{{\"message\":\"hi\"}}', or - to read them from standard input.");
            }

            return await InstanceClient.RunAsync(instance.Of(parsed), client => CallAsync(client, parsed.GetValue(server)!, parsed.GetValue(tool)!, text, parsed.GetValue(json))).ConfigureAwait(false);
        });
        return command;
    }

    private static async Task<int> CallAsync(InstanceClient client, string server, string tool, string arguments, bool asJson)
    {
        var path = $"/api/v1/servers/{Uri.EscapeDataString(server)}/tools/{Uri.EscapeDataString(tool)}/call";
        var (result, exitCode) = await client.PostAsync(path, "{\"arguments\":" + arguments + "}").ConfigureAwait(false);
        if (exitCode != ExitCodes.Ok)
        {
            return exitCode;
        }

        var terminal = Terminal.Current;
        var text = asJson ? result.GetRawText() : Render(result);

        // A pipe gets what the tool said; a terminal must not be steered by it.
        terminal.Line(terminal.IsTerminal && !asJson ? CellText.Clean(text) : text);
        return result.TryGetProperty("isError", out var isError) && isError.ValueKind == JsonValueKind.True ? ExitCodes.ToolError : ExitCodes.Ok;
    }

    /// <summary>Null when the text is one JSON object; otherwise what it is instead.</summary>
    internal static string? FaultOf(string text)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return "there is nothing";
        }

        try
        {
            using var document = JsonDocument.Parse(text);
            return document.RootElement.ValueKind == JsonValueKind.Object ? null : $"it is {document.RootElement.ValueKind switch
            {
                JsonValueKind.Array => "an array",
                JsonValueKind.String => "a string",
                JsonValueKind.Number => "a number",
                _ => document.RootElement.GetRawText(),
            }}";
        }
        catch (JsonException exception)
        {
            return exception.Message.TrimEnd('.');
        }
    }

    private static string Render(JsonElement result)
    {
        if (result.TryGetProperty("content", out var content) && content.ValueKind == JsonValueKind.Array && content.GetArrayLength() != 0)
        {
            return string.Join('\n', content.EnumerateArray().Select(RenderBlock));
        }

        return result.TryGetProperty("structuredContent", out var structured) ? structured.GetRawText() : result.GetRawText();
    }

    private static string RenderBlock(JsonElement block)
    {
        if (block.ValueKind != JsonValueKind.Object)
        {
            return block.GetRawText();
        }

        switch (PsCommand.Text(block, "type"))
        {
            case "text" when block.TryGetProperty("text", out var text) && text.ValueKind == JsonValueKind.String:
                return text.GetString()!;
            case "resource" when block.TryGetProperty("resource", out var resource) && resource.ValueKind == JsonValueKind.Object:
                return resource.TryGetProperty("text", out var inside) && inside.ValueKind == JsonValueKind.String
                    ? inside.GetString()!
                    : Summary("resource " + PsCommand.Text(resource, "uri"), resource, "blob");
            case "resource_link":
                return $"[link {PsCommand.Text(block, "uri")} {PsCommand.Text(block, "name")}]";
            case var type when block.TryGetProperty("data", out _):
                return Summary(type, block, "data");
            default:
                return block.GetRawText();
        }
    }

    private static string Summary(string what, JsonElement holder, string member)
    {
        var base64 = PsCommand.Text(holder, member);
        var bytes = (base64.Length / 4 * 3) - base64.AsSpan().Count('=');
        return $"[{what}, {PsCommand.Text(holder, "mimeType")}, {bytes} bytes; --json shows them]";
    }
}
