using Fairlead.Configuration;
using Fairlead.Load;
using Fairlead.TestKit;
using Fairlead.Tests.Processes;

namespace Fairlead.Budgets.Tests;

/// <summary>What the gateway allocates for a request through HTTP beyond a bare web server that gives the same answer (bench/README.md, "What is compared").</summary>
public class HttpTests
{
    private const int WarmCalls = 2_000;
    private const int Calls = 4_000;

    /// <summary>Whatever the budgets file says.</summary>
    private const double AddedBytesMax = 512;

    [Fact]
    public Task Call_OverTheBareServer_KeepsItsBudget() => CheckAsync("http.call-added", "tools/call", _ => Task.FromResult(BenchCall.Answer));

    [Fact]
    public Task List_OverTheBareServer_KeepsItsBudget() => CheckAsync("http.list-added", "tools/list", AllocationBench.ListAnswerAsync);

    private static async Task CheckAsync(string budget, string method, Func<ServerConfig, Task<string>> answerOf)
    {
        var echo = new ServerConfig { Name = "echo", Command = "dotnet" };
        echo.Arguments.Add(TestPrograms.Library("Echo", "echo-server"));
        var answer = await Guard.WithinAsync(answerOf(echo), "the answer");
        var through = await Guard.WithinAsync(AllocationBench.MeasureGatewayAsync(echo, method, WarmCalls, Calls), "the gateway");
        var (bare, _) = await Guard.WithinAsync(AllocationBench.MeasureBareAsync(method, answer, WarmCalls, Calls), "the bare server");
        var added = through.Usual - bare.Usual;
        Assert.True(added <= AddedBytesMax, $"{added} bytes are added to a request; at most {AddedBytesMax} may be.");

        BudgetFile.Check(budget, added);
    }
}
