using Fairlead.Wire;

namespace Fairlead.Upstreams;

/// <summary>In which form a server runs tools as tasks (protocol.md 8). The two forms share names of methods and nothing else.</summary>
internal enum TaskForm : byte
{
    /// <summary>It does not.</summary>
    None,

    /// <summary>2025-11-25, basic/utilities/tasks: the request asks for a task, <c>tasks/result</c> waits for its end.</summary>
    Core,

    /// <summary>The extension <c>io.modelcontextprotocol/tasks</c> of 2026-07-28: the server decides, <c>tasks/get</c> carries the result.</summary>
    Extension,
}

/// <summary>Reads capabilities for tasks, of servers and of clients.</summary>
internal static class TaskForms
{
    /// <summary>The extension's name.</summary>
    public static ReadOnlySpan<byte> ExtensionName => "io.modelcontextprotocol/tasks"u8;

    /// <summary>The form that a server declared.</summary>
    /// <param name="version">The revision spoken with it.</param>
    /// <param name="capabilities">Its raw capabilities object.</param>
    /// <remarks>A server of 2025-11-25 without <c>tasks.requests.tools.call</c> runs no tool as a task, whatever its tools say of themselves.</remarks>
    public static TaskForm Of(ProtocolVersion version, ReadOnlySpan<byte> capabilities)
    {
        var root = new ByteRange(0, capabilities.Length);
        if (version.IsModern())
        {
            return DeclaresExtension(capabilities, root) ? TaskForm.Extension : TaskForm.None;
        }

        return version == ProtocolVersion.V20251125
            && JsonMembers.TryFind(capabilities, root, "tasks"u8, out var tasks) && JsonMembers.TryFind(capabilities, tasks, "requests"u8, out var requests)
            && JsonMembers.TryFind(capabilities, requests, "tools"u8, out var tools) && JsonMembers.TryFind(capabilities, tools, "call"u8, out _)
            ? TaskForm.Core : TaskForm.None;
    }

    /// <summary>Whether a capabilities object, of either side, names the extension.</summary>
    /// <param name="source">The message.</param>
    /// <param name="capabilities">The object in it.</param>
    public static bool DeclaresExtension(ReadOnlySpan<byte> source, ByteRange capabilities) =>
        JsonMembers.TryFind(source, capabilities, "extensions"u8, out var extensions)
        && JsonMembers.TryFind(source, extensions, ExtensionName, out var extension) && source[extension.Start] == (byte)'{';
}
