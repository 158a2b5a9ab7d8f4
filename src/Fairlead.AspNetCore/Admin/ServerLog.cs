namespace Fairlead.AspNetCore.Admin;

/// <summary>Reads the end of a server's stderr log (<c>logs/&lt;server&gt;.log</c> of the state folder); it was redacted when it was written.</summary>
internal static class ServerLog
{
    /// <summary>How much is read.</summary>
    public const int BytesMax = 64 * 1024;

    /// <summary>The last whole lines, at most <see cref="BytesMax"/>; empty when the server has not written any or no state folder is kept.</summary>
    public static async Task<string[]> TailAsync(string? stateFolder, string server, CancellationToken cancellationToken)
    {
        var path = stateFolder is null ? null : Path.Combine(stateFolder, "logs", server + ".log");
        if (path is null || !File.Exists(path))
        {
            return [];
        }

        var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        await using (stream.ConfigureAwait(false))
        {
            var cut = stream.Length > BytesMax;
            if (cut)
            {
                stream.Seek(-BytesMax, SeekOrigin.End);
            }

            using var reader = new StreamReader(stream);
            var text = await reader.ReadToEndAsync(cancellationToken).ConfigureAwait(false);
            var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            return cut ? lines[1..] : lines;
        }
    }
}
