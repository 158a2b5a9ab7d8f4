using Fairlead.Upstreams;

namespace Fairlead.Routing;

/// <summary>Who calls, as far as choosing an instance and asking back is concerned (decision 8).</summary>
/// <param name="Owner">Compared by reference: a legacy session, or the in-process caller. Null: every call is its own owner.</param>
/// <param name="Capabilities">The raw client capabilities object that the owner declared; "{}" when none.</param>
internal sealed record Caller(object? Owner, byte[] Capabilities)
{
    /// <summary>The principal of every local caller while there is no authentication.</summary>
    public static object LocalPrincipal { get; } = new();

    /// <summary>Whether the owner is a legacy session: one that has used the shared instance stays with it (decision 8.3).</summary>
    public bool IsSession { get; init; }

    /// <summary>The raw object of the extensions that the owner declared, without tasks; empty when there are none.</summary>
    public byte[] Extensions { get; } = ClientExtensions.Of(Capabilities);

    /// <summary>Stands for what an instance of the owner's own is kept by; the owner itself unless it declares different things in different requests (2026-07-28).</summary>
    public object? InstanceKey { get; init; } = Owner;

    /// <summary>Asks the owner something outside of any call; false when it cannot be asked now. Null: it never can. Any thread; must not block.</summary>
    public Func<CallMessage, bool>? Ask { get; init; }

    /// <summary>Stands for the owner's principal in <c>isolation: principal</c>, compared by reference; null: each owner is a principal of its own.</summary>
    public object? Principal { get; init; }
}
