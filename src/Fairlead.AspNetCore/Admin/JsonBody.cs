using System.Text;
using System.Text.Json;
using Fairlead.AspNetCore.Mcp;
using Microsoft.AspNetCore.Http;

namespace Fairlead.AspNetCore.Admin;

/// <summary>Reads small JSON bodies of administration.</summary>
internal static class JsonBody
{
    /// <summary>The body as it was written.</summary>
    /// <param name="context">The request.</param>
    /// <param name="bytesMax">Longest body.</param>
    /// <param name="shape">How a good body looks, as a sentence.</param>
    /// <exception cref="BadRequest">It is not JSON by its content type, or too long.</exception>
    public static async Task<string> TextAsync(HttpContext context, int bytesMax, string shape)
    {
        RequireJson(context, shape);

        var body = await RequestBody.ReadAsync(context.Request, bytesMax).ConfigureAwait(false);
        if (body.IsTooLarge)
        {
            throw new BadRequest($"The body is longer than {bytesMax} bytes; send less or raise limits.requestBodyBytesMax.", StatusCodes.Status413PayloadTooLarge, "BodyTooLarge");
        }

        try
        {
            return Encoding.UTF8.GetString(body.Memory.Span);
        }
        finally
        {
            body.Return();
        }
    }

    /// <summary>Checks the content type.</summary>
    /// <param name="context">The request.</param>
    /// <param name="shape">How a good body looks, as a sentence.</param>
    /// <exception cref="BadRequest">It is not that of JSON.</exception>
    public static void RequireJson(HttpContext context, string shape)
    {
        if (!context.Request.HasJsonContentType())
        {
            var type = context.Request.ContentType;
            throw new BadRequest(
                $"{(string.IsNullOrEmpty(type) ? "There is no Content-Type" : $"The Content-Type is {type}")}; send the body as application/json. {shape}",
                StatusCodes.Status415UnsupportedMediaType,
                "UnsupportedMediaType");
        }
    }

    /// <summary>The body as an object with no members but these.</summary>
    /// <inheritdoc cref="TextAsync"/>
    public static async Task<JsonElement> ObjectAsync(HttpContext context, int bytesMax, string shape, params string[] members)
    {
        JsonElement root;
        try
        {
            root = JsonSerializer.Deserialize<JsonElement>(await TextAsync(context, bytesMax, shape).ConfigureAwait(false));
        }
        catch (JsonException exception)
        {
            throw new BadRequest($"The body is not JSON: {exception.Message} {shape}");
        }

        if (root.ValueKind != JsonValueKind.Object)
        {
            throw new BadRequest($"The body is not an object. {shape}");
        }

        return root.EnumerateObject().FirstOrDefault(member => !members.Contains(member.Name)) is { Value.ValueKind: not JsonValueKind.Undefined } stranger
            ? throw new BadRequest($"The member '{stranger.Name}' is not known here. {shape}")
            : root;
    }
}
