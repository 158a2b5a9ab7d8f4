using System.Buffers;
using System.Text;
using Fairlead.Upstreams;
using Fairlead.Wire;

namespace Fairlead.Catalog;

/// <summary>Computes what an endpoint declares: the union of what its servers can do (product C3), with <c>listChanged</c> wherever there is a list, because Fairlead itself tells of changes.</summary>
/// <remarks>It depends on what servers said when they were last connected, not on whether they run now: clients that see a capability vanish take the tools for gone (protocol.md 10.30).</remarks>
internal sealed class CapabilityUnion
{
    private static readonly string s_tasksExtension = Encoding.UTF8.GetString(TaskForms.ExtensionName);

    private readonly List<Member> _members = [];
    private bool _tools;
    private bool _prompts;
    private bool _resources;
    private bool _subscribe;
    private bool _tasks;
    private bool _listsTasks;
    private bool _cancelsTasks;

    /// <summary>What is declared while nothing is known of a server: the three lists, so that clients ask for them and listen for changes.</summary>
    public static byte[] Expected { get; } = "{\"tools\":{\"listChanged\":true},\"prompts\":{\"listChanged\":true},\"resources\":{\"listChanged\":true}}"u8.ToArray();

    /// <summary>Adds a server that was never connected: it may have anything.</summary>
    public void AddUnknown() => _tools = _prompts = _resources = true;

    /// <summary>Adds what one server declared.</summary>
    /// <param name="identity">The server.</param>
    /// <param name="modern">Whether the union is for modern clients.</param>
    public void Add(UpstreamIdentity identity, bool modern)
    {
        ReadOnlySpan<byte> raw = identity.Capabilities;
        foreach (var member in new JsonMembers(raw, new ByteRange(0, raw.Length)))
        {
            var name = JsonText.ToString(member.Name.Of(raw)) ?? "";
            switch (name)
            {
                case "tools":
                    _tools = true;
                    break;
                case "prompts":
                    _prompts = true;
                    break;
                case "resources":
                    _resources = true;
                    _subscribe |= JsonMembers.TryFind(raw, member.Value, "subscribe"u8, out var subscribe) && subscribe.Of(raw).SequenceEqual("true"u8);
                    break;
                case "extensions" or "experimental":
                    AddNested(name, raw, member.Value, modern && identity.IsModern);
                    break;
                case "tasks":
                    AddTasks(identity, raw, member.Value, modern);
                    break;
                default:
                    AddOnce(_members, name, member.Value.Of(raw).ToArray());
                    break;
            }
        }
    }

    /// <summary>The union as a raw object.</summary>
    public byte[] ToJson()
    {
        var writer = new ArrayBufferWriter<byte>(256);
        var separator = (byte)'{';
        void Name(string name)
        {
            writer.Write([separator]);
            separator = (byte)',';
            writer.Write(JsonText.Quote(name));
            writer.Write(":"u8);
        }

        void List(string name, bool exists, ReadOnlySpan<byte> value)
        {
            if (exists)
            {
                Name(name);
                writer.Write(value);
            }
        }

        List("tools", _tools, "{\"listChanged\":true}"u8);
        List("prompts", _prompts, "{\"listChanged\":true}"u8);
        List("resources", _resources, _subscribe ? "{\"subscribe\":true,\"listChanged\":true}"u8 : "{\"listChanged\":true}"u8);
        List("tasks", _tasks, TasksJson());
        foreach (var member in _members)
        {
            Name(member.Name);
            writer.Write(member.Nested is null ? member.Value : NestedJson(member.Nested));
        }

        writer.Write(separator == (byte)'{' ? "{}"u8 : "}"u8);
        return writer.WrittenSpan.ToArray();
    }

    // What Fairlead carries of the tasks of 2025-11-25; a server that runs no tool as a task has none to list or cancel (protocol.md 8).
    private void AddTasks(UpstreamIdentity identity, ReadOnlySpan<byte> raw, ByteRange tasks, bool modern)
    {
        if (!modern && identity.Tasks == TaskForm.Core)
        {
            _tasks = true;
            _listsTasks |= JsonMembers.TryFind(raw, tasks, "list"u8, out _);
            _cancelsTasks |= JsonMembers.TryFind(raw, tasks, "cancel"u8, out _);
        }
    }

    private byte[] TasksJson() =>
    [
        .. "{"u8, .. _listsTasks ? "\"list\":{},"u8 : default, .. _cancelsTasks ? "\"cancel\":{},"u8 : default, .. "\"requests\":{\"tools\":{\"call\":{}}}}"u8,
    ];

    private static byte[] NestedJson(List<Member> members)
    {
        var text = new ArrayBufferWriter<byte>(64);
        for (var i = 0; i < members.Count; i++)
        {
            text.Write(i == 0 ? "{"u8 : ","u8);
            text.Write(JsonText.Quote(members[i].Name));
            text.Write(":"u8);
            text.Write(members[i].Value);
        }

        text.Write(members.Count == 0 ? "{}"u8 : "}"u8);
        return text.WrittenSpan.ToArray();
    }

    private static void AddOnce(List<Member> members, string name, byte[] value)
    {
        // Of two servers that set the same key the first in the configuration is heard: settings cannot be merged without knowing them.
        if (!members.Exists(member => member.Name == name))
        {
            members.Add(new Member(name, value, null));
        }
    }

    private void AddNested(string name, ReadOnlySpan<byte> raw, ByteRange value, bool carriesTasks)
    {
        var nested = _members.Find(member => member.Name == name)?.Nested;
        if (nested is null)
        {
            nested = [];
            _members.Add(new Member(name, [], nested));
        }

        foreach (var member in new JsonMembers(raw, value))
        {
            var key = JsonText.ToString(member.Name.Of(raw)) ?? "";
            if (key != s_tasksExtension || carriesTasks)
            {
                AddOnce(nested, key, member.Value.Of(raw).ToArray());
            }
        }
    }

    private sealed record Member(string Name, byte[] Value, List<Member>? Nested);
}
