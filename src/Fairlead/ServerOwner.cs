namespace Fairlead;

/// <summary>Who decides that a server is part of the fleet (decision 14).</summary>
public enum ServerOwner
{
    /// <summary>The program that uses <see cref="McpManager"/> deployed it. It is kept nowhere.</summary>
    Code,

    /// <summary>It stands in the configuration: a reload changes or removes it, the REST API does not.</summary>
    File,

    /// <summary>It was deployed over the REST API. It is kept in <c>fleet.json</c> of the state folder and comes back after a restart; a reload does not touch it.</summary>
    Api,
}
