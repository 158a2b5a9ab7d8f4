namespace Fairlead.Configuration;

/// <summary>What kind of server it is. A type other than <see cref="Custom"/> without command and url means the built-in server of that name.</summary>
public enum ServerType
{
    /// <summary>Any other MCP server; needs a command, a url, or code registered in the process.</summary>
    Custom,

    /// <summary>Containers and images of a Docker engine.</summary>
    Docker,

    /// <summary>Objects of a Kubernetes cluster.</summary>
    Kubernetes,

    /// <summary>Local git repositories.</summary>
    Git,

    /// <summary>Repositories, issues and pull requests on GitHub.</summary>
    GitHub,

    /// <summary>Queries to a Prometheus server.</summary>
    Prometheus,

    /// <summary>Buckets and objects of an S3 store.</summary>
    S3,

    /// <summary>Storage and backups over several providers.</summary>
    CloudStorage,

    /// <summary>Messages to Slack.</summary>
    Slack,

    /// <summary>Programs and files inside an allowed root.</summary>
    Commander,

    /// <summary>Static analysis of source code.</summary>
    Sast,

    /// <summary>Scans of dependencies, images, files and ports.</summary>
    SecurityScanner,

    /// <summary>Bills of materials and dependency risk.</summary>
    SupplyChain,

    /// <summary>Web search through Brave.</summary>
    BraveSearch,

    /// <summary>Notifications over several channels.</summary>
    Hub,

    /// <summary>The Smithery registry of servers.</summary>
    Smithery,
}

/// <summary>The group a <see cref="ServerType"/> belongs to.</summary>
public enum ServerCategory
{
    /// <summary>Building, versioning and running software; also <see cref="ServerType.Custom"/>.</summary>
    Devops,

    /// <summary>Storage, monitoring and machines.</summary>
    Infrastructure,

    /// <summary>Scanners and analysis.</summary>
    Security,

    /// <summary>Finding things.</summary>
    Search,

    /// <summary>Talking to people.</summary>
    Communication,
}

/// <summary>The category of each server type.</summary>
public static class ServerTypes
{
    /// <summary>The group that lists and dashboards show a type under.</summary>
    public static ServerCategory Category(this ServerType type) => type switch
    {
        ServerType.Prometheus or ServerType.S3 or ServerType.CloudStorage or ServerType.Commander => ServerCategory.Infrastructure,
        ServerType.Sast or ServerType.SecurityScanner or ServerType.SupplyChain => ServerCategory.Security,
        ServerType.BraveSearch or ServerType.Smithery => ServerCategory.Search,
        ServerType.Slack or ServerType.Hub => ServerCategory.Communication,
        _ => ServerCategory.Devops,
    };
}
