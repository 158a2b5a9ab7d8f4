using System.Text;
using Fairlead.Configuration;
using Fairlead.Security;

namespace Fairlead.Health;

/// <summary>A GET whose status, and if wanted whose body, speak for a server.</summary>
internal static class HttpCheck
{
    // A health page is short. What stands behind this is not searched.
    private const int BodyBytesMax = 256 * 1024;

    /// <summary>The client for all http checks: no redirects, cookies, proxies or credentials, and a connection for each check, because whether one can be opened is part of the question.</summary>
    public static HttpMessageInvoker CreateClient()
    {
#pragma warning disable CA2000 // The invoker disposes its handler.
        return new HttpMessageInvoker(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, UseProxy = false, PooledConnectionLifetime = TimeSpan.Zero, ActivityHeadersPropagator = null }, disposeHandler: true);
#pragma warning restore CA2000
    }

    /// <summary>How the address is shown: without what may be a secret in it.</summary>
    public static string Place(HealthCheckOptions options) => SecretTexts.MaskUrl(options.Url!.OriginalString);

    /// <summary>Asks.</summary>
    /// <param name="client">Of <see cref="CreateClient"/>.</param>
    /// <param name="options">With an http or https address.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<HealthFinding> AskAsync(HttpMessageInvoker client, HealthCheckOptions options, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, options.Url);
        try
        {
            using var response = await client.SendAsync(request, cancellationToken).ConfigureAwait(false);
            var status = (int)response.StatusCode;
            if (status != options.Status)
            {
                return HealthFinding.Bad($"{Place(options)} answered {status} instead of {options.Status} (healthCheck.status)");
            }

            return options.Body is not { Length: > 0 } wanted || await ContainsAsync(response, wanted, cancellationToken).ConfigureAwait(false)
                ? HealthFinding.Good
                : HealthFinding.Bad($"{Place(options)} answered {status}, but without \"{wanted}\" in its body (healthCheck.body)");
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            return HealthFinding.Bad($"{Place(options)} cannot be asked: {exception.GetBaseException().Message}");
        }
    }

    private static async Task<bool> ContainsAsync(HttpResponseMessage response, string wanted, CancellationToken cancellationToken)
    {
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        var buffer = new byte[BodyBytesMax];
        var read = await body.ReadAtLeastAsync(buffer, BodyBytesMax, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        return buffer.AsSpan(0, read).IndexOf(Encoding.UTF8.GetBytes(wanted)) >= 0;
    }
}
