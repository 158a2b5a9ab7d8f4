using Fairlead.Configuration;

namespace Fairlead.Routing;

/// <summary>The endpoint <c>/mcp/p/NAME</c>: a chosen part of the aggregate (product C4).</summary>
internal sealed class ProfileEndpoint : NamedEndpoint
{
    /// <summary>What the names of profiles' endpoints begin with. No server can be called so.</summary>
    public const string Prefix = "p/";

    /// <summary>Takes what the user wrote, which nobody changes any more.</summary>
    public ProfileEndpoint(string profile, ProfileOptions options)
        : base(Prefix + profile)
    {
        Options = options;
    }

    /// <summary>What is in it.</summary>
    public ProfileOptions Options { get; }

    /// <inheritdoc/>
    public override bool Serves(ServerCell server) => Options.Servers.Count == 0 || Options.Servers.Contains(server.Name);
}
