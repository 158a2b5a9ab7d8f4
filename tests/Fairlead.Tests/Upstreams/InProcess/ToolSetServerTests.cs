using System.IO.Pipelines;
using System.Text;
using Fairlead.TestKit;
using Fairlead.Tests.Servers;
using Fairlead.Upstreams.InProcess;

namespace Fairlead.Tests.Upstreams.InProcess;

public sealed class ToolSetServerTests
{
    private static ToolSetServer Server(params ITool[] tools) => new(new ToolSet("set", tools), "set", 1024 * 1024);

    /// <summary>Sends lines to a server and returns as many answers.</summary>
    private static async Task<string[]> TalkAsync(ToolSetServer server, int answers, params string[] lines)
    {
        var toServer = new Pipe();
        var fromServer = new Pipe();
        var running = server.RunAsync(toServer.Reader.AsStream(), fromServer.Writer.AsStream(), CancellationToken.None);
        foreach (var line in lines)
        {
            await toServer.Writer.WriteAsync(Encoding.UTF8.GetBytes(line + "\n"));
        }

        using var reader = new StreamReader(fromServer.Reader.AsStream());
        var read = new List<string>();
        while (read.Count < answers)
        {
            read.Add((await Guard.WithinAsync(reader.ReadLineAsync(), $"answer {read.Count + 1}"))!);
        }

        await toServer.Writer.CompleteAsync();
        await Guard.WithinAsync(running, "the end of the server");
        return [.. read];
    }

    [Fact]
    public async Task Run_WhenAskedLikeAnyServer_ItAnswersLikeOne()
    {
        var answers = await TalkAsync(
            Server(TextTool.Echo()), 5,
            """{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}""",
            """{"jsonrpc":"2.0","method":"notifications/initialized"}""",
            """{"jsonrpc":"2.0","id":"two","method":"ping"}""",
            """{"jsonrpc":"2.0","id":3,"method":"tools/list"}""",
            """{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"nobody"}}""",
            """{"jsonrpc":"2.0","id":5,"method":"server/discover"}""");

        Assert.Contains("\"protocolVersion\":\"2025-11-25\"", answers[0], StringComparison.Ordinal);
        Assert.Equal("""{"jsonrpc":"2.0","id":"two","result":{}}""", answers[1]);
        Assert.Contains("\"tools\":[{\"name\":\"echo\"", answers[2], StringComparison.Ordinal);
        Assert.Contains("-32602", answers[3], StringComparison.Ordinal);
        Assert.Contains("-32601", answers[4], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Call_WhenAnotherIsSlow_ItIsAnsweredFirst()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var releases = new TextTool("release", (_, _) =>
        {
            release.TrySetResult();
            return new ValueTask<ToolOutput>(ToolOutput.Text("released"));
        });

        var answers = await TalkAsync(
            Server(TextTool.WhenDone("slow", release.Task), releases), 2,
            """{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"slow"}}""",
            """{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"release"}}""");

        Assert.Equal(["\"id\":1", "\"id\":2"], answers.Select(static answer => answer.Substring(answer.IndexOf("\"id\"", StringComparison.Ordinal), 6)).Order());
    }

    [Fact]
    public async Task Call_WhenItIsCancelled_TheToolIsToldAndNoAnswerFollows()
    {
        var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var waits = new TextTool("waits", async (_, cancellationToken) =>
        {
            using var registration = cancellationToken.UnsafeRegister(static state => ((TaskCompletionSource)state!).TrySetResult(), told);
            await told.Task;
            return ToolOutput.Text("nobody wants this");
        });

        var answers = await TalkAsync(
            Server(waits), 1,
            """{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"waits"}}""",
            """{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}""",
            """{"jsonrpc":"2.0","id":2,"method":"ping"}""");

        await Guard.WithinAsync(told.Task, "the cancellation");
        Assert.Equal("""{"jsonrpc":"2.0","id":2,"result":{}}""", answers[0]);
    }

    [Fact]
    public void ToolSet_WhenNamesOrDefinitionsAreWrong_TheErrorSaysWhich()
    {
        Assert.Contains("'echo'", Assert.Throws<InvalidConfiguration>(() => Server(TextTool.Echo(), TextTool.Echo())).Message, StringComparison.Ordinal);
        Assert.Contains("'odd'", Assert.Throws<InvalidConfiguration>(() => Server(new OddTool("{\"name\":\"other\",\"inputSchema\":{}}"))).Message, StringComparison.Ordinal);
        Assert.Contains("'odd'", Assert.Throws<InvalidConfiguration>(() => Server(new OddTool("{"))).Message, StringComparison.Ordinal);
        Assert.Contains("'odd'", Assert.Throws<InvalidConfiguration>(() => Server(new OddTool("{\"name\":\"odd\"}"))).Message, StringComparison.Ordinal);
    }

    private sealed class OddTool(string definition) : ITool
    {
        public string Name => "odd";

        public ReadOnlyMemory<byte> DefinitionUtf8 { get; } = Encoding.UTF8.GetBytes(definition);

        public ValueTask<ToolOutput> InvokeAsync(ReadOnlyMemory<byte> argumentsUtf8, ToolCallContext context, CancellationToken cancellationToken) => new(ToolOutput.Text(""));
    }
}
