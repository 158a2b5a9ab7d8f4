using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Fairlead.EndToEnd.Tests.Hostile;

/// <summary>One way in which a server can be bad, and how Fairlead is expected to show it.</summary>
/// <param name="Name">The server's name.</param>
/// <param name="Mode">Arguments of the misbehaving server; empty = the server that answers 401.</param>
/// <param name="States">The states that it may be in once it is known for what it is.</param>
/// <param name="Words">What its reason or its last failure then says, as a regular expression; null = nothing in particular.</param>
/// <param name="IsCalled">Whether its tool <c>hello</c> is called again and again.</param>
internal sealed record HostileKind(string Name, string[] Mode, string[] States, string? Words, bool IsCalled)
{
    private static readonly string[] s_serving = ["Healthy", "Degraded"];
    private static readonly string[] s_failing = ["Initializing", "Unhealthy", "CrashLoop"];

    // Serves until the next call ends it.
    private static readonly string[] s_any = ["Healthy", "Degraded", "Initializing", "Unhealthy", "CrashLoop"];

    /// <summary>One of each.</summary>
    public static IReadOnlyList<HostileKind> All { get; } =
    [
        new("hangs", ["hang"], s_failing, "did not answer initialize", false),
        new("silent", ["silent"], s_failing, "did not answer initialize", false),
        new("exits-at-once", ["exit"], s_failing, "exited with code 3.*holiday", false),
        new("exits-after-call", ["exit-after-call"], s_any, "exited with code 5", true),
        new("dies-in-answer", ["die-mid-answer"], s_serving, null, true),
        new("prints-junk", ["flood", "junk"], ["Degraded"], "bytes a second that are no messages", true),
        new("floods", ["flood"], ["Degraded"], "notifications a second", true),
        new("fills-stderr", ["flood", "stderr"], s_serving, null, true),
        new("wrong-ids", ["wrong-id"], s_any, null, true),
        new("answers-twice", ["twice"], s_serving, null, true),
        new("gigabyte", ["gigabyte-line"], s_any, "a line without end", true),
        new("endless", ["endless-line", "at-once"], s_failing, "a line without end|did not answer initialize", false),
        new("deep", ["deep"], s_any, null, true),
        new("mute", ["mute"], s_any, null, true),
        new("late", ["late"], s_any, null, true),
        new("lies", ["lies"], s_serving, null, true),
        new("restless", ["restless"], s_serving, null, true),
        new("closes-stdin", ["deaf"], s_any, "stdin|pipe|exited|closed", true),
        new("ignores-sigterm", ["stubborn"], s_serving, null, true),
        new("forks", ["grandchild"], s_serving, null, true),
        new("forks-bare", ["grandchild", "bare"], s_serving, null, true),
        new("forks-nameless", ["grandchild", "nameless"], s_serving, null, true),
        new("leaks", ["leak"], s_any, "no file more", true),
        new("asks-for-ever", ["asks-for-ever"], s_any, null, true),
        new("refuses", [], ["AuthRequired"], "401", true),
    ];

    /// <summary>The server in the configuration. It runs at the lowest priority: what it takes from the machine is not Fairlead's doing.</summary>
    /// <param name="refusing">Address of the server that answers 401.</param>
    public JsonObject Configuration(string refusing)
    {
        if (Mode.Length == 0)
        {
            return new JsonObject { ["url"] = refusing };
        }

        var server = GatewayProcess.Stdio("dotnet", [RepositoryPaths.BuiltAssembly("Misbehave", "misbehave-server.dll"), .. Mode]);
        server["timeoutMs"] = 2000;
        server["limits"] = new JsonObject { ["nice"] = 19 };
        if (Mode[0] == "leak")
        {
            server["limits"]!["maxOpenFiles"] = 300;
        }

        return server;
    }

    /// <summary>What is not as expected; null when all is.</summary>
    /// <param name="server">The server as the management API shows it.</param>
    public string? Surprise(JsonObject server)
    {
        var state = (string)server["state"]!;
        var said = $"{server["reason"]} {server["lastFailure"]}";
        return !States.Contains(state) || (Words is not null && !Regex.IsMatch(said, Words, RegexOptions.Singleline | RegexOptions.CultureInvariant))
            ? $"{Name} is {state} and says '{said.Trim()}'; expected is {string.Join(" or ", States)}{(Words is null ? "" : $" with /{Words}/")}"
            : null;
    }
}
