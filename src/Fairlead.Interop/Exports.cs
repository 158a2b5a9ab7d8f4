using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Fairlead.Configuration;
using Microsoft.Win32.SafeHandles;

namespace Fairlead.Interop;

/// <summary>The functions that a program in another language calls, got through hostfxr.</summary>
/// <remarks>
/// None blocks: what takes time is begun with a number of the caller's own and ends with a record of that number in the completion buffer; a byte in the caller's
/// pipe says that there are some. Texts are UTF-8 and copied before a function returns. A manager is a number, so that one that has been released is an error and no crash.
/// </remarks>
public static unsafe class Exports
{
    /// <summary>Raised when a function, a record or a command changes so that callers of before cannot use it any more.</summary>
    public const int InterfaceVersion = 1;

    private const int Done = 0;
    private const int NoSuchManager = -1;
    private const int WantsProgress = 1;

    private static readonly ConcurrentDictionary<long, CallerBridge> s_managers = new();
    private static long s_last;

    /// <summary>Describes this build as JSON: <c>version</c>, <c>interface</c>, <c>errors</c> (the words of all errors), <c>serverTypes</c>.</summary>
    /// <returns>Bytes written, or minus the bytes needed.</returns>
    [UnmanagedCallersOnly]
    public static int Describe(byte* buffer, int capacity) => Write(
        JsonSerializer.SerializeToUtf8Bytes(
            new
            {
                version = typeof(McpManager).Assembly.GetName().Version!.ToString(3),
                @interface = InterfaceVersion,
                errors = ErrorText.Words,
                serverTypes = OptionWords.Words(typeof(ServerType)),
            },
            ApiJson.Options),
        buffer, capacity);

    /// <summary>Makes a manager that has started nothing yet.</summary>
    /// <param name="settings">JSON, see ManagerSettings.</param>
    /// <param name="settingsLength">Its bytes.</param>
    /// <param name="wakePipe">The writing end of a pipe; owned by the manager from here on, also when this fails.</param>
    /// <param name="error">Where the JSON of an error goes.</param>
    /// <param name="errorCapacity">Its size.</param>
    /// <returns>The manager, above 0; or minus the length of the error, cut to the capacity.</returns>
    [UnmanagedCallersOnly]
    public static long Create(byte* settings, int settingsLength, int wakePipe, byte* error, int errorCapacity)
    {
        var pipe = new SafeFileHandle(wakePipe, ownsHandle: true);
        try
        {
            var manager = new CallerBridge(ManagerSettings.Read(new ReadOnlySpan<byte>(settings, settingsLength)), pipe);
            var number = Interlocked.Increment(ref s_last);
            s_managers[number] = manager;
            return number;
        }
        catch (Exception exception)
        {
            pipe.Dispose();
            return -Math.Abs(Write(ErrorText.Of(exception), error, errorCapacity));
        }
    }

    /// <summary>Begins a tool call.</summary>
    /// <param name="manager">From <see cref="Create"/>.</param>
    /// <param name="id">The caller's own number, of no operation that is open.</param>
    /// <param name="server">Id of the server.</param>
    /// <param name="serverLength">Its bytes.</param>
    /// <param name="tool">Name of the tool.</param>
    /// <param name="toolLength">Its bytes.</param>
    /// <param name="arguments">One JSON object.</param>
    /// <param name="argumentsLength">Its bytes; 0 = no arguments.</param>
    /// <param name="flags">1 = progress is wanted.</param>
    [UnmanagedCallersOnly]
    public static int Call(long manager, long id, byte* server, int serverLength, byte* tool, int toolLength, byte* arguments, int argumentsLength, int flags)
    {
        if (!s_managers.TryGetValue(manager, out var bridge))
        {
            return NoSuchManager;
        }

        bridge.BeginCall(
            id, Encoding.UTF8.GetString(server, serverLength), Encoding.UTF8.GetString(tool, toolLength), new ReadOnlySpan<byte>(arguments, argumentsLength).ToArray(),
            (flags & WantsProgress) != 0);
        return Done;
    }

    /// <summary>Begins a command.</summary>
    /// <param name="manager">From <see cref="Create"/>.</param>
    /// <param name="id">The caller's own number, of no operation that is open.</param>
    /// <param name="name">Name of the command.</param>
    /// <param name="nameLength">Its bytes.</param>
    /// <param name="arguments">One JSON object.</param>
    /// <param name="argumentsLength">Its bytes.</param>
    [UnmanagedCallersOnly]
    public static int Command(long manager, long id, byte* name, int nameLength, byte* arguments, int argumentsLength)
    {
        if (!s_managers.TryGetValue(manager, out var bridge))
        {
            return NoSuchManager;
        }

        bridge.BeginCommand(id, Encoding.UTF8.GetString(name, nameLength), new ReadOnlySpan<byte>(arguments, argumentsLength).ToArray());
        return Done;
    }

    /// <summary>Gives an operation up. It still ends with a record.</summary>
    [UnmanagedCallersOnly]
    public static int Cancel(long manager, long id)
    {
        if (!s_managers.TryGetValue(manager, out var bridge))
        {
            return NoSuchManager;
        }

        bridge.Cancel(id);
        return Done;
    }

    /// <summary>Moves records into a buffer: id (8 bytes), length (4), kind (4), then the bytes; little endian.</summary>
    /// <returns>Bytes written; 0 = nothing is there, and the pipe will tell; below 0: minus the size that the first record needs (or -1: no such manager).</returns>
    [UnmanagedCallersOnly]
    public static int Drain(long manager, byte* buffer, int capacity) =>
        s_managers.TryGetValue(manager, out var bridge) ? bridge.Completions.Drain(new Span<byte>(buffer, capacity)) : NoSuchManager;

    /// <summary>Tells what a manager holds for its caller: operations that are open, and records that wait.</summary>
    [UnmanagedCallersOnly]
    public static int Count(long manager, int* open, int* waiting)
    {
        if (!s_managers.TryGetValue(manager, out var bridge))
        {
            return NoSuchManager;
        }

        *open = bridge.OpenCount;
        *waiting = bridge.Completions.Count;
        return Done;
    }

    /// <summary>Lets go of a manager that has been shut down. Its number means nothing any more.</summary>
    [UnmanagedCallersOnly]
    public static int Release(long manager)
    {
        if (!s_managers.TryRemove(manager, out var bridge))
        {
            return NoSuchManager;
        }

        bridge.Dispose();
        return Done;
    }

    private static int Write(byte[] bytes, byte* buffer, int capacity)
    {
        if (bytes.Length > capacity)
        {
            return -bytes.Length;
        }

        bytes.CopyTo(new Span<byte>(buffer, capacity));
        return bytes.Length;
    }
}
