using System.Runtime.CompilerServices;
using Fairlead.Exchanges;
using Fairlead.Guards;
using Fairlead.Routing;
using Fairlead.Sessions;
using Fairlead.TestKit;
using Fairlead.Upstreams;
using Fairlead.Wire;
using Microsoft.Extensions.Logging.Abstractions;

namespace Fairlead.Budgets.Tests;

/// <summary>The size of what there is one of for each call, slot, instance or session, with all that it makes for itself.</summary>
public sealed class SizeTests
{
    [Fact]
    public void Structs_OfACall_KeepTheirBudgets()
    {
        BudgetFile.Check("size.envelope", Unsafe.SizeOf<Envelope>());
        BudgetFile.Check("size.byte-range", Unsafe.SizeOf<ByteRange>());
        BudgetFile.Check("size.call-admission", Unsafe.SizeOf<CallAdmission>());
    }

    [Fact]
    public void Exchange_WhenThePoolIsEmpty_KeepsItsBudget()
    {
        // As many as the pool can hold, so that the next ones are made.
        var rented = Enumerable.Range(0, 1100).Select(static _ => Exchange.Rent()).ToList();
        BudgetFile.Check("size.exchange", Measured.BytesOf(static () => Exchange.Rent()));
        GC.KeepAlive(rented);
    }

    [Fact]
    public void UpstreamCall_WhenMade_KeepsItsBudget() => BudgetFile.Check("size.upstream-call", Measured.BytesOf(static () => UpstreamCall.Create()));

    [Fact]
    public void PendingTable_WithItsFirst256Slots_KeepsItsBudget()
    {
        var call = UpstreamCall.Create();
        BudgetFile.Check("size.pending-table-256", Measured.BytesOf(() =>
        {
            var table = new PendingTable();
            table.TryOpen(call);
            return table;
        }));
    }

    [Fact]
    public void Guards_OfAnInstance_KeepTheirBudget()
    {
        var guards = new ServerGuards(TimeProvider.System);
        BudgetFile.Check("size.instance-guard", Measured.BytesOf(() => new InstanceGuard(guards)));
    }

    [Fact]
    public void Counters_OfAServer_KeepTheirBudget() => BudgetFile.Check("size.call-counters", Measured.BytesOf(static () => new CallCounters()));

    [Fact]
    public void CallMetrics_OfAServerOneOfWhoseMethodsIsCalled_KeepTheirBudget() => BudgetFile.Check("size.call-metrics", Measured.BytesOf(static () =>
    {
        var metrics = new CallMetrics(TimeProvider.System);
        metrics.Record(McpMethod.ToolsCall, CallStatus.Ok, 0, 0);
        return metrics;
    }));

    [Fact]
    public void Session_WhenOpened_KeepsItsBudget()
    {
        var clock = new FakeTimeProvider();
        var (id, ticket) = new SessionTickets(null, clock, NullLogger.Instance).Make("echo", ProtocolVersion.V20251125, "{}"u8.ToArray(), "{}"u8.ToArray());
        BudgetFile.Check("size.legacy-session", Measured.BytesOf(() => new LegacySession(id, ticket, clock)));
    }
}
