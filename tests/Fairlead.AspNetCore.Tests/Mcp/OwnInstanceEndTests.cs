using System.Net;
using Fairlead.Configuration;
using Fairlead.TestKit;

namespace Fairlead.AspNetCore.Tests.Mcp;

/// <summary>An instance of a session's own ends with the session (decision 8.5).</summary>
public sealed class OwnInstanceEndTests
{
    [Fact]
    public async Task Delete_WhenTheSessionHasAnInstanceOfItsOwn_ThatInstanceEnds()
    {
        var options = new FairleadOptions();
        options.Servers.Add(new ServerConfig { Name = "s", Isolation = ServerIsolation.Session });
        var runs = new CountedRuns();
        await using var host = await FrontHost.StartAsync(options, manager => manager.AddServer("s", runs));
        var session = await host.InitializeAsync("/mcp/s");
        var (status, body, _) = await host.PostAsync("/mcp/s", """{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"hello","arguments":{}}}""", "Mcp-Session-Id: " + session);
        Assert.True(status == HttpStatusCode.OK, body);
        Assert.Equal(2, runs.Begun);

        using var delete = new HttpRequestMessage(HttpMethod.Delete, "/mcp/s");
        delete.Headers.Add("Mcp-Session-Id", session);
        using var deleted = await host.Http.SendAsync(delete);

        Assert.Equal(2, await Guard.WithinAsync(runs.FirstEnd, "the end of the session's instance"));
    }

    private sealed class CountedRuns : IMcpServer
    {
        private readonly TaskCompletionSource<int> _firstEnd = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _begun;

        public int Begun => Volatile.Read(ref _begun);

        /// <summary>The number of the run that ended first.</summary>
        public Task<int> FirstEnd => _firstEnd.Task;

        public async Task RunAsync(Stream input, Stream output, CancellationToken cancellationToken)
        {
            var number = Interlocked.Increment(ref _begun);
            await using var server = new ScriptedServer().SpeaksLegacy("""{"tools":{}}""")
                .On("tools/list", """ "result":{"tools":[{"name":"hello","inputSchema":{"type":"object"}}]} """)
                .On("tools/call", """ "result":{"content":[]} """);
            try
            {
                await await Task.WhenAny(input.CopyToAsync(server.Input, cancellationToken), server.Output.CopyToAsync(output, cancellationToken));
            }
            finally
            {
                _firstEnd.TrySetResult(number);
            }
        }
    }
}
