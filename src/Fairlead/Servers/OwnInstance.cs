using Fairlead.Sessions;
using Fairlead.Upstreams;

namespace Fairlead.Servers;

/// <summary>One instance of a server that belongs to one owner. Fields are the <see cref="OwnInstances"/>' and touched under its lock.</summary>
internal sealed class OwnInstance(object key, object? owner, ClientInput declares, byte[] extensions, long now)
{
    /// <summary>Whose it is; weak, so that an owner who has gone ends its instance and not the other way round.</summary>
    public WeakReference<object> Key { get; } = new(key);

    /// <summary>What it declares of its owner.</summary>
    public ClientInput Declares { get; } = declares;

    /// <summary>The extensions that it was told, raw; empty when none.</summary>
    public byte[] Extensions { get; } = extensions;

    /// <summary>Whose calls it works for, when that is one owner.</summary>
    public WeakReference<object>? Owner { get; } = owner is null ? null : new WeakReference<object>(owner);

    /// <summary>What it has to offer; null before it has been read.</summary>
    public OwnLists? Lists { get; set; }

    /// <summary>Completes when the start has ended: the connection, or null when it failed.</summary>
    public Task<UpstreamConnection?> Starting { get; set; } = Task.FromResult<UpstreamConnection?>(null);

    /// <summary>Why the start failed; null unless it did.</summary>
    public string? Failure { get; set; }

    /// <summary>Timestamp of the last call that asked for it, or of its failure.</summary>
    public long LastUsed { get; set; } = now;

    /// <summary>Ends the start when the instance is given up before it is ready.</summary>
    public CancellationTokenSource Cancel { get; } = new();

    /// <summary>The connection when it is ready.</summary>
    public UpstreamConnection? Connection => Starting.IsCompletedSuccessfully ? Starting.Result : null;
}
