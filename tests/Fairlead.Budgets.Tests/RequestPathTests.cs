using System.Buffers;
using System.Text;
using Fairlead.Catalog;
using Fairlead.Configuration;
using Fairlead.Exchanges;
using Fairlead.Guards;
using Fairlead.Routing;
using Fairlead.Sessions;
using Fairlead.TestKit;
using Fairlead.Tests.Upstreams;
using Fairlead.Upstreams;
using Fairlead.Wire;
using Microsoft.Extensions.Logging.Abstractions;
using static Fairlead.Tests.Catalog.CatalogWorld;

namespace Fairlead.Budgets.Tests;

/// <summary>The steps of a call, one by one, in the order of the road.</summary>
public sealed class RequestPathTests
{
    private static readonly byte[] s_request = Encoding.UTF8.GetBytes(
        """{"jsonrpc":"2.0","id":"r-1","method":"tools/call","params":{"name":"server__tool_250","arguments":{"message":"hello"},"_meta":{"progressToken":"p","io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}""");

    private static readonly byte[] s_answer = """{"result":{"content":[{"type":"text","text":"hello"}]},"jsonrpc":"2.0","id":65537}"""u8.ToArray();

    [Fact]
    public void Session_WhenItIsFound_KeepsItsBudget()
    {
        var clock = new FakeTimeProvider();
        using var table = new SessionTable(new LimitsOptions(), new SessionTickets(null, clock, NullLogger.Instance), clock);
        var id = table.Open("echo", ProtocolVersion.V20251125, "{}"u8.ToArray(), [])!.Id;
        BudgetFile.Check("session.find", Measured.BytesPerOperation(() => Must(table.Find(id, "echo", out _) == SessionLookup.Found)));
    }

    [Fact]
    public void SessionTicket_WhenItIsOpened_KeepsItsBudget()
    {
        var tickets = new SessionTickets(null, new FakeTimeProvider(), NullLogger.Instance);
        var (id, _) = tickets.Make("echo", ProtocolVersion.V20251125, """{"elicitation":{}}"""u8.ToArray(), """{"name":"n","version":"1"}"""u8.ToArray());
        BudgetFile.Check("session.ticket-open", Measured.BytesPerOperation(() => Must(tickets.Open(id, "echo") is not null)));
    }

    [Fact]
    public void Names_WhenTheyAreKnown_KeepTheirBudget()
    {
        var catalog = Tools([.. Enumerable.Range(0, 500).Select(static i => $"tool_{i}")]) with { Templates = [Entry("""{"uriTemplate":"a://{id}/x","name":"n"}""", ListKind.ResourceTemplates)] };
        var snapshot = Aggregate(NamingPolicy.Prefix, Source("server", catalog), Source("other", Tools("t")));
        BudgetFile.Check("routing.name", Measured.BytesPerOperation(() =>
        {
            Must(snapshot.TryRoute(ListKind.Tools, "\"server__tool_250\""u8, out _));
            Must(snapshot.TryRoute(ListKind.Tools, "\"server__tool\\u005f250\""u8, out _));
        }));
        BudgetFile.Check("routing.uri-template", Measured.BytesPerOperation(() => Must(snapshot.TryRoute(ListKind.Resources, "\"a://1/x\""u8, out _))));
        BudgetFile.Check("list.page", Measured.BytesPerOperation(() => Must(snapshot.TryGetPage(ListKind.Tools, ProtocolVersion.V20260728, default, out _))));

        var exchange = Admit();
        BudgetFile.Check("routing.request", Measured.BytesPerOperation(() => Must(CallIntake.Route(exchange, snapshot) == IntakeFault.None)));
        End(exchange);
    }

    [Fact]
    public void Server_WhenItIsLookedUpByName_KeepsItsBudget()
    {
        var fleet = FleetOf([.. Enumerable.Range(0, 100).Select(static i => Cell($"server-{i}"))]);
        BudgetFile.Check("routing.server", Measured.BytesPerOperation(() => Must(fleet.ByName.TryGetValue("server-50", out _))));
    }

    [Fact]
    public void Guards_WhenCallsPass_KeepTheirBudgets()
    {
        var guards = new ServerGuards(TimeProvider.System);
        var rates = new RateLimitOptions { Server = Rate(), Client = Rate() };
        rates.Tools["tool"] = Rate();
        guards.Apply(new ServerConfig { Name = "guarded", RateLimit = rates });
        var tool = guards.ToolOf("tool");
        var instance = new InstanceGuard(guards);
        var (client, now) = (new object(), TimeProvider.System.GetTimestamp());

        BudgetFile.Check("guards.rates", Measured.BytesPerOperation(() => Must(guards.TryAdmit(client, tool, isRepeated: false, now, out _, out _) == GuardRefusal.None)));
        BudgetFile.Check("guards.tool-lookup", Measured.BytesPerOperation(() => Must(guards.ToolOf("tool") == tool)));
        BudgetFile.Check("guards.breaker", Measured.BytesPerOperation(() =>
        {
            Must(instance.Breaker.TryPass(now, out var isProbe));
            instance.Breaker.Record(CallOutcome.Good, isProbe, now);
        }));
        BudgetFile.Check("guards.bulkhead", Measured.BytesPerOperation(() =>
        {
            Must(guards.Bulkhead.TryEnter());
            guards.Bulkhead.Leave();
        }));
        BudgetFile.Check("guards.call", Measured.BytesPerOperation(() =>
        {
            var admission = default(CallAdmission);
            Must(guards.TryAdmit(client, tool, isRepeated: false, now, out var isProbe, out _) == GuardRefusal.None);
            admission.Begin(guards, tool, isProbe);
            Must(admission.TryEnter(guards, instance, now));
            Must(admission.TryTakePermit());
            admission.Settle(CallOutcome.Good, lostConnection: false);
        }));
    }

    [Fact]
    public void TokenBucket_WhenItGivesAndRefuses_KeepsItsBudget()
    {
        var (full, empty) = (new TokenBucket(1, int.MaxValue), new TokenBucket(1_000_000, 1));
        empty.TryTake(1);
        BudgetFile.Check("guards.token-bucket", Measured.BytesPerOperation(() =>
        {
            Must(full.TryTake(1) == 0);
            Must(empty.TryTake(1) > 0);
        }));
    }

    [Theory]
    [InlineData(LoadBalancingPolicy.RoundRobin, "balancing.round-robin")]
    [InlineData(LoadBalancingPolicy.LeastConnections, "balancing.least-connections")]
    [InlineData(LoadBalancingPolicy.LeastLatency, "balancing.least-latency")]
    [InlineData(LoadBalancingPolicy.Random, "balancing.random")]
    [InlineData(LoadBalancingPolicy.PowerOfTwoChoices, "balancing.power-of-two-choices")]
    [InlineData(LoadBalancingPolicy.ConsistentHash, "balancing.consistent-hash")]
    [InlineData(LoadBalancingPolicy.WeightedRoundRobin, "balancing.weighted-round-robin")]
    public async Task Balancer_WhenItChoosesAmongThree_KeepsItsBudget(LoadBalancingPolicy policy, string budget)
    {
        await using var one = new PipeServer();
        await using var two = new PipeServer();
        await using var three = new PipeServer();
        UpstreamConnection[] instances = [one.Connection, two.Connection, three.Connection];
        var options = new LoadBalancingOptions { Policy = policy, Weights = "3,1" };
        var guards = new ServerGuards(TimeProvider.System);
        guards.Apply(new ServerConfig { Name = "balanced", LoadBalancing = options });
        var (owner, now) = (new object(), TimeProvider.System.GetTimestamp());
        BudgetFile.Check(budget, Measured.BytesPerOperation(() => guards.Balancer.Pick(instances, options, owner, isSession: false, now)));
    }

    [Fact]
    public async Task Balancer_WhenASessionHasItsInstance_KeepsItsBudget()
    {
        await using var one = new PipeServer();
        await using var two = new PipeServer();
        UpstreamConnection[] instances = [one.Connection, two.Connection];
        var options = new LoadBalancingOptions();
        var guards = new ServerGuards(TimeProvider.System);
        var (owner, now) = (new object(), TimeProvider.System.GetTimestamp());
        BudgetFile.Check("balancing.session-affinity", Measured.BytesPerOperation(() => guards.Balancer.Pick(instances, options, owner, isSession: true, now)));
    }

    [Fact]
    public void Exchange_WhenRentedAndFinished_KeepsItsBudget() => BudgetFile.Check("exchange.rent-and-finish", Measured.BytesPerOperation(static () => End(Admit())));

    [Fact]
    public void PendingTable_WhenACallOpensAndEnds_KeepsItsBudget()
    {
        var table = new PendingTable();
        var call = UpstreamCall.Create();
        BudgetFile.Check("pending.open-and-take", Measured.BytesPerOperation(() =>
        {
            Must(table.TryOpen(call));
            Must(table.TryBeginDelivery(call.UpstreamId, out _));
            Must(table.EndDelivery(call) == ForwardError.None);
            Must(table.TryTake(call.UpstreamId, ForwardError.None, out _));
        }));
    }

    [Theory]
    [InlineData(true, "splice.request-to-modern")]
    [InlineData(false, "splice.request-to-legacy")]
    public void Request_WhenItIsComposed_KeepsItsBudget(bool toModern, string budget)
    {
        var exchange = Admit();
        exchange.UpstreamName = "\"tool_250\""u8.ToArray();
        BudgetFile.Check(budget, Measured.BytesPerOperation(() => RequestSplicer.Compose(exchange, toModern, upstreamId: 65537).Return()));
        End(exchange);
    }

    [Fact]
    public void Answer_WhenItIsWritten_KeepsItsBudget()
    {
        var exchange = Admit();
        Must(EnvelopeScanner.Scan(s_answer, ScanLimits.Default, out var envelope) == ScanError.None);
        exchange.Complete(s_answer, envelope);
        var writer = new ArrayBufferWriter<byte>(4096);
        BudgetFile.Check("splice.answer", Measured.BytesPerOperation(() =>
        {
            writer.ResetWrittenCount();
            Must(AnswerSplicer.Write(exchange, writer).Status == 200);
        }));
        exchange.Release();
    }

    [Fact]
    public void Counters_WhenACallIsRecorded_KeepTheirBudget()
    {
        var counters = new CallCounters();
        BudgetFile.Check("metrics.record", Measured.BytesPerOperation(() => counters.Record(micros: 12, failed: true)));
    }

    [Fact]
    public void CallMetrics_WhenACallIsRecorded_KeepTheirBudget()
    {
        var metrics = new CallMetrics(new FakeTimeProvider());
        var now = 0L;

        // Each one in a slice of its own: the notes of slices must not allocate either.
        BudgetFile.Check("metrics.record-call", Measured.BytesPerOperation(() =>
        {
            now += TimeSpan.TicksPerMinute;
            metrics.Record(McpMethod.ToolsCall, CallStatus.Ok, now, now);
            metrics.RecordUnsent(McpMethod.ToolsCall, CallStatus.Error);
        }));
    }

    private static RateOptions Rate() => new() { Calls = 1_000_000, PerMs = 1_000 };

    private static Exchange Admit()
    {
        var exchange = Exchange.Rent();
        exchange.Request = s_request;
        exchange.ClientVersion = ProtocolVersion.V20260728;
        Must(EnvelopeScanner.Scan(s_request, ScanLimits.Default, out exchange.RequestEnvelope) == ScanError.None);
        return exchange;
    }

    private static void End(Exchange exchange)
    {
        exchange.Fail(ForwardError.ClientCancelled, null);
        exchange.Release();
    }

    private static void Must(bool holds)
    {
        if (!holds)
        {
            throw new InvalidOperationException("What is measured does not do what it should.");
        }
    }
}
