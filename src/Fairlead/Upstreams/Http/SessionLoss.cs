using System.Net;
using System.Text;
using Fairlead.Wire;

namespace Fairlead.Upstreams.Http;

/// <summary>Tells whether an HTTP answer means that the server no longer knows the session it was sent.</summary>
internal static class SessionLoss
{
    /// <summary>Whether the session is gone.</summary>
    /// <param name="status">404 by the specification (2025-11-25, basic/transports). Servers after the TypeScript SDK's examples say 400, with an error that
    /// names no request and speaks of the session; they would refuse every later call as well.</param>
    /// <param name="body">The body.</param>
    /// <param name="callId">Id of the request: an error that carries it was made by somebody who read the request, so the session is there.</param>
    public static bool IsTold(HttpStatusCode status, ReadOnlySpan<byte> body, long callId)
    {
        if (status is not (HttpStatusCode.NotFound or HttpStatusCode.BadRequest))
        {
            return false;
        }

        var text = JsonBytes.Trim(body);
        var isMessage = EnvelopeScanner.Scan(text, ScanLimits.Default, out var envelope) == ScanError.None && envelope.Kind == MessageKind.Error;
        var namesTheCall = isMessage && RequestIds.TryParse(envelope.Id.Of(text), out var id) && id == callId;
        if (status == HttpStatusCode.NotFound)
        {
            return !namesTheCall;
        }

        return isMessage && !namesTheCall && !envelope.Id.Of(text).StartsWith("\""u8)
            && Encoding.UTF8.GetString(envelope.Error.Of(text)).Contains("session", StringComparison.OrdinalIgnoreCase);
    }
}
