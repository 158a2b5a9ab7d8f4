using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Fairlead.TestKit;

namespace Fairlead.EndToEnd.Tests.Hostile;

/// <summary>Clients that always have something more to send, at sockets whose operations go on on the threads that wait for them: nobody else may wait for a turn that never comes.</summary>
public sealed class GreedyClientTests
{
    private const int CallsMeanwhile = 20;

    // More than there are waiting threads, so that each has one.
    private static readonly int s_greedy = 2 * Environment.ProcessorCount;

    [Theory]
    [InlineData("text/plain", 4)] // Refused at the headers.
    [InlineData("application/json", 4)] // Refused at the body: no JSON-RPC.
    [InlineData("application/json", 60_000)]
    public async Task Calls_BesideClientsThatAreRefusedWithoutPause_AreAnswered(string contentType, int bodyBytes)
    {
        await using var gateway = await GatewayProcess.StartAsync("echo", GatewayProcess.Stdio("dotnet", RepositoryPaths.BuiltAssembly("Echo", "echo-server.dll")));
        using var caller = new RawCaller(gateway.Url);
        Assert.Null((await caller.CallAsync("echo__echo", """{"message":"before"}""", Guard.Limit)).Error);
        var greedy = Enumerable.Range(0, s_greedy).Select(_ => new GreedyClient(gateway.Url, contentType, bodyBytes)).ToArray();
        await ProcessTable.WhenClearAsync(() => greedy.All(static client => client.Answered > 10_000) ? null : "not all are at it", "the greedy clients");
        var before = greedy.Sum(static client => client.Answered);

        for (var call = 0; call < CallsMeanwhile; call++)
        {
            // A connection of its own each: whichever thread it meets, it is busy.
            using var other = new RawCaller(gateway.Url);
            var answer = await Guard.WithinAsync(other.CallAsync("echo__echo", """{"message":"meanwhile"}""", Guard.Limit), string.Create(CultureInfo.InvariantCulture, $"call {call} beside the greedy clients"));
            Assert.Equal("meanwhile", answer.Text);
        }

        Assert.True(greedy.Sum(static client => client.Answered) > before, "the greedy clients had stopped");
        Array.ForEach(greedy, static client => client.Dispose());
        Assert.All(greedy, static client => Assert.Null(client.Failure));
    }

    /// <summary>Sends requests one behind the other without waiting for answers, and reads what comes, on two threads of its own: the pool of the test is the callers'.</summary>
    private sealed class GreedyClient : IDisposable
    {
        private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        private readonly Thread[] _threads;
        private long _answered;
        private volatile bool _isOver;

        public GreedyClient(Uri url, string contentType, int bodyBytes)
        {
            var request = $"POST /mcp HTTP/1.1\r\nHost: {url.Authority}\r\nContent-Type: {contentType}\r\nContent-Length: {bodyBytes.ToString(CultureInfo.InvariantCulture)}\r\n\r\n{new string('1', bodyBytes)}";
            var block = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(request, Math.Max(1, 65_536 / request.Length))));
            _socket.Connect(url.Host, url.Port);
            _threads = [Start(() => _socket.Send(block)), Start(() => Interlocked.Add(ref _answered, _socket.Receive(new byte[65_536])))];
        }

        /// <summary>Bytes of answers so far.</summary>
        public long Answered => Interlocked.Read(ref _answered);

        /// <summary>What ended it before its time; null when nothing did.</summary>
        public SocketException? Failure { get; private set; }

        public void Dispose()
        {
            _isOver = true;
            _socket.Shutdown(SocketShutdown.Both);
            _socket.Dispose();
            Array.ForEach(_threads, static thread => thread.Join());
        }

        private Thread Start(Action again)
        {
            var thread = new Thread(() =>
            {
                try
                {
                    while (!_isOver)
                    {
                        again();
                    }
                }
                catch (Exception exception) when (exception is SocketException or ObjectDisposedException && _isOver)
                {
                    // The test is over.
                }
                catch (SocketException exception)
                {
                    Failure = exception;
                }
            })
            { IsBackground = true };
            thread.Start();
            return thread;
        }
    }
}
