using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Fairlead.State;
using Microsoft.AspNetCore.Http;

namespace Fairlead.AspNetCore.Admin;

/// <summary>The answer to a deployment that was made under a key.</summary>
/// <param name="Location">The server's path.</param>
/// <param name="Body">The server, as it was then.</param>
internal sealed record DeployAnswer(string Location, string Body);

/// <summary>Remembers deployments by the key that their client gave them (draft-ietf-httpapi-idempotency-key-header), so that one that is sent again is answered and not made again.</summary>
/// <remarks>
/// Deployments alone are remembered: one that was refused has done nothing, so it may be tried again under its key. Kept in the state folder, beside the keys, because it tells
/// one body from another; without a state folder until the end of the process. Any thread.
/// </remarks>
internal sealed class DeployKeys(StateFiles? files, TimeProvider time)
{
    /// <summary>How many are kept; the oldest go first.</summary>
    public const int KeptMax = 256;

    private const int FormatVersion = 1;
    private const int LengthMax = 255;
    private const string Shape = "Send up to 255 visible characters, different for each deployment, such as Idempotency-Key: \"8e03978e-40d5-43dd-bc93-6894a57f9324\".";

    /// <summary>How long a deployment is remembered.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromHours(24);

    private readonly Lock _lock = new();
    private readonly StateFile? _file = files?.File(Path.Combine("keys", "deployments.json"), FormatVersion, "A deployment that is sent again with its Idempotency-Key is made again.");
    private readonly HashSet<string> _running = new(StringComparer.Ordinal);
    private Dictionary<string, Kept>? _kept;

    /// <summary>The key of a request; null = it has none.</summary>
    /// <exception cref="BadRequest">It is none.</exception>
    public static string? Of(HttpRequest request)
    {
        var header = request.Headers["Idempotency-Key"];
        if (header.Count == 0)
        {
            return null;
        }

        var text = header.Count == 1 ? header[0] ?? "" : "";
        var key = text is ['"', .. var inner, '"'] ? inner : text;
        return key.Length is > 0 and <= LengthMax && key.All(static character => character is > ' ' and <= '~' and not '"' and not '\\')
            ? key
            : throw new BadRequest($"Idempotency-Key = '{header}' is no key. {Shape}");
    }

    /// <summary>Begins a deployment under a key, unless it was made already. One that is begun must be ended.</summary>
    /// <param name="key">The key.</param>
    /// <param name="body">What is deployed, as it was sent.</param>
    /// <returns>The first answer; null = it is to be made.</returns>
    /// <exception cref="BadRequest">The key was used with another body, or its deployment is under way.</exception>
    public DeployAnswer? Begin(string key, string body)
    {
        lock (_lock)
        {
            ForgetOld_NeedsLock();
            if (_kept!.TryGetValue(key, out var kept))
            {
                return kept.Digest == DigestOf(body) ? kept.Answer : throw new BadRequest(
                    $"The Idempotency-Key '{key}' was used for another deployment, of {kept.Answer.Location}. Send another key with another body.", StatusCodes.Status422UnprocessableEntity, "IdempotencyKeyReused");
            }

            return _running.Add(key) ? null : throw new BadRequest(
                $"The deployment with the Idempotency-Key '{key}' is under way. Send it again in a moment to get its answer.", StatusCodes.Status409Conflict, "RequestInProgress");
        }
    }

    /// <summary>Ends a deployment that was begun.</summary>
    /// <param name="key">The key.</param>
    /// <param name="body">What was deployed.</param>
    /// <param name="answer">Its answer; null = it was not made.</param>
    public void End(string key, string body, DeployAnswer? answer)
    {
        lock (_lock)
        {
            _running.Remove(key);
            if (answer is not null)
            {
                _kept![key] = new Kept(DigestOf(body), time.GetUtcNow(), answer);
                ForgetOld_NeedsLock();
                _file?.Write(JsonSerializer.SerializeToUtf8Bytes(new { formatVersion = FormatVersion, deployments = _kept }, RestApi.Json));
            }
        }
    }

    private void ForgetOld_NeedsLock()
    {
        if (_kept is null)
        {
            _kept = [];
            _file?.Read(bytes =>
            {
                using var document = JsonDocument.Parse(bytes);
                var read = document.RootElement.GetProperty("deployments").Deserialize<Dictionary<string, Kept>>(RestApi.Json);
                _kept = read is not null && read.Values.All(static one => one is { Digest: not null, Answer: { Location: not null, Body: not null } }) ? read : throw new FormatException("a deployment lacks a member");
            });
        }

        var oldest = time.GetUtcNow() - Lifetime;
        foreach (var key in _kept.OrderByDescending(static pair => pair.Value.At).Where((pair, index) => index >= KeptMax || pair.Value.At <= oldest).Select(static pair => pair.Key).ToList())
        {
            _kept.Remove(key);
        }
    }

    private static string DigestOf(string body) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(body)));

    /// <summary>A deployment that was made.</summary>
    private sealed record Kept(string Digest, DateTimeOffset At, DeployAnswer Answer);
}
