using System.Text.Json;
using Fairlead.Configuration;
using Fairlead.Load.Servers;
using Fairlead.TestServers.Echo;

namespace Fairlead.Load.InProcess;

/// <summary>Measures in this very process, on the processors that it was given.</summary>
internal static class InProcessPart
{
    private const string Tools = "tools";
    private const string Server = "server";
    private const string Broken = "broken";
    private const string Echo = "echo";
    private const int Payload = 64;

    // The clock is read once in so many calls.
    private const int Stride = 100;

    // Twice: the compiler, which shares the core, is done with a method only some time after it has become hot.
    private const int WarmUps = 2;
    private static readonly TimeSpan s_warmUp = TimeSpan.FromSeconds(2);

    /// <summary>The <c>inprocess-part</c> mode: one JSON line on stdout.</summary>
    public static async Task<int> RunAsync(LoadArguments arguments)
    {
        var tool = new EchoTool(Payload);
        var hung = new HungTool();
        var broken = new ServerConfig { Name = Broken, TimeoutMs = 100, CircuitBreaker = { MinimumCalls = 1, OpenMs = 3_600_000 }, HealthCheck = { Kind = HealthCheckKind.None } };
        var manager = new McpManager(new FairleadOptions { Servers = [new ServerConfig { Name = Tools }, new ServerConfig { Name = Server }, broken] });
        await using (manager.ConfigureAwait(false))
        {
            manager.AddTools(Tools, tool);
            manager.AddServer(Server, new EchoHost());
            manager.AddTools(Broken, hung);
            await manager.LaunchAllAsync().ConfigureAwait(false);
            await CheckAsync(manager, tool).ConfigureAwait(false);
            await BreakAsync(manager, hung).ConfigureAwait(false);
            var touched = hung.Calls;
            var length = TimeSpan.FromMilliseconds(arguments.Number("--milliseconds", 1_000));
            var figures = arguments.Text("--part", "one") == "one"
                ? await MeasureAsync(arguments, length, "ExecuteToolAsync on an ITool", OneCallAtATime(manager, tool)).ConfigureAwait(false)
                : await MeasureAsync(arguments, length, "a batch on an ITool", Batches(manager, tool, arguments.Number("--batch", 1_000))).ConfigureAwait(false);
            if (hung.Calls != touched)
            {
                throw new BenchFailedException("calls passed the open circuit");
            }

            Console.WriteLine(JsonSerializer.Serialize(figures));
            await manager.ShutdownAsync(TimeSpan.Zero).ConfigureAwait(false);
        }

        return 0;
    }

    private static (string What, Func<TimeSpan, Task<long>> Run)[] OneCallAtATime(McpManager manager, EchoTool tool)
    {
        var context = new ToolCallContext(Tools, Echo);
        return
        [
            ("the tool object itself", length => RepeatAsync(length, () => tool.InvokeAsync(tool.Arguments, context, CancellationToken.None))),
            ("ExecuteToolAsync on an ITool", length => RepeatAsync(length, () => manager.ExecuteToolAsync(Tools, Echo, tool.Arguments))),
            ("ExecuteToolAsync on an IMcpServer", length => RepeatAsync(length, () => manager.ExecuteToolAsync(Server, Echo, tool.Arguments))),
            ("ExecuteToolAsync that an open circuit refuses", length => RepeatAsync(length, () => RefusedAsync(manager))),
        ];
    }

    private static (string What, Func<TimeSpan, Task<long>> Run)[] Batches(McpManager manager, EchoTool tool, int size)
    {
        object arguments = tool.Arguments;
        BatchCall[] BatchFor(string server) => [.. Enumerable.Range(0, size).Select(_ => new BatchCall(server, Echo, arguments))];
        var (tools, server) = (BatchFor(Tools), BatchFor(Server));
        return
        [
            ("a batch on an ITool", length => RepeatAsync(length, tools, manager)),
            ("one caller a core of ExecuteToolAsync on an ITool", async length => (await Task.WhenAll(
                Enumerable.Range(0, Environment.ProcessorCount).Select(_ => Task.Run(() => RepeatAsync(length, () => manager.ExecuteToolAsync(Tools, Echo, tool.Arguments))))).ConfigureAwait(false)).Sum()),
            ("a batch on an IMcpServer", length => RepeatAsync(length, server, manager)),
        ];
    }

    private static async Task<PartFigures> MeasureAsync(LoadArguments arguments, TimeSpan length, string bounded, (string What, Func<TimeSpan, Task<long>> Run)[] ways)
    {
        for (var number = 0; number < WarmUps; number++)
        {
            foreach (var (_, run) in ways)
            {
                await run(s_warmUp).ConfigureAwait(false);
            }
        }

        (string What, Func<TimeSpan, Task<long>> Run)[] round = [.. ways, (bounded + PartFigures.Again, ways.Single(way => way.What == bounded).Run)];
        PartRow[] rows = [.. round.Select(static way => new PartRow(way.What, [], [], []))];
        for (var number = arguments.Number("--rounds", 5); number > 0; number--)
        {
            for (var i = 0; i < round.Length; i++)
            {
                GC.Collect();
                var (before, cpu, started) = (GC.GetTotalAllocatedBytes(precise: true), Environment.CpuUsage.TotalTime, TimeProvider.System.GetTimestamp());
                var calls = await round[i].Run(length).ConfigureAwait(false);
                var elapsed = TimeProvider.System.GetElapsedTime(started);
                rows[i].CallsPerSecond.Add(calls / elapsed.TotalSeconds);
                rows[i].CpuNanosecondsPerCall.Add((Environment.CpuUsage.TotalTime - cpu).TotalNanoseconds / calls);
                rows[i].BytesPerCall.Add((double)(GC.GetTotalAllocatedBytes(precise: true) - before) / calls);
            }
        }

        return new PartFigures(Environment.ProcessorCount, bounded, rows);
    }

    private static async Task<long> RepeatAsync<T>(TimeSpan length, Func<ValueTask<T>> call)
    {
        var started = TimeProvider.System.GetTimestamp();
        long calls = 0;
        do
        {
            for (var i = 0; i < Stride; i++)
            {
                await call().ConfigureAwait(false);
            }

            calls += Stride;
        }
        while (TimeProvider.System.GetElapsedTime(started) < length);
        return calls;
    }

    private static async Task<long> RepeatAsync(TimeSpan length, BatchCall[] batch, McpManager manager)
    {
        var started = TimeProvider.System.GetTimestamp();
        long calls = 0;
        do
        {
            foreach (var outcome in await manager.ExecuteBatchAsync(batch).ConfigureAwait(false))
            {
                if (!outcome.IsSuccess)
                {
                    throw new BenchFailedException($"a call of a batch failed: {outcome.Error?.Message ?? outcome.Result?.Text}");
                }
            }

            calls += batch.Length;
        }
        while (TimeProvider.System.GetElapsedTime(started) < length);
        return calls;
    }

    /// <summary>Lets calls time out until the circuit is open.</summary>
    private static async Task BreakAsync(McpManager manager, HungTool tool)
    {
        while (true)
        {
            try
            {
                await manager.ExecuteToolAsync(Broken, tool.Name).ConfigureAwait(false);
            }
            catch (McpTimeout)
            {
                // One more that failed.
            }
            catch (CircuitOpen)
            {
                return;
            }
        }
    }

    /// <summary>A call that is refused, as a caller meets it: with an exception.</summary>
    private static async ValueTask<bool> RefusedAsync(McpManager manager)
    {
        try
        {
            await manager.ExecuteToolAsync(Broken, "hang").ConfigureAwait(false);
        }
        catch (CircuitOpen)
        {
            return true;
        }

        throw new BenchFailedException("the circuit is not open");
    }

    private static async Task CheckAsync(McpManager manager, EchoTool tool)
    {
        foreach (var server in (string[])[Tools, Server])
        {
            var text = (await manager.ExecuteToolAsync(server, Echo, tool.Arguments).ConfigureAwait(false)).Text;
            if (text != EchoText.Words(Payload))
            {
                throw new BenchFailedException($"'{server}' answered '{text}'");
            }
        }
    }

    /// <summary>The echo server of the other measurements inside this process. It blocks while it reads, so it has a thread of its own.</summary>
    private sealed class EchoHost : IMcpServer
    {
        public Task RunAsync(Stream input, Stream output, CancellationToken cancellationToken) => Task.Factory.StartNew(
            () => new EchoServer(Era.Dual).Run(input, output), cancellationToken, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);
    }
}
