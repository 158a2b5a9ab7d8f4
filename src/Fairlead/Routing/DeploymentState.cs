namespace Fairlead;

/// <summary>What is being done to a server, beside the state it is in (product A7).</summary>
public enum DeploymentState
{
    /// <summary>Known but not meant to run: disabled, stopped, or without a credential it needs.</summary>
    NotDeployed,

    /// <summary>On its way into service for the first time since it was deployed or restarted.</summary>
    Deploying,

    /// <summary>Has been brought into service.</summary>
    Deployed,

    /// <summary>Could not be brought into service; the reason says why.</summary>
    Failed,

    /// <summary>The number of instances is being changed.</summary>
    Scaling,

    /// <summary>A changed configuration is being brought into service while the one before still serves.</summary>
    Updating,
}
