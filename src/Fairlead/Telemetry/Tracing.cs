using System.Diagnostics;
using System.Reflection;
using Fairlead.Wire;

namespace Fairlead.Telemetry;

/// <summary>Where spans come from, and what they have in common. While nobody listens to <see cref="SourceName"/> nothing is made and the road of a call costs one look.</summary>
internal static class Tracing
{
    /// <summary>The name of the source, and of the meter.</summary>
    public const string SourceName = "Fairlead";

    /// <summary>The attribute that names the method.</summary>
    public const string MethodTag = "mcp.method.name";

    /// <summary>The <c>error.type</c> of a result with <c>isError</c>.</summary>
    public const string ToolError = "tool_error";

    private static readonly ActivitySource s_source = new(SourceName, Version);

    /// <summary>Whether somebody listens.</summary>
    public static bool IsOn => s_source.HasListeners();

    /// <summary>The version of Fairlead.</summary>
    public static string Version => typeof(Tracing).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    /// <summary>Begins a span, without making it the current one: calls change threads, and what runs beside them is none of theirs.</summary>
    /// <param name="name">Its name until more is known.</param>
    /// <param name="kind">Which side of a request it is.</param>
    /// <param name="parent">Whose child it is; default = of the current one, if there is one.</param>
    /// <param name="linked">Another span that has to do with it; default = none.</param>
    /// <param name="began">When it began, in UTC; default = now.</param>
    /// <returns>Null when it is not sampled.</returns>
    public static Activity? Begin(string name, ActivityKind kind, ActivityContext parent, ActivityContext linked = default, DateTime began = default)
    {
        var links = linked == default ? null : new[] { new ActivityLink(linked) };
        if (s_source.CreateActivity(name, kind, parent, tags: null, links) is not { } span)
        {
            return null;
        }

        // Not disposed of: it has not begun, and the end of a span that has not is an exception inside Stop.
        if (!span.IsAllDataRequested)
        {
            return null;
        }

        if (began != default)
        {
            span.SetStartTime(began);
        }

        var current = Activity.Current;
        span.Start();
        Activity.Current = current;
        return span;
    }

    /// <summary>Ends a span. Nothing happens when it has ended.</summary>
    public static void End(Activity span)
    {
        var current = Activity.Current;
        span.Stop();
        Activity.Current = current;
    }

    /// <summary>Says what a span is about.</summary>
    /// <param name="span">Named after its method so far.</param>
    /// <param name="method">The method.</param>
    /// <param name="name">The tool, prompt or URI; null = unknown.</param>
    public static void NoteTarget(Activity span, McpMethod method, string? name)
    {
        if (name is null)
        {
            return;
        }

        // URIs are many: they do not belong into the name of a span.
        switch (method)
        {
            case McpMethod.ToolsCall:
                span.SetTag("gen_ai.tool.name", name);
                span.SetTag("gen_ai.operation.name", "execute_tool");
                span.DisplayName = $"{span.DisplayName} {name}";
                break;
            case McpMethod.PromptsGet:
                span.SetTag("gen_ai.prompt.name", name);
                span.DisplayName = $"{span.DisplayName} {name}";
                break;
            case McpMethod.ResourcesRead:
                span.SetTag("mcp.resource.uri", name);
                break;
            default:
                break;
        }
    }

    /// <summary>A span stands for something that failed.</summary>
    /// <param name="span">Not ended.</param>
    /// <param name="type">The value of <c>error.type</c>.</param>
    public static void Fail(Activity span, string type)
    {
        span.SetTag("error.type", type);
        span.SetStatus(ActivityStatusCode.Error);
    }

    /// <summary>Reads the context of the caller from the <c>_meta</c> of a message (SEP-414).</summary>
    /// <returns>False when there is none.</returns>
    public static bool TryReadContext(ReadOnlySpan<byte> source, ByteRange meta, out ActivityContext context) =>
        ActivityContext.TryParse(TextOf(source, meta, "traceparent"u8), TextOf(source, meta, "tracestate"u8), isRemote: true, out context);

    /// <summary>Begins the span of a tool object that a message calls: its own spans are to be children of it.</summary>
    /// <param name="source">The message.</param>
    /// <param name="meta">Its <c>_meta</c>, which may have the context of the caller.</param>
    /// <param name="tool">The tool's name.</param>
    /// <returns>Null when its caller is not traced.</returns>
    public static Activity? BeginTool(ReadOnlySpan<byte> source, ByteRange meta, string tool)
    {
        var word = CallHistograms.MethodOf(McpMethod.ToolsCall);
        if (!TryReadContext(source, meta, out var parent) || Begin(word, ActivityKind.Server, parent) is not { } span)
        {
            return null;
        }

        span.SetTag(MethodTag, word);
        NoteTarget(span, McpMethod.ToolsCall, tool);
        return span;
    }

    private static string? TextOf(ReadOnlySpan<byte> source, ByteRange meta, ReadOnlySpan<byte> name) =>
        meta.Exists && JsonMembers.TryFind(source, meta, name, out var value) ? JsonText.ToString(value.Of(source)) : null;
}
