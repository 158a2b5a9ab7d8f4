using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Fairlead.TestServers.Conformance.Tools;

/// <summary>Tools that only answer: every kind of content, progress, logging, errors, a rich schema, a closed stream.</summary>
internal static class ContentTools
{
    private static readonly TimeSpan s_step = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_pollInterval = TimeSpan.FromMilliseconds(500);

    /// <summary>Makes the tools anew.</summary>
    /// <param name="time">Paces the steps of the slow ones.</param>
    public static IEnumerable<FixtureTool> All(TimeProvider time) =>
    [
        new FixtureTool(
            "test_simple_text",
            "Returns one text block",
            """{"content":[{"type":"text","text":"This is a simple text response for testing."}]}"""),
        new FixtureTool(
            "test_image_content",
            "Returns an image",
            $$"""{"content":[{"type":"image","data":"{{Media.RedPixelPngBase64}}","mimeType":"image/png"}]}"""),
        new FixtureTool(
            "test_audio_content",
            "Returns audio",
            $$"""{"content":[{"type":"audio","data":"{{Media.SilentWavBase64}}","mimeType":"audio/wav"}]}"""),
        new FixtureTool(
            "test_embedded_resource",
            "Returns an embedded resource",
            """
            {"content":[{"type":"resource","resource":
             {"uri":"test://embedded-resource","mimeType":"text/plain","text":"This is an embedded resource content."}}]}
            """),
        new FixtureTool(
            "test_multiple_content_types",
            "Returns text, an image and a resource",
            $$$"""
            {"content":[{"type":"text","text":"Multiple content types test:"},
             {"type":"image","data":"{{{Media.RedPixelPngBase64}}}","mimeType":"image/png"},
             {"type":"resource","resource":{"uri":"test://mixed-content-resource","mimeType":"application/json","text":"{\"test\":\"data\",\"value\":123}"}}]}
            """),
        new FixtureTool(
            "test_error_handling",
            "Always fails",
            """{"isError":true,"content":[{"type":"text","text":"This tool intentionally returns an error for testing"}]}"""),
        new FixtureTool(
            "test_tool_with_logging",
            "Logs three times while it runs",
            FixtureTool.NoArguments,
            (context, token) => LogAsync(context, time, token)),
        new FixtureTool(
            "test_tool_with_progress",
            "Reports progress while it runs",
            FixtureTool.NoArguments,
            (context, token) => ProgressAsync(context, time, token)),
        new FixtureTool(
            "test_reconnection",
            "Closes its stream before it answers",
            FixtureTool.NoArguments,
            (context, token) => ReconnectAsync(context, time, token)),
        new FixtureTool(
            "json_schema_2020_12_tool",
            "Tool with JSON Schema 2020-12 features",
            RichSchema,
            (_, _) => ValueTask.FromResult(FixtureTool.Text("ok"))),
        new FixtureTool(
            "test_header_mirroring",
            "Has an argument that HTTP clients mirror into a header",
            """{"type":"object","properties":{"region":{"type":"string","description":"Any text","x-mcp-header":"Region"}},"required":["region"]}""",
            (context, _) => ValueTask.FromResult(FixtureTool.Text($"region: {FixtureTool.Argument(context, "region")}"))),
    ];

    private const string RichSchema =
        """
        {"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object",
         "$defs":{"address":{"$anchor":"addressDef","type":"object","properties":{"street":{"type":"string"},"city":{"type":"string"}}}},
         "properties":{"name":{"type":"string"},"address":{"$ref":"#/$defs/address"},"contactMethod":{"type":"string","enum":["phone","email"]},
          "phone":{"type":"string"},"email":{"type":"string"}},
         "allOf":[{"anyOf":[{"required":["phone"]},{"required":["email"]}]}],
         "if":{"properties":{"contactMethod":{"const":"phone"}},"required":["contactMethod"]},"then":{"required":["phone"]},"else":{"required":["email"]},
         "additionalProperties":false}
        """;

    private static async ValueTask<CallToolResult> LogAsync(ToolCall context, TimeProvider time, CancellationToken cancellationToken)
    {
        await Logs.InfoAsync(context, "Tool execution started", cancellationToken);
        await Task.Delay(s_step, time, cancellationToken);
        await Logs.InfoAsync(context, "Tool processing data", cancellationToken);
        await Task.Delay(s_step, time, cancellationToken);
        await Logs.InfoAsync(context, "Tool execution completed", cancellationToken);
        return FixtureTool.Text("Tool with logging executed successfully");
    }

    private static async ValueTask<CallToolResult> ProgressAsync(ToolCall context, TimeProvider time, CancellationToken cancellationToken)
    {
        foreach (var done in (int[])[0, 50, 100])
        {
            if (done > 0)
            {
                await Task.Delay(s_step, time, cancellationToken);
            }

            if (context.Params.ProgressToken is { } token)
            {
                var progress = new ProgressNotificationValue { Progress = done, Total = 100 };
                await context.Server.NotifyProgressAsync(token, progress, cancellationToken: cancellationToken);
            }
        }

        return FixtureTool.Text("Tool with progress executed successfully");
    }

    // 2025-11-25 basic/transports: the server closes the stream, the client waits and fetches the answer with GET and Last-Event-ID.
    // Only a legacy HTTP stream can be closed; on stdio and in the modern era the tool just answers.
    private static async ValueTask<CallToolResult> ReconnectAsync(ToolCall context, TimeProvider time, CancellationToken cancellationToken)
    {
        if (context.Server.SessionId is not null && context.JsonRpcRequest.Context?.RelatedTransport is not null)
        {
            await context.EnablePollingAsync(s_pollInterval, cancellationToken);
        }

        await Task.Delay(s_step, time, cancellationToken);
        return FixtureTool.Text("Reconnection test completed");
    }
}
