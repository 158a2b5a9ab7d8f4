namespace Fairlead.BuiltIn.Docker;

/// <summary>Where the engine is: a named address, or the first of the usual sockets that exists at the moment of use.</summary>
internal sealed class DockerAddress
{
    private readonly Uri? _tcp;
    private readonly string[] _sockets = [];
    private readonly bool _isNamed;

    private DockerAddress(Uri tcp) => _tcp = tcp;

    private DockerAddress(bool isNamed, string[] sockets)
    {
        _isNamed = isNamed;
        _sockets = sockets;
    }

    /// <summary>Host and port of an engine on TCP; null = a socket.</summary>
    public Uri? Tcp => _tcp;

    /// <summary>The path of the socket to connect to, as it is now.</summary>
    public string Socket => _sockets.FirstOrDefault(File.Exists) ?? _sockets[0];

    /// <summary>Reads <c>DOCKER_HOST</c>.</summary>
    /// <exception cref="ArgumentException">It cannot be used.</exception>
    public static DockerAddress From(McpServerSettings settings)
    {
        if (settings.Find(DockerServerFactory.Host) is not { } host)
        {
            var runtime = settings.Find("XDG_RUNTIME_DIR") ?? "/run/user/0";
            return new DockerAddress(false, ["/var/run/docker.sock", $"{runtime}/docker.sock", $"{runtime}/podman/podman.sock", "/run/podman/podman.sock"]);
        }

        if (host.StartsWith("unix://", StringComparison.Ordinal) && host.Length > "unix://".Length)
        {
            return new DockerAddress(true, [host["unix://".Length..]]);
        }

        return Uri.TryCreate(host, UriKind.Absolute, out var address) && address.Scheme is "tcp" or "http" && address.UserInfo.Length == 0 && address.Host.Length != 0
            ? new DockerAddress(new UriBuilder("http", address.Host, address.Port < 0 ? 2375 : address.Port).Uri)
            : throw new ArgumentException($"{DockerServerFactory.Host} must be unix:///path or tcp://host:port; ssh and TLS are not supported, so forward such an engine's socket (ssh -L) and name that");
    }

    /// <summary>What to say when nobody answers.</summary>
    /// <param name="cause">What the system said.</param>
    public string Advice(string cause) => _tcp is not null || _isNamed
        ? $"no engine answers at {this} ({(_tcp is null && !File.Exists(Socket) ? "there is no such socket" : cause)}); start it, or correct {DockerServerFactory.Host}"
        : _sockets.Any(File.Exists)
            ? $"no engine answers at {this} ({cause}); start it"
            : $"there is no Docker engine: none of {string.Join(", ", _sockets)} exists; start Docker or podman (podman system service --time=0), or set {DockerServerFactory.Host}";

    /// <summary>The address as <c>DOCKER_HOST</c> has it.</summary>
    public override string ToString() => _tcp is null ? "unix://" + Socket : $"tcp://{_tcp.Authority}";
}
