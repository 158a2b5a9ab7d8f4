using System.Text.Json;

namespace Fairlead.TestServers.Misbehave;

/// <summary>Modes of servers that start well and break over the calls of their tools. Each has the tool <c>hello</c>, where the fault is.</summary>
internal static class BrokenAnswers
{
    private const string Question = """{"message":"Are you sure?","requestedSchema":{"type":"object","properties":{"sure":{"type":"boolean"}}}}""";

    /// <summary>Answers well and ends with code 5.</summary>
    public static int ExitAfterCall(string[] arguments) => Serve((server, call) =>
    {
        server.AnswerText(call, "hello");
        Environment.Exit(5);
    });

    /// <summary>Answers under ids that nobody asked with: one of another kind, one too high, one of the past.</summary>
    public static int WrongId(string[] arguments) => Serve(static (server, call) =>
    {
        server.AnswerText("\"nobody\"", "for nobody");
        server.AnswerText("987654321", "for nobody");
        server.AnswerText("1", "too late");
    });

    /// <summary>Answers each call twice, the second time with another text.</summary>
    public static int Twice(string[] arguments) => Serve(static (server, call) =>
    {
        server.AnswerText(call, "hello");
        server.AnswerText(call, "hello once more");
    });

    /// <summary>Answers with one line of a gigabyte.</summary>
    public static int GigabyteLine(string[] arguments) => Serve(static (server, call) =>
    {
        var chunk = new byte[1024 * 1024];
        Array.Fill(chunk, (byte)'x');
        server.Output.Raw("{\"jsonrpc\":\"2.0\",\"result\":{\"content\":[{\"type\":\"text\",\"text\":\""u8);
        for (var i = 0; i < 1024; i++)
        {
            server.Output.Raw(chunk);
        }

        server.Output.Line("\"}]},\"id\":" + call + "}");
    });

    /// <summary>Answers with JSON that is nested a hundred levels deep.</summary>
    public static int Deep(string[] arguments) => Serve(static (server, call) =>
        server.Answer(call, "{\"content\":[],\"structuredContent\":" + string.Concat(Enumerable.Repeat("{\"a\":[", 50)) + string.Concat(Enumerable.Repeat("]}", 50)) + "}"));

    /// <summary>Never answers a call.</summary>
    public static int Mute(string[] arguments) => Serve(static (_, _) => { });

    /// <summary>Answers a minute later.</summary>
    public static int Late(string[] arguments)
    {
        var timers = new List<ITimer>();
        return Serve((server, call) => timers.Add(TimeProvider.System.CreateTimer(
            _ => server.AnswerText(call, "hello, at last"), null, TimeSpan.FromSeconds(60), Timeout.InfiniteTimeSpan)));
    }

    /// <summary>Declares everything that there is, and knows neither the lists that it declares nor the tool that it lists.</summary>
    public static int Lies(string[] arguments)
    {
        var server = new LineServer
        {
            Capabilities = """{"tools":{"listChanged":true},"resources":{"subscribe":true,"listChanged":true},"prompts":{"listChanged":true},"completions":{},"logging":{},"tasks":{"list":{},"cancel":{}}}""",
            Listed = static () => ["hello"],
        };
        return server.Run();
    }

    /// <summary>Asks the client for input, and again, whatever it answers, for ever.</summary>
    public static int AsksForEver(string[] arguments)
    {
        var server = new LineServer();
        void Again(string call) => server.Ask(call, Forced, "elicitation", "elicitation/create", Question);
        server.Heard = (call, _) => Again(call);
        server.Tool("hello", (call, _) => Again(call));
        return server.Run();
    }

    private static JsonElement Forced { get; } = JsonDocument.Parse("""{"force":true}""").RootElement;

    private static int Serve(Action<LineServer, string> answer)
    {
        var server = new LineServer();
        server.Tool("hello", (call, _) => answer(server, call));
        return server.Run();
    }
}
