using Microsoft.AspNetCore.Http;

namespace Fairlead.AspNetCore.Auth;

/// <summary>Refuses requests that a web page of another site makes through the user's browser (DNS rebinding): Host and Origin must be ours, on every route and verb (decision 2).</summary>
internal sealed class HostOriginPolicy
{
    private static readonly string[] s_loopbackNames = ["localhost", "127.0.0.1", "[::1]"];

    private readonly HashSet<string> _origins;
    private readonly string? _publicHost;

    /// <summary>Allows loopback names, the public URL and the configured origins.</summary>
    public HostOriginPolicy(Uri? publicUrl, IEnumerable<string> allowedOrigins)
    {
        _publicHost = publicUrl?.Authority;
        _origins = new HashSet<string>(allowedOrigins.Select(origin => origin.TrimEnd('/')), StringComparer.OrdinalIgnoreCase);
        if (publicUrl is not null)
        {
            _origins.Add(publicUrl.GetLeftPart(UriPartial.Authority));
        }
    }

    /// <summary>Whether the request may go on; otherwise a sentence for the answer.</summary>
    public string? Refuse(HttpRequest request)
    {
        var host = request.Host;
        var port = request.HttpContext.Connection.LocalPort;
        if (!IsOurs(host, port))
        {
            return "The Host header names another machine; use http://127.0.0.1 with Fairlead's port, or configure publicUrl.";
        }

        var origin = request.Headers.Origin;
        if (origin.Count == 0)
        {
            return null; // Programs send no Origin; browsers always do on what could do harm.
        }

        return origin.Count == 1 && IsAllowed(origin[0]!, port) ? null : "The Origin header names another site; add it to allowedOrigins if it is meant to call Fairlead.";
    }

    private bool IsOurs(HostString host, int port)
    {
        if (!host.HasValue)
        {
            return false;
        }

        if (_publicHost is not null && string.Equals(host.Value, _publicHost, StringComparison.OrdinalIgnoreCase))
        {
            return true;
        }

        return IsLoopbackName(host.Host) && (host.Port ?? 80) == port;
    }

    private bool IsAllowed(string origin, int port)
    {
        if (_origins.Contains(origin))
        {
            return true;
        }

        return Uri.TryCreate(origin, UriKind.Absolute, out var uri) && uri.Scheme is ("http" or "https") && IsLoopbackName(uri.Host) && uri.Port == port;
    }

    private static bool IsLoopbackName(string name)
    {
        foreach (var known in s_loopbackNames)
        {
            if (string.Equals(name, known, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }
}
