using System.Text.Json;
using Fairlead.Configuration;
using Fairlead.Guards;
using Fairlead.Routing;
using Fairlead.Wire;

namespace Fairlead;

/// <summary>What is known of a server at one moment. A copy: it does not change.</summary>
public sealed record ServerInfo
{
    /// <summary>The id: the server's name.</summary>
    public required string Id { get; init; }

    /// <summary>The name as the user wrote it.</summary>
    public required string Title { get; init; }

    /// <summary>What kind of server it is.</summary>
    public required ServerType Type { get; init; }

    /// <summary>How Fairlead speaks to it.</summary>
    public required ServerTransport Transport { get; init; }

    /// <summary>The state.</summary>
    public required ServerState State { get; init; }

    /// <summary>What is being done to it.</summary>
    public required DeploymentState Deployment { get; init; }

    /// <summary>Why it is in this state, in words that follow the server's name; null when it is Healthy.</summary>
    public string? Reason { get; init; }

    /// <summary>What a built-in server is connected to, such as an engine with its version and address; null for other servers and while it is away.</summary>
    public string? Backend { get; init; }

    /// <summary>Since when it is in this state.</summary>
    public required DateTimeOffset Since { get; init; }

    /// <summary>The last failure, kept when it has recovered; null when it never failed.</summary>
    public string? LastFailure { get; init; }

    /// <summary>When the next start is tried; null when none is planned.</summary>
    public DateTimeOffset? NextRetry { get; init; }

    /// <summary>Restarts after failures since it was deployed.</summary>
    public int Restarts { get; init; }

    /// <summary>Process id of the shared instance; null when there is no child.</summary>
    public int? ProcessId { get; init; }

    /// <summary>The protocol revision spoken with it, such as <c>2025-11-25</c>; null before the first contact.</summary>
    public string? ProtocolVersion { get; init; }

    /// <summary>What the server calls itself; null when it has not said.</summary>
    public string? ServerName { get; init; }

    /// <summary>The version that the server says it has; null when it has not said.</summary>
    public string? ServerVersion { get; init; }

    /// <summary>Number of tools it is known to have, hidden ones included; those of the last contact while it is away.</summary>
    public int Tools { get; init; }

    /// <summary>Whether it has shown that it asks its clients questions, so that clients that can answer get instances of their own.</summary>
    public bool IsAsking { get; init; }

    /// <summary>Instances that belong to single clients at this moment, beside the shared one.</summary>
    public int OwnInstances { get; init; }

    /// <summary>Processes that are ready for clients that will need an instance of their own.</summary>
    public int WarmInstances { get; init; }

    /// <summary>Its last rollout, running or ended; null when there was none since Fairlead was started.</summary>
    public RolloutInfo? Rollout { get; init; }

    /// <summary>Instances that share its calls at this moment.</summary>
    public int Replicas { get; init; }

    /// <summary>How many instances there are to be.</summary>
    public int ReplicasWanted { get; init; } = 1;

    /// <summary>Calls in flight to it, over all its instances.</summary>
    public int CallsInFlight { get; init; }

    /// <summary>Calls that wait because <c>maxConnections</c> are in flight.</summary>
    public int CallsWaiting { get; init; }

    /// <summary>How the circuit of its instance stands (of the first, when there are several).</summary>
    public CircuitState Circuit { get; init; }

    /// <summary>Tools whose circuit is not closed, by the server's own names.</summary>
    public IReadOnlyList<string> OpenToolCircuits { get; init; } = [];

    /// <summary>The port of its own listener; null when it has none.</summary>
    public int? Port { get; init; }

    /// <summary>Why that port is not open, in words that follow the server's name; null when it is. It is tried again every second.</summary>
    public string? PortProblem { get; init; }

    /// <summary>Who decides that it is part of the fleet.</summary>
    public ServerOwner Owner { get; init; }

    /// <summary>Changes whenever its configuration is changed, or something is done to it by hand, and with nothing else; comes back when a change is undone. Never the same in two
    /// runs of Fairlead. Null for a moment while it is being deployed.</summary>
    public string? ConfigurationVersion { get; init; }

    /// <summary>What was done to it by hand; null = nothing.</summary>
    public ServerOverlay? ByHand { get; init; }

    /// <summary>Faults that lie on it, because somebody injected them on purpose.</summary>
    public IReadOnlyList<FaultInfo> Faults { get; init; } = [];

    /// <summary>The tags of its configuration.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Reads what is known at this moment.</summary>
    internal static ServerInfo From(ServerCell cell, int ownInstances, int warmInstances, RolloutInfo[] rollouts)
    {
        var snapshot = cell.Current;
        var identity = snapshot.Catalog.Identity;
        var (name, version) = identity is null ? (null, null) : ReadImplementation(identity.ServerInfo);
        return new ServerInfo
        {
            Id = snapshot.Config.Name,
            Title = snapshot.Config.Title ?? snapshot.Config.Name,
            Type = snapshot.Config.Type,
            Transport = snapshot.Config.EffectiveTransport,
            State = snapshot.State,
            Deployment = snapshot.Deployment,
            Reason = snapshot.Reason,
            Backend = snapshot.Backend,
            Since = snapshot.Since,
            LastFailure = snapshot.LastFailure,
            NextRetry = snapshot.NextRetry,
            Restarts = snapshot.Restarts,
            ProcessId = snapshot.ProcessId,
            ProtocolVersion = identity?.Version.Format(),
            ServerName = name,
            ServerVersion = version,
            Tools = snapshot.Catalog.Tools.Length,
            IsAsking = snapshot.IsAsking,
            OwnInstances = ownInstances,
            WarmInstances = warmInstances,
            Rollout = rollouts.FirstOrDefault(),
            Replicas = snapshot.Replicas.Length,
            ReplicasWanted = snapshot.ReplicasWanted,
            CallsInFlight = cell.Guards.Bulkhead.Taken,
            CallsWaiting = cell.Guards.Bulkhead.Waiting,
            Circuit = snapshot.Shared is { } shared ? InstanceGuard.Of(shared, cell.Guards).Breaker.State : CircuitState.Closed,
            OpenToolCircuits = [.. cell.Guards.Tools.Where(static tool => tool.Breaker.State != CircuitState.Closed).Select(static tool => tool.Name)],
            Port = snapshot.Config.Port,
            PortProblem = cell.PortProblem,
            Owner = snapshot.Config.Owner,
            ByHand = snapshot.Config.ByHand.IsNone ? null : snapshot.Config.ByHand,
            Tags = [.. snapshot.Config.Tags],
        };
    }

    private static (string? Name, string? Version) ReadImplementation(byte[] raw)
    {
        if (raw.Length == 0)
        {
            return (null, null);
        }

        using var document = JsonDocument.Parse(raw);
        return (Text(document.RootElement, "name"), Text(document.RootElement, "version"));
    }

    private static string? Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
