using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Fairlead.TestServers.Misbehave;

/// <summary>The ways to misbehave, by the first argument; what follows it belongs to the mode. The result is the exit code.</summary>
internal static class Modes
{
    private static readonly Dictionary<string, Func<string[], int>> s_modes = new(StringComparer.Ordinal)
    {
        ["hang"] = Hang,
        ["exit"] = Exit,
        ["junk"] = Junk,
        ["grandchild"] = Grandchild,
        ["endless-line"] = EndlessLine,
        ["die-mid-answer"] = DieMidAnswer,
        ["silent"] = Silent,
        ["slow"] = Slow,
        ["asks"] = Asks,
        ["input-required"] = static _ => new InputServer().Run(),
        ["flood"] = Flood,
        ["exit-after-call"] = BrokenAnswers.ExitAfterCall,
        ["wrong-id"] = BrokenAnswers.WrongId,
        ["twice"] = BrokenAnswers.Twice,
        ["gigabyte-line"] = BrokenAnswers.GigabyteLine,
        ["deep"] = BrokenAnswers.Deep,
        ["mute"] = BrokenAnswers.Mute,
        ["late"] = BrokenAnswers.Late,
        ["lies"] = BrokenAnswers.Lies,
        ["asks-for-ever"] = BrokenAnswers.AsksForEver,
        ["restless"] = BadManners.Restless,
        ["deaf"] = BadManners.Deaf,
        ["stubborn"] = BadManners.Stubborn,
        ["leak"] = BadManners.Leak,
        ["hoard"] = BadManners.Hoard,
    };

    public static IEnumerable<string> Names => s_modes.Keys;

    public static Func<string[], int>? Find(string name) => s_modes.GetValueOrDefault(name);

    /// <summary>Never answers and never leaves: stdin is not read, its end and all polite signals are ignored. Says <c>hanging</c> on stderr once it does.</summary>
    private static int Hang(string[] arguments)
    {
        using var signals = IgnoredSignals();
        Console.Error.WriteLine("hanging");
        WaitForEver();
        return 0;
    }

    /// <summary>Ends at once with code 3 (or the one given) and a last word on stderr, which may be given too.</summary>
    private static int Exit(string[] arguments)
    {
        Console.Error.WriteLine(arguments.Length > 1 ? arguments[1] : "misbehave-server: cannot start: the database is on holiday");
        return arguments.Length > 0 ? int.Parse(arguments[0], System.Globalization.CultureInfo.InvariantCulture) : 3;
    }

    /// <summary>A sound server with the tool <c>hello</c>, between lines that are not JSON-RPC.</summary>
    private static int Junk(string[] arguments)
    {
        var server = new LineServer();
        server.Tool("hello", (call, _) => server.AnswerText(call, "hello"));
        server.BeforeAnswer = static output =>
        {
            output.Line("Server ready, listening on stdio.");
            output.Line("");
            output.Line("\u001b[32m[info]\u001b[0m warming up... 100 %");
            output.Line("{not json");
            output.Line("[1, 2");
            output.Line("{\"level\":\"info\",\"msg\":\"a log line that happens to be JSON\"}\r");
        };
        return server.Run();
    }

    /// <summary>
    /// A sound server with the tool <c>hello</c> that leaves a process behind in a session of its own, deaf to polite signals, holding stdout and stderr open.
    /// With the argument <c>bare</c> its environment holds nothing but Fairlead's mark and what .NET needs; with <c>nameless</c> not even the mark, but it stays in the group.
    /// </summary>
    private static int Grandchild(string[] arguments)
    {
        var info = new ProcessStartInfo(arguments is ["nameless"] ? Environment.ProcessPath! : "setsid") { RedirectStandardInput = true };
        if (arguments is not ["nameless"])
        {
            info.ArgumentList.Add(Environment.ProcessPath!);
        }

        if (typeof(Modes).Assembly.Location is { } assembly && Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
        {
            info.ArgumentList.Add(assembly);
        }

        if (arguments is ["bare"] or ["nameless"])
        {
            string[] kept = arguments is ["bare"] ? ["FAIRLEAD_INSTANCE", "DOTNET_ROOT", "PATH"] : ["DOTNET_ROOT", "PATH"];
            foreach (var name in info.Environment.Keys.Except(kept).ToArray())
            {
                info.Environment.Remove(name);
            }
        }

        info.ArgumentList.Add("hang");
        using var grandchild = Process.Start(info)!;
        Console.Error.WriteLine($"grandchild {grandchild.Id}");
        var server = new LineServer();
        server.Tool("hello", (call, _) => server.AnswerText(call, "hello"));
        return server.Run();
    }

    /// <summary>On a call of <c>endless</c>, or with the argument <c>at-once</c> right away, it begins a line that never ends.</summary>
    private static int EndlessLine(string[] arguments)
    {
        var server = new LineServer();
        server.Tool("hello", (call, _) => server.AnswerText(call, "hello"));
        server.Tool("endless", (_, _) => server.Output.WriteForEver("{\"result\":{\"content\":[{\"type\":\"text\",\"text\":\""u8, "for ever and "u8));
        if (arguments is ["at-once"])
        {
            server.Output.WriteForEver("{"u8, " "u8);
        }

        return server.Run();
    }

    /// <summary>The tool <c>die</c> is answered by half an answer and exit code 4.</summary>
    private static int DieMidAnswer(string[] arguments)
    {
        var server = new LineServer();
        server.Tool("hello", (call, _) => server.AnswerText(call, "hello"));
        server.Tool("die", (_, _) =>
        {
            Console.Error.WriteLine("misbehave-server: dying in the middle of a sentence");
            server.Output.Raw("{\"jsonrpc\":\"2.0\",\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"the answer to your"u8);
            Environment.Exit(4);
        });
        return server.Run();
    }

    /// <summary>Reads everything, answers nothing, and leaves at the end of stdin.</summary>
    private static int Silent(string[] arguments)
    {
        using var input = Console.OpenStandardInput();
        input.CopyTo(Stream.Null);
        return 0;
    }

    /// <summary>
    /// <c>wait</c> answers after its argument <c>ms</c>, or without it when <c>release</c> is called; <c>quick</c> answers at once. Any number may wait.
    /// </summary>
    private static int Slow(string[] arguments)
    {
        var server = new LineServer();
        var waiting = new List<string>();
        var timers = new List<ITimer>();
        server.Tool("wait", (call, toolArguments) =>
        {
            if (toolArguments.TryGetProperty("ms", out var ms))
            {
                timers.Add(TimeProvider.System.CreateTimer(
                    _ => server.AnswerText(call, "waited"), null, TimeSpan.FromMilliseconds(ms.GetInt32()), Timeout.InfiniteTimeSpan));
            }
            else
            {
                waiting.Add(call);
            }
        });
        server.Tool("release", (call, _) =>
        {
            waiting.ForEach(id => server.AnswerText(id, "released"));
            server.AnswerText(call, $"{waiting.Count} released");
            waiting.Clear();
        });
        server.Tool("quick", (call, _) => server.AnswerText(call, "quick"));
        return server.Run();
    }

    /// <summary>
    /// A server of the older revisions whose tools <c>ask_elicitation</c>, <c>ask_sampling</c> and <c>ask_roots</c> ask the client, without saying for which
    /// call, and answer with what came back. A client that did not declare the capability gets <c>isError</c>, unless the argument <c>force</c> is true.
    /// </summary>
    private static int Asks(string[] arguments)
    {
        var server = new LineServer();
        server.Tool("hello", (call, _) => server.AnswerText(call, "hello"));
        server.Tool("ask_elicitation", (call, given) => server.Ask(
            call, given, "elicitation", "elicitation/create",
            "{\"message\":\"" + LineServer.TextOf(given, "message", "Which colour?")
            + "\",\"requestedSchema\":{\"type\":\"object\",\"properties\":{\"colour\":{\"type\":\"string\"}},\"required\":[\"colour\"]}}"));
        server.Tool("ask_sampling", (call, given) => server.Ask(
            call, given, "sampling", "sampling/createMessage",
            "{\"messages\":[{\"role\":\"user\",\"content\":{\"type\":\"text\",\"text\":\"" + LineServer.TextOf(given, "message", "Say something.")
            + "\"}}],\"maxTokens\":100}"));
        server.Tool("ask_roots", (call, given) => server.Ask(call, given, "roots", "roots/list", null));
        return server.Run();
    }

    /// <summary>
    /// A sound server with the tool <c>hello</c> that, once initialized, writes without pause: log notifications, or with the argument <c>junk</c> lines that
    /// are not JSON, or with <c>stderr</c> lines on stderr.
    /// </summary>
    private static int Flood(string[] arguments)
    {
        var server = new LineServer();
        server.Tool("hello", (call, _) => server.AnswerText(call, "hello"));
        server.Initialized = () => new Thread(() =>
        {
            for (var i = 0L; ; i++)
            {
                switch (arguments)
                {
                    case ["junk"]:
                        server.Output.Line($"flood line {i} that is no JSON at all");
                        break;
                    case ["stderr"]:
                        Console.Error.WriteLine($"flood line {i} on stderr");
                        break;
                    default:
                        server.Output.Line($"{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{{\"level\":\"info\",\"data\":\"flood {i}\"}}}}");
                        break;
                }
            }
        })
        { IsBackground = true }.Start();
        return server.Run();
    }

    /// <summary>Ignores the polite signals until it is disposed.</summary>
    public static IDisposable IgnoredSignals() => new SignalSet([PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGHUP, PosixSignal.SIGQUIT]);

    /// <summary>Holds the thread until the process is ended.</summary>
    public static void WaitForEver()
    {
        using var never = new ManualResetEventSlim();
        never.Wait();
    }

    private sealed class SignalSet(PosixSignal[] signals) : IDisposable
    {
        private readonly PosixSignalRegistration[] _registrations =
            Array.ConvertAll(signals, signal => PosixSignalRegistration.Create(signal, static context => context.Cancel = true));

        public void Dispose() => Array.ForEach(_registrations, registration => registration.Dispose());
    }
}
